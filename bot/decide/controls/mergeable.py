"""What would be merged is what was looked at."""

from datetime import timedelta
from typing import assert_never

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Mergeability, PullRequestState
from bot.words import quoted

AGAIN = timedelta(minutes=1)


def look(context: Context) -> Finding | None:
    """Fail on conflicts; wait a minute while GitHub works out whether there are any."""
    if context.facts.state is not PullRequestState.OPEN:
        return None
    base = quoted(context.facts.base.name)
    match context.facts.mergeability:
        case Mergeability.MERGEABLE:
            return None
        case Mergeability.CONFLICTING:
            return Finding(
                id="mergeable",
                verdict=Verdict.FAIL,
                headline="conflicts with the base branch",
                what=f"The change conflicts with {base}.",
                why="Resolving the conflicts makes another change than the one that was approved.",
                remedy="The author resolves the conflicts; approvals are then given for the new head.",
            )
        case Mergeability.UNKNOWN:
            return Finding(
                id="mergeable",
                verdict=Verdict.WAIT,
                headline="GitHub is still comparing the branches",
                what=f"GitHub has not yet worked out whether the change conflicts with {base}.",
                remedy="Nothing is to be done: Countersign looks again within a minute.",
                until=context.now + AGAIN,
                minutes=True,
            )
        case _:
            assert_never(context.facts.mergeability)
