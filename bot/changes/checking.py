"""Has the system that keeps a record's twin check the planned window, and keeps what it found.

The check takes a while there. It is started once for a window and a configuration item, and read at the looks that
follow; where that system does not check, that is told once, and nothing waits for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.changes import clashes
from bot.changes.clashes import MOST_KEPT, Stage
from bot.changes.model import Change, Checked, Clash
from bot.changes.systems.errors import Forbidden, Invalid, NotFound
from bot.changes.systems.port import CheckState, Conflicts, RecordSystem, Snapshot
from bot.deployments.windows import Interval
from bot.errors import Transient
from bot.store import Store

log = structlog.get_logger(__name__)

_READ = "SELECT twin, system, span, item, stage, ran, found, why_not FROM change_check WHERE change = %s"
_KEEP = """
    INSERT INTO change_check (change, twin, system, span, item, stage, ran, found, why_not)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (change) DO UPDATE
    SET twin = excluded.twin, system = excluded.system, span = excluded.span, item = excluded.item,
        stage = excluded.stage, ran = excluded.ran, found = excluded.found, why_not = excluded.why_not
"""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a twin: of which window and item, and how far it is.

    ``ran`` is when that system says that it ran; while it is asked for, when the one before it did.
    """

    twin: str
    checked: Checked
    stage: Stage
    ran: datetime | None = None

    def is_of(self, change: Change, twin: str) -> bool:
        """Whether it is the check of the change as it is planned now."""
        return self.twin == twin and self.checked.is_of(change.contents)


async def read(connection: AsyncConnection[Any], change: str) -> Check | None:
    """The last check of the record's twin."""
    row = await (await connection.execute(_READ, [change])).fetchone()
    if row is None:
        return None
    twin, system, span, item, stage, ran, found, why_not = row
    told = tuple(Clash(kind, what) for kind, what in found)
    return Check(twin, Checked(system, Interval.of(span), item, told, why_not), Stage(stage), ran)


async def keep(connection: AsyncConnection[Any], change: str, check: Check) -> None:
    """Write down how far the check is."""
    checked = check.checked
    found = Jsonb([[each.kind, each.what] for each in checked.found])
    values = [change, check.twin, checked.system, checked.window.iso, checked.item, check.stage.value, check.ran]
    await connection.execute(_KEEP, [*values, found, checked.why_not])


async def known(connection: AsyncConnection[Any], change: str) -> Checked | None:
    """What is known of what is in the way, once a check has come to its end."""
    check = await read(connection, change)
    return check.checked if check is not None and check.stage is not Stage.ASKED else None


async def check(store: Store, system: RecordSystem, change: Change, twin: str, snapshot: Snapshot) -> Check | None:
    """Start the check, or read what it has found; answers what is to be kept, None where there is no news.

    Nothing else waits for it: what could not be asked now is asked at the next look.
    """
    if not clashes.is_wanted(change):
        return None
    async with store.transaction() as connection:
        last = await read(connection, change.number)
    try:
        return await _asked(system, change, twin, last, snapshot.checked_at)
    except (Forbidden, NotFound, Invalid) as refused:
        checked = replace(_about(system, change), why_not=str(refused))
        return Check(twin, checked, Stage.REFUSED, snapshot.checked_at)
    except Transient as away:
        log.info("conflicts_not_asked", change=change.number, waits_for=str(away))
        return None


async def _asked(
    system: RecordSystem, change: Change, twin: str, last: Check | None, ran: datetime | None
) -> Check | None:
    """`check`, after the ``last`` one; ``ran`` is when the record there says that a check ran."""
    if last is None or not last.is_of(change, twin):
        before = await system.conflicts(twin)
        if before is None:
            return None
        await system.check_conflicts(twin)
        return Check(twin, _about(system, change), Stage.ASKED, before.ran)
    if last.stage is not Stage.ASKED and ran in {None, last.ran}:
        return None
    found = await system.conflicts(twin)
    after = heard(last, found, ran) if found is not None else last
    return after if after != last else None


def _about(system: RecordSystem, change: Change) -> Checked:
    window = change.contents.window
    assert window is not None, "without a window there is nothing to check"
    return Checked(system.name, window, change.contents.configuration_item)


def heard(check: Check, conflicts: Conflicts, ran: datetime | None) -> Check:
    """The check after what the system says of it now; the one before it is not the one that was asked for. Pure.

    ``ran`` is when the record there says that a check ran: it is looked at again when that is another moment.
    """
    before = check.ran if check.stage is Stage.ASKED else None
    is_earlier = before is not None and (conflicts.ran is None or conflicts.ran < before)
    match conflicts.state:
        case CheckState.DONE if not is_earlier:
            found = tuple(Clash(each.kind, each.other) for each in conflicts.found[:MOST_KEPT])
            checked = replace(check.checked, found=found, why_not="")
            return replace(check, checked=checked, stage=Stage.READ, ran=ran or conflicts.ran)
        case CheckState.FAILED if not is_earlier:
            checked = replace(check.checked, found=(), why_not="Its check for conflicts failed there.")
            return replace(check, checked=checked, stage=Stage.REFUSED, ran=ran or conflicts.ran)
        case _:
            return check
