from datetime import UTC, datetime

import pytest

from bot.errors import Refusal, Transient
from bot.github import etags
from bot.github.errors import Forbidden, Invalid, MayHaveHappened, NotFound, NotSent, RateLimited, Unanswered
from bot.github.etags import MOST_BYTES, Kept, keep
from bot.github.lanes import Lane
from bot.github.paging import items
from bot.queue import Urgency


def kept(size: int) -> Kept:
    return Kept('"a"', "application/json", None, b"x" * size)


def test_the_cache_is_bounded_in_bytes() -> None:
    cache = etags.cache(10_000)
    for number in range(10):
        keep(cache, (7, "json", f"/{number}"), kept(2_000))
    assert cache.currsize <= 10_000
    assert list(cache) == [(7, "json", f"/{number}") for number in (7, 8, 9)]
    assert etags.cache().maxsize == MOST_BYTES


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = etags.cache(10_000)
    keep(cache, (7, "json", "/a"), kept(100))
    keep(cache, (7, "json", "/b"), kept(10_000))
    assert list(cache) == [(7, "json", "/a")]


def test_an_urgency_is_a_lane() -> None:
    assert [Lane(urgency).name for urgency in Urgency] == [urgency.name for urgency in Urgency]


def test_more_urgent_lanes_leave_less() -> None:
    reserves = [lane.reserve for lane in sorted(Lane)]
    assert reserves == sorted(reserves, reverse=True)
    assert all(0 < reserve < 1 for reserve in reserves)


def test_items_are_where_they_should_be() -> None:
    assert items([1], None) == [1]
    assert items({"a": [1], "b": 2}, "a") == [1]
    for answer, key in [({"a": [1]}, None), ({"a": [1]}, "b"), ("abc", None), (None, "a"), (None, None)]:
        with pytest.raises(Unanswered):
            items(answer, key)


@pytest.mark.parametrize("kind", [NotSent, Unanswered, MayHaveHappened, RateLimited])
def test_what_is_tried_again(kind: type[Exception]) -> None:
    assert issubclass(kind, Transient)
    assert issubclass(MayHaveHappened, Unanswered)
    assert not issubclass(NotSent, Unanswered)
    limited = RateLimited(datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert (limited.secondary, limited.named) == (False, True)


@pytest.mark.parametrize("kind", [NotFound, Forbidden, Invalid])
def test_what_a_person_is_shown(kind: type[Exception]) -> None:
    assert issubclass(kind, Refusal)
