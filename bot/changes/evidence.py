"""What shows that a change was tested: what other tools report about its head commit. Pure.

It is what GitHub knew at the last look. Only what says so itself has passed: a check that was skipped, or that calls
itself neutral, shows nothing.
"""

from collections.abc import Sequence
from enum import StrEnum

from bot.facts.model import PullRequestFacts, Reported
from bot.words import counted, dated


class Outcome(StrEnum):
    """What a check came to, in the order in which they are listed."""

    FAILED = "failed"
    UNFINISHED = "not finished"
    PASSED = "passed"
    NOTHING = "shown nothing"


_SHOWS_NOTHING = {"neutral", "skipped"}
_ORDER = list(Outcome)
ITEM = "- "
"""What the line of a check begins with; a summary does not."""


def lines(facts: PullRequestFacts) -> tuple[str, ...]:
    """How many checks have passed, then a line for each, what failed first; empty where no tool reports anything."""
    came_to = [(outcome(each), each) for each in facts.reported]
    counts = [(sum(found is each for found, _ in came_to), each.value) for each in Outcome]
    counts.append((facts.reported_beside, "that GitHub does not list"))
    total = sum(count for count, _ in counts)
    if not total:
        return ()
    parts = ", ".join(f"{count} {what}" for count, what in counts if count)
    listed = sorted(came_to, key=lambda each: (_ORDER.index(each[0]), each[1]))
    return (f"{counted(total, 'check')} of {facts.head.oid[:7]}: {parts}.", *(_line(*each) for each in listed))


def summaries(evidence: Sequence[str]) -> list[str]:
    """How many checks have passed of each pull request, out of its lines."""
    return [line for line in evidence if not line.startswith(ITEM)]


def outcome(report: Reported) -> Outcome:
    """What a check came to; a word that nobody knows is no success."""
    if not report.word:
        return Outcome.UNFINISHED
    if report.word == "success":
        return Outcome.PASSED
    return Outcome.NOTHING if report.word in _SHOWS_NOTHING else Outcome.FAILED


def _line(came_to: Outcome, report: Reported) -> str:
    by = f" ({report.by})" if report.by else ""
    word = f" ({report.word.replace('_', ' ')})" if report.word not in {"", "success", "failure"} else ""
    at = f", {dated(report.at)}" if report.at is not None else ""
    url = f", {report.url}" if report.url else ""
    return f"{ITEM}{report.name}{by}: {came_to.value}{word}{at}{url}"
