"""Rulesets and branch protection: what a repository demands of a merge, and who changes that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox.accounts import Account
from bot.sandbox.shapes import protection as shapes

if TYPE_CHECKING:
    from bot.sandbox.repositories import Repository


@dataclass(slots=True, eq=False)
class Ruleset:
    """A ruleset for the default branch that demands ``checks``. ``enforcement`` is active, disabled or evaluate."""

    id: int
    repository: Repository
    name: str
    checks: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    enforcement: str = "active"

    def enforce(self, enforcement: str, *, by: Account) -> None:
        """Switch it off, or on again."""
        before, self.enforcement = self.enforcement, enforcement
        self.updated_at = self.repository.world.now()
        self._tell("edited", by, {"enforcement": {"from": before}})

    def release(self, *, by: Account) -> None:
        """Demand no check any more."""
        before, self.checks, self.updated_at = self.checks, (), self.repository.world.now()
        self._tell("edited", by, {"rules": {"added": [], "deleted": [shapes.rule(before)], "updated": []}})

    def delete(self, *, by: Account) -> None:
        """Take it away."""
        del self.repository.rulesets[self.id]
        self._tell("deleted", by)

    def _tell(self, action: str, by: Account, changes: object = None) -> None:
        more = {} if changes is None else {"changes": changes}
        self.repository.tell("repository_ruleset", action, by, repository_ruleset=shapes.ruleset(self), **more)


@dataclass(slots=True, eq=False)
class Protection:
    """The older way to protect a branch."""

    id: int
    repository: Repository
    branch: str
    checks: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    def release(self, *, by: Account) -> None:
        """Demand no check any more."""
        before, self.checks, self.updated_at = self.checks, (), self.repository.world.now()
        self._tell("edited", by, {"required_status_checks": {"from": list(before)}})

    def delete(self, *, by: Account) -> None:
        """Take it away."""
        del self.repository.protections[self.branch]
        self._tell("deleted", by)

    def _tell(self, action: str, by: Account, changes: object = None) -> None:
        more = {} if changes is None else {"changes": changes}
        self.repository.tell("branch_protection_rule", action, by, rule=shapes.protection(self), **more)


def ruleset(repository: Repository, name: str, checks: tuple[str, ...], by: Account) -> Ruleset:
    """Make a ruleset."""
    now = repository.world.now()
    made = Ruleset(repository.world.numbers.next("RepositoryRuleset"), repository, name, checks, now, now)
    repository.rulesets[made.id] = made
    repository.tell("repository_ruleset", "created", by, repository_ruleset=shapes.ruleset(made))
    return made


def protect(repository: Repository, branch: str, checks: tuple[str, ...], by: Account) -> Protection:
    """Protect a branch."""
    now = repository.world.now()
    made = Protection(repository.world.numbers.next("BranchProtectionRule"), repository, branch, checks, now, now)
    repository.protections[branch] = made
    repository.tell("branch_protection_rule", "created", by, rule=shapes.protection(made))
    return made


def switch(repository: Repository, *, on: bool, by: Account) -> None:
    """Switch all protection of branches off, or on again; rulesets stay as they are."""
    repository.is_protecting = on
    repository.tell("branch_protection_configuration", "enabled" if on else "disabled", by)


def demanded(rulesets: Iterable[Ruleset], protections: Iterable[Protection]) -> list[str]:
    """The checks that are demanded at the moment."""
    active = [each.checks for each in rulesets if each.enforcement == "active"]
    return [check for checks in (*active, *(each.checks for each in protections)) for check in checks]
