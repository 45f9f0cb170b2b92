"""What an installation may still ask of GitHub, read from GitHub's own answers.

The limits are GitHub's: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.github.errors import RateLimited
from bot.github.lanes import Lane

POINTS_A_MINUTE = {"core": 900, "graphql": 2000}
CONTENT_A_MINUTE, CONTENT_AN_HOUR = 80, 500
READ_POINTS, WRITE_POINTS = 1, 5
MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What GitHub said last about one resource: of ``limit``, ``remaining`` are left until ``reset``."""

    limit: int
    remaining: int
    reset: datetime


@dataclass(slots=True)
class Window:
    """How much was spent in the last ``seconds``, of at most ``most``."""

    most: int
    seconds: float
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def wait(self, now: float, points: int) -> float:
        """Seconds until ``points`` more fit; 0 when they do."""
        while self.spent and self.spent[0][0] <= now - self.seconds:
            self.total -= self.spent.popleft()[1]
        over = self.total + points - self.most
        for at, amount in self.spent:
            if over <= 0:
                break
            over -= amount
            if over <= 0:
                return at + self.seconds - now
        return 0.0

    def spend(self, now: float, points: int) -> None:
        """Note that ``points`` were spent."""
        self.spent.append((now, points))
        self.total += points


class Budget:
    """The budget of one installation as this process knows it; every answer corrects it."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._allowances: dict[str, Allowance] = {}
        self._stopped: datetime | None = None
        self._minutes = {resource: Window(most, MINUTE) for resource, most in POINTS_A_MINUTE.items()}
        self._content = (Window(CONTENT_A_MINUTE, MINUTE), Window(CONTENT_AN_HOUR, HOUR))

    def admit(self, lane: Lane, *, resource: str, write: bool, creates: bool) -> None:
        """Let a request through and count it.

        Raises:
            RateLimited: it has to wait, and until when.

        """
        now, at = self._clock(), self._monotonic()
        if self._stopped and self._stopped > now:
            raise RateLimited(self._stopped)
        allowance = self._allowances.get(resource)
        if allowance and allowance.reset > now and allowance.remaining <= allowance.limit * lane.reserve:
            raise RateLimited(allowance.reset, what=f"GitHub's {_name(resource)} limit")
        points = WRITE_POINTS if write else READ_POINTS
        windows = [self._minutes[resource], *(self._content if creates else ())]
        amounts = [points, *([1, 1] if creates else [])]
        longest = max(window.wait(at, amount) for window, amount in zip(windows, amounts, strict=True))
        if longest > 0:
            raise RateLimited(now + timedelta(seconds=longest), what="GitHub's limit of requests a minute")
        for window, amount in zip(windows, amounts, strict=True):
            window.spend(at, amount)
        if allowance:
            # Requests on their way are not in any answer yet.
            self._allowances[resource] = Allowance(allowance.limit, allowance.remaining - 1, allowance.reset)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers, those of a 304 included. A server without limits sends none."""
        resource = headers.get("x-ratelimit-resource", "")
        numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        if resource not in POINTS_A_MINUTE or not all(number.isdecimal() for number in numbers):
            return
        limit, remaining, reset = map(int, numbers)
        self._allowances[resource] = Allowance(limit, remaining, datetime.fromtimestamp(reset, UTC))

    def stop(self, until: datetime) -> None:
        """Ask nothing more until then: GitHub bans Apps that go on asking."""
        self._stopped = max(self._stopped or until, until)

    def remaining(self) -> Mapping[str, Allowance]:
        """What is left, by resource."""
        return dict(self._allowances)


def _name(resource: str) -> str:
    return "GraphQL" if resource == "graphql" else "REST"
