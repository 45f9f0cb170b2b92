"""What a pull request does to policy files: the text that it would put there, and what that would have meant."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from bot.errors import Refusal, Transient
from bot.facts.model import FileChange, PolicyChange, PullRequestFacts
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.policy.assemble import Refused, Source, checked_under, lay
from bot.policy.check import Checked
from bot.policy.default import default
from bot.policy.load import ORGANISATION_FILE, REPOSITORY_FILE, UNREADABLE
from bot.policy.model import Policy, Problem
from bot.policy.reading import beside
from bot.store import Store
from bot.trial.candidate import Candidate
from bot.trial.model import Preview
from bot.trial.preview import preview

NOTHING = "version: 1\n"
"""What a repository's file says that is not there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy file as the pull request would have it: the fact, and what its own check run shows.

    With a ``preview``, the file can be used, and its ``problems`` are what in it would not hold.
    """

    change: PolicyChange
    problems: tuple[Problem, ...] = ()
    preview: Preview | None = None


async def read(
    store: Store,
    github: InstallationClient,
    facts: PullRequestFacts,
    above: Policy,
    policy_repository: str,
    *,
    lane: Lane,
    at: datetime,
) -> tuple[Draft, ...]:
    """A draft for each policy file that the pull request touches; usually there is none.

    ``above`` is the policy without the repository's own file. Over the one in force, what a file says today would be
    mistaken for what the organisation says, and a file could name roles that only its old version has.

    Raises:
        Transient: GitHub could not answer.

    """
    changed = {file.path for file in facts.files}
    return tuple(
        [
            await _draft(store, github, facts, above, path, organisation=organisation, lane=lane, at=at)
            for path, organisation in _touched(facts, policy_repository)
            if path in changed or await _differs(github, facts, path, lane)
        ]
    )


def _touched(facts: PullRequestFacts, policy_repository: str) -> Iterator[tuple[str, bool]]:
    """The policy files among the changed ones, and whether each is the organisation's.

    GitHub tells only the new name of a file that was renamed: one may have been a policy file before.
    """
    paths = {file.path for file in facts.files}
    renamed = any(file.change is FileChange.RENAMED for file in facts.files)
    if REPOSITORY_FILE in paths or renamed:
        yield REPOSITORY_FILE, False
    if facts.repository.name.lower() == policy_repository.lower() and (ORGANISATION_FILE in paths or renamed):
        yield ORGANISATION_FILE, True


async def _differs(github: InstallationClient, facts: PullRequestFacts, path: str, lane: Lane) -> bool:
    """Whether the file is another one on the head than on the base, where the list of files does not tell."""
    before = await _text(github, facts, path, facts.base.oid, lane)
    return before != await _text(github, facts, path, facts.head.oid, lane)


async def _draft(
    store: Store,
    github: InstallationClient,
    facts: PullRequestFacts,
    above: Policy,
    path: str,
    *,
    organisation: bool,
    lane: Lane,
    at: datetime,
) -> Draft:
    here = facts.repository
    found = await _text(github, facts, path, facts.head.oid, lane)
    origin = f"{here.full_name}:{path}".lower()
    if found is None and organisation:
        problem = Problem(origin, 1, 1, "The organisation's policy is taken away; the last version stays in force.")
        return Draft(PolicyChange(path, usable=False), (problem,))
    blob, text = found or ("nothing", NOTHING)
    source = Source(origin, blob, text)
    judge = partial(_judged, source, None if organisation else above, facts)
    checked, refused = await beside(judge, [source])
    if checked.problems:
        return Draft(PolicyChange(path, usable=False), checked.problems)
    candidate = Candidate(text, origin, None if organisation else here.full_name)
    try:
        made = await preview(store, candidate, blob, at)
    except Refusal as refusal:
        return Draft(PolicyChange(path, usable=False), (Problem(origin, 1, 1, str(refusal)),))
    change = PolicyChange(
        path,
        usable=True,
        tried=made.tried,
        differing=made.differing,
        gains=made.gains,
        untried=made.untried,
        refused=tuple(dict.fromkeys(each.key for each in refused)),
    )
    return Draft(change, tuple(each.problem for each in refused), made)


def _judged(source: Source, above: Policy | None, facts: PullRequestFacts) -> tuple[Checked, list[Refused]]:
    """The file, and what in it is not let through by the policy ``above`` it, in the order of its lines.

    Above the organisation's file there is none.
    """
    checked = checked_under(source, above or default())
    if above is None:
        return checked, []
    _, refused = lay(checked, above, facts.repository.name, facts.properties)
    return checked, sorted(refused, key=lambda each: (each.problem.line, each.problem.column))


async def _text(
    github: InstallationClient, facts: PullRequestFacts, path: str, commit: str, lane: Lane
) -> tuple[str, str] | None:
    """Blob id and text of the file on a commit; None when there is none."""
    here = facts.repository
    variables = {"owner": here.owner, "name": here.name, "expression": f"{commit}:{path}"}
    answer = await github.query(document("policy_at"), variables, lane=lane)
    repository = answer.data.get("repository")
    if repository is None:
        raise Transient("the repository to be seen again")
    blob = repository["object"]
    if not blob:
        return None
    whole = not blob["isBinary"] and not blob["isTruncated"] and blob["text"] is not None
    return blob["oid"], blob["text"] if whole else UNREADABLE


def of(drafts: tuple[Draft, ...], facts: PullRequestFacts) -> PullRequestFacts:
    """The facts with what the drafts tell."""
    return replace(facts, policy_changes=tuple(draft.change for draft in drafts))
