"""GraphQL's answers: what was found, and what was not and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.github.errors import SECONDARY_WAIT, Invalid, RateLimited, Unanswered

_ABOUT_DATA = frozenset({"NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of the data is missing: GitHub's type of error, where in the data, and GitHub's words."""

    type: str
    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The data that was found, and the parts of it that were not."""

    data: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def read_answer(answer: Any, *, now: datetime) -> Answer:
    """The answer of a query; GraphQL tells its errors with status 200.

    Raises:
        RateLimited: the points are used up.
        Unanswered: GitHub failed, or timed out.
        Invalid: the query is not accepted: a defect of ours, told in GitHub's words.

    """
    if not isinstance(answer, dict):
        raise Unanswered("an answer of GitHub's GraphQL that can be read")
    problems = tuple(_problem(error) for error in answer.get("errors") or ())
    data = answer.get("data")
    types = {problem.type for problem in problems}
    if "RATE_LIMITED" in types or "RATE_LIMIT" in types:
        raise RateLimited(now + SECONDARY_WAIT, what="GitHub's GraphQL limit")
    if types - _ABOUT_DATA or not isinstance(data, dict):
        words = "; ".join(problem.message for problem in problems) or "no data"
        if types & {"", "INTERNAL", "SERVICE_UNAVAILABLE", "TIMEOUT", "RESOURCE_LIMITS_EXCEEDED"} or not problems:
            raise Unanswered(f"GitHub's GraphQL ({words})")
        raise Invalid(f"GitHub does not accept the query: {words}")
    return Answer(data, problems)


def _problem(error: Any) -> Problem:
    holder = error if isinstance(error, dict) else {}
    path = holder.get("path")
    return Problem(
        str(holder.get("type") or ""),
        tuple(path) if isinstance(path, list) else (),
        str(holder.get("message") or error),
    )
