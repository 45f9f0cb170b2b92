"""What ServiceNow keeps around a change: the times that its schedule leaves free, and the tasks of those who do it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.changes.systems.errors import Disagrees, Unanswered
from bot.changes.systems.http import Door, route
from bot.changes.systems.port import Planned
from bot.changes.systems.servicenow_fields import CHANGES, SYS_ID, Row, checked, moment, plain, row, rows, whole
from bot.errors import Refusal, Transient
from bot.words import listed

COMPLETE, FAILED = 3, 4
LOOKS = 4
PAUSE = 0.5
"""Seconds between two looks at what is being worked out there."""

CLOSED_TASK, CANCELLED_TASK = "3", "4"


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a change. ``is_open``: somebody has still to do it."""

    id: str
    number: str
    short_description: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Work:
    """The schedule and the tasks of changes."""

    door: Door
    pause: float = PAUSE

    async def free_times(self, ref: str) -> tuple[Planned, ...]:
        """When the change could be made without a conflict, as far as ServiceNow looks ahead (90 days).

        It needs a configuration item, and a planned start and end, which say how long the change takes.

        Raises:
            Transient: it is still being worked out.
            Refusal: it cannot be, in ServiceNow's words.

        """
        asked = row(await self.door.get(route(f"{CHANGES}/{{id}}/schedule", id=checked(ref))))
        worker = asked.get("worker")
        path = route(
            f"{CHANGES}/worker/{{id}}", id=checked(str(worker.get("sysId")) if isinstance(worker, dict) else "")
        )
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(self.pause)
            answer = row(await self.door.get(path))
            state = whole(plain(answer.get("state")))
            if state == str(COMPLETE):
                return _spans(answer)
            if state == str(FAILED):
                raise Refusal(
                    f"ServiceNow finds no free times: {_messages(answer)}.",
                    remedy="The change manager there gives it a configuration item and a planned start and end.",
                )
        raise Transient("ServiceNow's search for free times")

    async def tasks(self, ref: str) -> tuple[Task, ...]:
        """Every task of the change."""
        path = route(f"{CHANGES}/{{id}}/task", id=checked(ref))
        return tuple(_task(each) for each in rows(await self.door.get(path)))

    async def close_task(self, ref: str, task: str, *, code: str, notes: str) -> Task:
        """Close a task with its close code (``successful``, …); one that is closed is left as it is.

        Raises:
            Disagrees: ServiceNow said yes and left it open.

        """
        found = await self._task(ref, task)
        if found.is_open:
            path = route(f"{CHANGES}/{{id}}/task/{{task}}", id=checked(ref), task=checked(task))
            await self.door.send("PATCH", path, {"close_code": code, "close_notes": notes, "state": CLOSED_TASK})
            found = await self._task(ref, task)
            if found.is_open:
                raise Disagrees(
                    f"ServiceNow accepted that {found.number} is closed, and left it open.",
                    remedy="The change manager there looks for the rule that put it back.",
                )
        return found

    async def _task(self, ref: str, task: str) -> Task:
        for each in await self.tasks(ref):
            if each.id == task:
                return each
        raise Refusal(f"ServiceNow's change {ref} has no task '{task}'.")


def _spans(answer: Row) -> tuple[Planned, ...]:
    """The free times; where there are none, the list is not there at all."""
    payload = answer.get("payload")
    spans = payload.get("spans", []) if isinstance(payload, dict) else []
    found = []
    for each in spans if isinstance(spans, list) else [None]:
        cells = each if isinstance(each, dict) else {}
        start, end = moment(plain(cells.get("start"))), moment(plain(cells.get("end")))
        if start is None or end is None or end <= start:
            raise Unanswered("free times that can be read")
        found.append(Planned(start, end))
    return tuple(found)


def _messages(answer: Row) -> str:
    said: Any = answer.get("messages")
    kinds = [said.get(kind) for kind in ("errorMessages", "infoMessages")] if isinstance(said, dict) else []
    words = [str(each).rstrip(".") for kind in kinds if isinstance(kind, list) for each in kind]
    return listed(words) if words else "it gives no reason"


def _task(answer: Row) -> Task:
    ref = plain(answer.get("sys_id"))
    if not SYS_ID.fullmatch(ref):
        raise Unanswered("a task of a change that can be read")
    return Task(
        ref,
        plain(answer.get("number")),
        plain(answer.get("short_description")),
        whole(plain(answer.get("state"))) not in {CLOSED_TASK, CANCELLED_TASK},
    )
