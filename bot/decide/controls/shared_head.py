"""The commit is the head of no other pull request that may not pass: GitHub keeps one check run for both.

A green check opens the merge of every pull request that has it, so that it is green only while each of them passes
whole, its time included. Asked last: whoever holds up another pull request is told so, too.
"""

from collections.abc import Sequence

from bot.decide.context import Context
from bot.decide.verdict import Decision, Finding, Verdict
from bot.facts.model import Account, Sibling
from bot.words import listed

ID = "shared-head"
_CONTROLS = ("PCI-DSS-6.5.1", "ISO-27001-A.8.32")
_ONE_CHECK = "GitHub keeps one check run for a commit: were it green, each of them could be merged."


def look(context: Context, *, alone: bool) -> Finding | None:
    """Wait for every other open pull request with the same head; nothing to say when there is none.

    ``alone``: everything else passes.
    """
    siblings = context.facts.siblings
    if not siblings:
        return None
    listed_ = listed([_named(each.number, each.author) for each in siblings])
    what = f"The head commit is also that of {listed_}"
    waiting = [each for each in siblings if not each.passes]
    if waiting:
        named = listed([f"#{each.number}" for each in waiting])
        does = "does" if len(waiting) == 1 else "do"
        return _waits(waiting, f"{what}. {named} {does} not pass yet.")
    if alone:
        each = f"{what}. Each passes by its own approvals."
        return Finding(ID, Verdict.PASS, "the same commit passes elsewhere", each, controls=_CONTROLS)
    mine = Sibling(context.facts.number, author=context.facts.author)
    passes = "which passes" if len(siblings) == 1 else "which pass"
    return _waits([mine], f"{what}, {passes} but for #{mine.number}.")


def _waits(waiting: Sequence[Sibling], what: str) -> Finding:
    """What opens the way of them all, and for whom each waits."""
    named = listed([_named(each.number, each.author) for each in waiting], "or")
    it = "it" if len(waiting) == 1 else "each"
    return Finding(
        id=ID,
        verdict=Verdict.WAIT,
        headline=f"#{waiting[0].number}, which has the same commit",
        what=what,
        why=_ONE_CHECK,
        remedy=f"Close {named}, or get {it} approved as well, for the same time (`/schedule`); or push a commit of its "
        "own to one of the branches.",
        controls=_CONTROLS,
    )


def _named(number: int, author: Account | None) -> str:
    return f"#{number}, opened by @{author.login}" if author is not None else f"#{number}"


def passes_alone(decision: Decision) -> bool:
    """Whether everything but what is said about siblings passes, its time too: what siblings may build on."""
    return all(each.blocks in {Verdict.PASS, Verdict.WAIVED} for each in decision.findings if each.id != ID)
