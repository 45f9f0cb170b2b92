"""What expressions of a policy can speak of: each name, its type, and what it means. Pure.

Expressions are checked against it when a policy is read (`expressions`), values for it are worked out of the facts
(`decide.environment`), and the reference page is made from it (`reference`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

PACKAGE = "countersign"
"""What the CEL library knows the messages under: it calls one ``countersign.Change``."""


@dataclass(frozen=True, slots=True)
class Name:
    """Something that expressions can speak of: its type, and what it means."""

    type: str
    meaning: str


Message = Mapping[str, Name]

MESSAGES: Mapping[str, Message] = {
    "Change": {
        "title": Name("string", "The pull request's title."),
        "body": Name("string", "Its description."),
        "number": Name("int", "Its number."),
        "base": Name("string", "The branch that it goes to."),
        "head": Name("string", "The branch that it comes from."),
        "draft": Name("bool", "Whether it is a draft."),
        "from_fork": Name("bool", "Whether its branch is in a fork."),
        "commits": Name("int", "How many commits it has."),
        "tier": Name("string", "low, medium or high: in `rules` the change's, in `risk.raise` the application's."),
        "type": Name("string", "standard or normal: the type that its tier has."),
        "repository": Name("string", "The repository as owner/name."),
        "created": Name("timestamp", "When it was opened."),
    },
    "Application": {
        "name": Name("string", "The application's name in the inventory; empty when it is in none."),
        "tier": Name("string", "Its tier."),
        "data": Name("list(string)", "Its classes of data."),
        "configuration_item": Name("string", "Its number in the inventory of configuration items."),
        "known": Name("bool", "Whether the repository is in the inventory."),
    },
    "People": {
        "author": Name("string", "The login of who opened the pull request."),
        "contributors": Name("list(string)", "The logins of everybody who contributed."),
        "approvers": Name("list(string)", "The logins of everybody whose approval counts."),
        "unknown": Name("int", "How many traces of contributors lead to nobody."),
    },
    "File": {
        "path": Name("string", "Its path. A moved file stands here twice: where it was it is deleted."),
        "change": Name("string", "added, changed, copied, deleted, modified or renamed."),
        "additions": Name("int", "Lines added."),
        "deletions": Name("int", "Lines deleted."),
    },
    "Lines": {
        "added": Name("int", "Lines added in all files."),
        "deleted": Name("int", "Lines deleted in all files."),
        "changed": Name("int", "Both together."),
    },
    "Evidence": {
        "kind": Name("string", "The kind of report: junit, sarif, sonarqube …"),
        "name": Name("string", "The name that it was submitted under."),
        "tool": Name("string", "The tool that wrote it."),
        "passed": Name("bool", "Whether it says that all is well."),
        "figures": Name("map(string, double)", "Its figures by name."),
    },
    "Deployment": {
        "environment": Name("string", "Where it goes; empty on a pull request."),
        "kind": Name("string", "The inventory's kind of that environment; empty on a pull request."),
        "commits": Name("int", "How many commits it ships."),
    },
    "Time": {
        "now": Name("timestamp", "The moment of the decision."),
        "day": Name("string", "The day of the week there, as MO, TU, WE, TH, FR, SA or SU."),
        "hour": Name("int", "The hour there, 0 to 23."),
        "timezone": Name("string", "The time zone of the policy's calendar."),
    },
}
ENVIRONMENT: Mapping[str, Name] = {
    "change": Name("Change", "The pull request."),
    "application": Name("Application", "The entry of the inventory that the repository belongs to."),
    "people": Name("People", "Who took part."),
    "paths": Name("list(string)", "The paths of all changed files; of a moved one also where it was."),
    "files": Name("list(File)", "The changed files."),
    "lines": Name("Lines", "How much changed."),
    "lines_changed": Name("int", "Lines added and deleted, together."),
    "labels": Name("list(string)", "The pull request's labels."),
    "evidence": Name("list(Evidence)", "What other tools found about the head commit."),
    "deployment": Name("Deployment", "The deployment, where there is one."),
    "time": Name("Time", "When it is decided, in the policy's time zone."),
}
"""Everything that an expression can speak of."""
