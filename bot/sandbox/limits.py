"""How much an installation may ask, as GitHub counts it and says it in its headers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Allowance:
    """What one caller may ask of one resource until ``reset``."""

    used: int
    reset: datetime


@dataclass(slots=True)
class Limits:
    """Requests an hour (``core``) and points an hour (``graphql``); None is no limit, as on a server of one's own."""

    core: int | None = 15_000
    graphql: int | None = 10_000
    _allowances: dict[tuple[str, str], Allowance] = field(default_factory=dict)

    def most(self, resource: str) -> int | None:
        """The limit of a resource."""
        return self.graphql if resource == "graphql" else self.core

    def exhausted(self, caller: str, resource: str, now: datetime) -> bool:
        """Whether nothing is left."""
        most = self.most(resource)
        return most is not None and self._allowance(caller, resource, now).used >= most

    def spend(self, caller: str, resource: str, now: datetime, points: int) -> None:
        """Count it."""
        self._allowance(caller, resource, now).used += points

    def headers(self, caller: str, resource: str, now: datetime) -> dict[str, str]:
        """What every answer says of it."""
        most = self.most(resource)
        if most is None:
            return {}
        allowance = self._allowance(caller, resource, now)
        return {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - allowance.used)),
            "X-RateLimit-Used": str(allowance.used),
            "X-RateLimit-Reset": str(int(allowance.reset.timestamp())),
            "X-RateLimit-Resource": resource,
        }

    def _allowance(self, caller: str, resource: str, now: datetime) -> Allowance:
        key = (caller, resource)
        known = self._allowances.get(key)
        if known is None or known.reset <= now:
            known = Allowance(0, now + HOUR)
            self._allowances[key] = known
        return known
