"""GraphQL's answers: what was found, and what was not and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.github.errors import Invalid, Unanswered, limit

_ABOUT_DATA = frozenset({"NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES"})
_LIMITS = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_PASSING = frozenset({"", "INTERNAL", "SERVICE_UNAVAILABLE", "TIMEOUT", "RESOURCE_LIMITS_EXCEEDED"})
_NOT_ACCEPTED = "NOT_ACCEPTED"


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


def read_answer(answer: Any, headers: Mapping[str, str], *, now: datetime) -> Answer:
    """The answer of a query; GraphQL tells its errors, limits among them, with status 200.

    Raises:
        RateLimited: the points are used up, or GitHub wants less at once.
        Unanswered: GitHub failed, or timed out.
        Invalid: the query is not accepted: a defect of ours, told in GitHub's words.

    """
    if not isinstance(answer, dict):
        raise Unanswered("an answer of GitHub's GraphQL that can be read")
    errors, data = answer.get("errors"), answer.get("data")
    problems = tuple(_problem(each, begun="data" in answer) for each in errors) if isinstance(errors, list) else ()
    if not problems and not isinstance(data, dict):
        problems = (Problem("", (), str(answer.get("message") or "no data")),)
    if any(_is_limit(problem) for problem in problems):
        raise limit(headers, now, what="GitHub's GraphQL limit")
    if {problem.type for problem in problems} <= _ABOUT_DATA and isinstance(data, dict):
        return Answer(data, problems)
    raise _failed(problems)


def _is_limit(problem: Problem) -> bool:
    return problem.type in _LIMITS or (problem.type not in _ABOUT_DATA and "rate limit" in problem.message.lower())


def _failed(problems: Sequence[Problem]) -> Exception:
    words = "; ".join(problem.message for problem in problems)
    if any(problem.type in _PASSING for problem in problems):
        return Unanswered(f"GitHub's GraphQL ({words})")
    return Invalid(f"GitHub does not accept the query: {words}")


def _problem(error: Any, *, begun: bool) -> Problem:
    """One error. Where the query is not even begun, an error that points into its text is about the query."""
    holder = error if isinstance(error, dict) else {}
    path, extensions = holder.get("path"), holder.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    static = _NOT_ACCEPTED if not begun and holder.get("locations") else ""
    return Problem(
        str(holder.get("type") or code or static),
        tuple(path) if isinstance(path, list) else (),
        str(holder.get("message") or error),
    )
