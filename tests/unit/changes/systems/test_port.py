from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bot.changes.systems.jira import Jira
from bot.changes.systems.port import WAY, ChangeType, Planned, RecordSystem, State, ahead, is_past
from bot.changes.systems.servicenow import ServiceNow
from tests.unit.changes.systems.conftest import START, content


def test_both_systems_are_the_port() -> None:
    def takes(_: type[RecordSystem]) -> None: ...

    takes(ServiceNow)
    takes(Jira)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START.replace(tzinfo=None), START + timedelta(hours=1)),
        (START, (START + timedelta(hours=1)).replace(tzinfo=None)),
        (START, START),
        (START, START - timedelta(seconds=1)),
        # One o'clock in Helsinki is before half past twelve in Lisbon.
        (
            datetime(2026, 11, 28, 0, 30, tzinfo=timezone(timedelta(hours=0))),
            datetime(2026, 11, 28, 1, 0, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_what_is_no_window(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="planned"):
        Planned(start, end)


@pytest.mark.parametrize(
    "other",
    [
        {"correlation_id": ""},
        {"correlation_id": "a^ORsys_idISNOTEMPTY"},
        {"correlation_id": 'a" OR labels = "b'},
        {"correlation_id": "a\n"},
        {"correlation_id": "a" * 101},
        {"type": ChangeType.STANDARD},
        {"template": "0" * 32},
    ],
)
def test_what_is_no_content(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"correlation id|standard change"):
        content(**other)


def test_the_way_of_a_change() -> None:
    assert ahead(State.DRAFT, State.AUTHORIZE) == (State.ASSESS, State.AUTHORIZE)
    assert ahead(State.REVIEW, State.CLOSED) == (State.CLOSED,)
    assert ahead(State.IMPLEMENT, State.DRAFT) == (State.DRAFT,)
    assert ahead(State.DRAFT, State.CANCELLED) == (State.CANCELLED,)
    assert ahead(None, State.CLOSED) == (State.CLOSED,)
    assert ahead(State.CANCELLED, State.CLOSED) == (State.CLOSED,)
    for number, here in enumerate(WAY):
        assert [is_past(here, target) for target in WAY] == [0 < other < number for other in range(len(WAY))]
    assert not is_past(None, State.ASSESS)
    assert not is_past(State.CANCELLED, State.ASSESS)
    assert not is_past(State.CLOSED, State.CANCELLED)
