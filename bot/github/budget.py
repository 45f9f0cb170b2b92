"""What an installation may still ask of GitHub, read from GitHub's own answers.

The limits are GitHub's: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.github.errors import SECONDARY_WAIT, NotSent, RateLimited, moment
from bot.github.lanes import Lane

POINTS_A_MINUTE = {"core": 900, "graphql": 2000}
CONTENT_A_MINUTE, CONTENT_AN_HOUR = 80, 500
READ_POINTS, WRITE_POINTS = 1, 5
MINUTE, HOUR = 60.0, 3600.0
SAME_WINDOW = timedelta(minutes=1)
"""Resets that are no further apart tell of the same hour."""

LONGEST_STOP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What GitHub said about one resource: of ``limit``, ``remaining`` are left until ``reset``."""

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

    def wait(self, now: float, points: int, *, reserve: float = 0.0) -> float:
        """Seconds until ``points`` more fit while the share ``reserve`` stays free; 0 when they do."""
        while self.spent and self.spent[0][0] <= now - self.seconds:
            self.total -= self.spent.popleft()[1]
        over = self.total + points - self.most * (1 - reserve)
        wait = 0.0
        for at, amount in self.spent:
            if over <= 0:
                break
            over -= amount
            wait = at + self.seconds - now
        return wait

    def spend(self, now: float, points: int) -> None:
        """Note that ``points`` were spent."""
        self.spent.append((now, points))
        self.total += points


class Budget:
    """The budget of one installation as this process knows it; every answer corrects it."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._said: dict[str, Allowance] = {}
        self._under_way: Counter[str] = Counter()
        self._stopped: datetime | None = None
        self._stops = 0
        self._minutes = {resource: Window(most, MINUTE) for resource, most in POINTS_A_MINUTE.items()}
        self._content = (Window(CONTENT_A_MINUTE, MINUTE), Window(CONTENT_AN_HOUR, HOUR))

    @contextmanager
    def spending(self, lane: Lane, *, resource: str, write: bool, creates: bool) -> Iterator[None]:
        """Let a request through; what happens in the block is the request, and `observe` is told of its answer.

        Raises:
            RateLimited: it has to wait, and until when.

        """
        self._admit(lane, resource, write=write, creates=creates)
        self._under_way[resource] += 1
        try:
            yield
        except NotSent:
            raise
        except BaseException:
            # Nobody knows whether GitHub counted it.
            self._count(resource)
            raise
        finally:
            self._under_way[resource] -= 1

    def _admit(self, lane: Lane, resource: str, *, write: bool, creates: bool) -> None:
        now, at = self._clock(), self._monotonic()
        if self._stopped and self._stopped > now:
            raise RateLimited(self._stopped)
        left = self.remaining().get(resource)
        if left and left.remaining <= left.limit * lane.reserve:
            raise RateLimited(left.reset, what=f"GitHub's {_name(resource)} limit")
        spends = [(self._minutes[resource], WRITE_POINTS if write else READ_POINTS)]
        spends += [(window, 1) for window in self._content if creates]
        longest = max(window.wait(at, amount, reserve=lane.reserve) for window, amount in spends)
        if longest > 0:
            raise RateLimited(now + timedelta(seconds=longest), what="GitHub's limits of requests and comments")
        for window, amount in spends:
            window.spend(at, amount)

    def observe(self, headers: Mapping[str, str], *, asked: str) -> None:
        """Learn from an answer's headers, those of a 304 included; ``asked`` is the resource that was asked.

        Answers overtake each other: in the same hour the lowest figure counts. A server without limits sends none.
        """
        resource = headers.get("x-ratelimit-resource", asked)
        numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining")]
        reset = moment(headers.get("x-ratelimit-reset", ""), self._clock())
        if reset is None or not all(number.isdecimal() for number in numbers):
            self._count(asked)
            return
        limit, remaining = map(int, numbers)
        known = self._said.get(resource)
        if known and abs(reset - known.reset) <= SAME_WINDOW:
            remaining = min(remaining, known.remaining)
        elif known and reset < known.reset:
            return
        self._said[resource] = Allowance(limit, remaining, reset)

    def _count(self, resource: str) -> None:
        known = self._said.get(resource)
        if known:
            self._said[resource] = replace(known, remaining=known.remaining - 1)

    def stop(self, limited: RateLimited) -> None:
        """Ask nothing more until then, longer each time where GitHub names no moment: it bans Apps that go on."""
        now = self._clock()
        if self._stopped and self._stopped > now:
            # Requests that were under way together are refused together.
            self._stopped = max(self._stopped, limited.until)
            return
        recent = self._stopped is not None and now - self._stopped < LONGEST_STOP
        self._stops = self._stops + 1 if recent else 0
        longer = now + min(SECONDARY_WAIT * 2**self._stops, LONGEST_STOP)
        self._stopped = limited.until if limited.named else max(limited.until, longer)

    def remaining(self) -> Mapping[str, Allowance]:
        """What is left, by resource; requests that are under way may be in no answer yet."""
        now = self._clock()
        return {
            resource: replace(said, remaining=said.remaining - self._under_way[resource])
            for resource, said in self._said.items()
            if said.reset > now
        }


def _name(resource: str) -> str:
    return "GraphQL" if resource == "graphql" else "REST"
