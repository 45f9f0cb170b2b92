"""Accounts, and the numbers that everything on GitHub has."""

import base64
import itertools
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True, slots=True)
class Account:
    """A user, a bot or an organisation (``kind``); two are the same when their numbers are."""

    id: int
    login: str = field(compare=False)
    kind: str = field(default="User", compare=False)
    email: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """What stands in a commit."""
        return self.login.removesuffix("[bot]").title()

    def rename(self, login: str) -> None:
        """Change the login; whoever knows the account knows it by its new one."""
        object.__setattr__(self, "login", login)

    @property
    def node_id(self) -> str:
        """GitHub's other id of it."""
        return node_id(self.kind, self.id)


WEB_FLOW = Account(19864447, "web-flow", "User", "noreply@github.com")
"""GitHub's own committer."""


@cache
def node_id(kind: str, number: int) -> str:
    """GitHub's other id of a thing."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


class Numbers:
    """Counts up, from figures that differ by kind, so that nothing is right by accident."""

    def __init__(self) -> None:
        self._counters: dict[str, itertools.count[int]] = {}

    def next(self, kind: str) -> int:
        """The next number of that kind."""
        if kind not in self._counters:
            self._counters[kind] = itertools.count(1_000_003 + 10_007 * len(self._counters))
        return next(self._counters[kind])
