"""A change of the policy itself can be used, and says what it would have meant."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import PolicyChange
from bot.words import listed, quoted


def look(context: Context) -> Finding | None:
    """Fail where a changed policy file could not be used; nothing to say where no policy file changes."""
    changes = context.facts.policy_changes
    if not changes:
        return None
    broken = [change for change in changes if not change.usable]
    if broken:
        named = listed([quoted(change.path) for change in broken])
        return Finding(
            id="policy-change",
            verdict=Verdict.FAIL,
            headline="the changed policy cannot be used",
            what=f"As it is here, {named} cannot be used.",
            why="Merged like this, the last version that works would stay in force, and nobody would notice.",
            remedy="The author corrects it; the preview, a check of its own, shows every problem at its line.",
        )
    refused = any(change.refused for change in changes)
    gaining = sorted({gain.account.login for change in changes for gain in change.gains})
    return Finding(
        id="policy-change",
        verdict=Verdict.PASS,
        headline="the policy is changed, part of it would not hold" if refused else "the policy is changed",
        what=" ".join(map(_meaning, changes)),
        why=_gaining(gaining),
    )


def _meaning(change: PolicyChange) -> str:
    meaning = (
        f"{quoted(change.path)} is changed: of {change.tried:,} recorded changes, {change.differing:,} would be "
        "decided differently."
    )
    if change.untried:
        meaning += f" {change.untried:,} more cannot be compared."
    if not change.refused:
        return meaning
    keys = listed([quoted(key) for key in change.refused])
    return f"{meaning} What it says of {keys} would loosen the policy above it, and would not hold."


def _gaining(logins: list[str]) -> str:
    if not logins:
        return "The preview of the policy, a check of its own, shows which, and how."
    named = listed([f"@{login}" for login in logins])
    return f"Open changes of {named} would pass with it, so that they cannot approve it."
