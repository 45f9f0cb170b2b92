"""The commit is the head of no other pull request that may not pass: GitHub keeps one check run for both."""

from bot.decide.context import Context
from bot.decide.verdict import Decision, Finding, Verdict

ID = "shared-head"


def look(context: Context) -> Finding | None:
    """Wait for every other open pull request with the same head; nothing to say when there is none."""
    siblings = context.facts.siblings
    if not siblings:
        return None
    listed = ", ".join(f"#{sibling.number}" for sibling in siblings)
    open_ones = [sibling for sibling in siblings if not sibling.passes]
    if not open_ones:
        return Finding(
            id=ID,
            verdict=Verdict.PASS,
            headline="the same commit passes elsewhere",
            what=f"The head commit is also that of {listed}, which passes by its own approvals.",
            controls=("PCI-DSS-6.5.1", "ISO-27001-A.8.32"),
        )
    first = open_ones[0]
    return Finding(
        id=ID,
        verdict=Verdict.WAIT,
        headline=f"#{first.number}, which has the same commit",
        what=f"The head commit is also that of {listed}, and #{first.number} does not pass yet.",
        why="GitHub keeps one check run for a commit, so that neither can pass without the other.",
        remedy=f"Get #{first.number} approved as well, close it, or push a commit of its own to one of the branches.",
        controls=("PCI-DSS-6.5.1", "ISO-27001-A.8.32"),
    )


def passes_alone(decision: Decision) -> bool:
    """Whether everything but what is said about siblings passes: what siblings may build on."""
    return all(each.blocks in {Verdict.PASS, Verdict.WAIVED} for each in decision.findings if each.id != ID)
