"""The register of changes: records, their history, votes and waivers in the database, and the questions asked of them.

Everything is written in the caller's transaction, and gives the entry for the ledger that the caller appends last. A
record is written only by who has read its latest version.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from bot.changes import codec, conflicts, emergency, outbox, parts, proof
from bot.changes.conflicts import Place
from bot.changes.model import Act, Applied, Change, Choice, Contents, State, Transition, Vote
from bot.changes.waivers import Waiver
from bot.deployments.windows import Interval
from bot.errors import Transient
from bot.facts.model import Account
from bot.ledger.entries import Entry, Kind, moment
from bot.queue import Urgency, want

_NUMBER = "SELECT change_next_number(%s)"
_OPEN = """
    INSERT INTO change (
        number, year, sequence, subject, state, kind, application, configuration_item, planned, version, opened_at, body
    ) VALUES (
        %(number)s, %(year)s, %(sequence)s, %(subject)s, %(state)s, %(kind)s, %(application)s, %(configuration_item)s,
        %(planned)s, %(version)s, %(opened_at)s, %(body)s
    )
"""
# Whoever asked for a change asked for it, also when the record was cancelled since, gave way to another one, or goes on
# without the pull request; then it is those who had asked until that left.
_ASKERS = """
    SELECT DISTINCT actor FROM change_part JOIN transition ON transition.number = change_part.change
    WHERE subject = ANY(%s) AND act = ANY(%s) AND actor IS NOT NULL AND version <= coalesce(left_version, version)
"""
_KEEP = """
    WITH before AS (
        SELECT number, body FROM change WHERE number = %(number)s AND version = %(version)s - 1 FOR UPDATE
    )
    UPDATE change SET
        state = %(state)s,
        kind = %(kind)s,
        application = %(application)s,
        configuration_item = %(configuration_item)s,
        planned = %(planned)s,
        deadline = %(deadline)s,
        review_due = %(review_due)s,
        authorised_at = %(authorised_at)s,
        unauthorised = %(unauthorised)s,
        version = %(version)s,
        body = %(body)s
    FROM before
    WHERE change.number = before.number AND change.version = %(version)s - 1
    RETURNING before.body
"""
_TRANSITION = """
    INSERT INTO transition (number, version, act, before, after, actor, why, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_VOTE = """
    INSERT INTO vote (number, version, voter, choice, reason, diff, round, at, review, place)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_READ = """
    SELECT change.body, coalesce(
        (SELECT jsonb_agg(
            jsonb_build_array(
                voter, choice, reason, round(extract(epoch FROM at) * 1000000)::bigint, diff, vote.round, review, place
            )
            ORDER BY version
        ) FROM vote WHERE vote.number = change.number),
        '[]'
    )
    FROM change
"""
_OPEN_OF = f"{_READ} JOIN change_part ON change_part.change = change.number AND change_part.subject = %s AND open"
_LATEST_OF = f"""
    {_READ} JOIN change_part ON change_part.change = change.number AND change_part.subject = %s
    WHERE left_version IS NULL
    ORDER BY open DESC, joined_at DESC, sequence DESC LIMIT 1
"""
_BY_NUMBER = _READ + " WHERE number = %s"
# Whoever holds it decides for all parts of the record, one after the other.
_HELD = " FOR UPDATE OF change"
# Sets of the policy name applications and configuration items alike.
_AROUND = (
    _READ
    + """
    WHERE state NOT IN ('closed', 'cancelled') AND planned && %(span)s AND number <> %(number)s
      AND (application = ANY(%(names)s) OR configuration_item = ANY(%(names)s))
    ORDER BY lower(planned), number
"""
)
# Whoever has asked for a time, or has one: drafts hold no window.
_AHEAD = (
    _READ
    + """
    WHERE state NOT IN ('draft', 'closed', 'cancelled') AND planned && tstzrange(%(now)s, NULL) AND number <> %(number)s
      AND (application = ANY(%(names)s) OR configuration_item = ANY(%(names)s))
    ORDER BY lower(planned), number LIMIT %(most)s
"""
)
_NEIGHBOURS = """
    SELECT number FROM change
    WHERE state NOT IN ('closed', 'cancelled') AND planned && ANY(%(spans)s::tstzrange[]) AND number <> %(number)s
      AND (application = ANY(%(names)s) OR configuration_item = ANY(%(names)s))
    ORDER BY state = 'draft', number LIMIT %(most)s
"""
# Who is in no application is compared by the repository alone: its number, since its name can change.
_REVIEWS_DUE = (
    _READ
    + """
    WHERE review_due IS NOT NULL AND (application = nullif(%s, '') OR split_part(subject, ':', 2) = %s)
    ORDER BY review_due, number
"""
)
_AGENDA = _READ + " WHERE state = 'authorize' AND deadline IS NOT NULL ORDER BY deadline, number LIMIT %s"
_HISTORY = "SELECT version, act, before, after, actor, why, at FROM transition WHERE number = %s ORDER BY version"
# Of those who said something that is still to be acted on, the first.
_UNHEARD = """
    SELECT min(coalesce(written_at, asked_at)) FROM request
    WHERE subject = ANY(%s) AND outcome IS NULL AND asked_at > %s
"""
_GRANT = """
    INSERT INTO waiver (id, subject, finding, reason, asked_by, granted_by, granted_at, until, number, head, diff)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_REVOKE = """
    UPDATE waiver SET revoked_at = %(at)s, revoked_by = %(by)s
    WHERE subject = %(subject)s AND number = %(number)s AND revoked_at IS NULL AND until > %(at)s
    RETURNING id, finding
"""
_IN_FORCE = """
    SELECT subject, finding, reason, asked_by, granted_by, granted_at, until, revoked_at, number, head, diff FROM waiver
    WHERE subject = %(subject)s AND granted_at <= %(at)s AND until > %(at)s
      AND (revoked_at IS NULL OR revoked_at > %(at)s)
    ORDER BY until, id
"""
_ASKS = (Act.SUBMIT, Act.DECLARE)
"""By what somebody asks for a change."""

_ABOUT_REVIEWS = {Act.START, Act.OVERTAKE, Act.BYPASS, Act.REVIEW}
"""What makes a review of an emergency due, or is one."""

MOST = 500

MOST_WOKEN = 50
"""How many others hear at once that a change has taken or left a place in the calendar, before drafts others first."""

_MICROSECOND = timedelta(microseconds=1)


async def open_record(
    connection: AsyncConnection[Any], subject: str, contents: Contents, at: datetime
) -> tuple[Change, Entry | None]:
    """The open record of the subject, made with the next number of the year (of UTC) if there is none.

    The entry is None when there was one: somebody else may have made it at the same moment.
    """
    found = await open_of(connection, subject)
    if found is not None:
        return found, None
    year = at.astimezone(UTC).year
    row = await (await connection.execute(_NUMBER, [year])).fetchone()
    assert row is not None, "a number is always given"
    sequence = int(row[0])
    asked = await askers(connection, [subject])
    change = Change(f"CHG-{year}-{sequence:04}", subject, contents, opened_at=at, requesters=asked)
    values = {**_columns(change), "year": year, "sequence": sequence, "subject": subject, "opened_at": at}
    await connection.execute(_OPEN, values)
    # A number that was given for nothing would be a gap: where somebody else was faster, all of this is tried again.
    await parts.join(connection, change.number, subject, at)
    await _tell_neighbours(connection, change.number, None, conflicts.place_of(change))
    body = {"change": change.number, "subject": subject, "kind": contents.kind.value, "tier": contents.tier.label}
    return change, Entry(Kind.CHANGE_OPENED, change.number, {**body, "head": contents.head, "diff": contents.diff})


async def keep(connection: AsyncConnection[Any], applied: Applied) -> Entry:
    """Write a transition, the record after it, and what is to be announced of it; answers the entry for the ledger.

    The pull requests that depend on it are looked at again: those of a release, and those that wait for a review.

    Raises:
        Transient: somebody else has altered the record since it was read.

    """
    change, told = applied.change, applied.transition
    row = await (await connection.execute(_KEEP, _columns(change))).fetchone()
    if row is None:
        raise Transient(f"the latest version of {change.number}, which somebody else has just altered")
    who = codec.told(told.who) if told.who is not None else None
    await connection.execute(
        _TRANSITION,
        [
            told.number,
            told.version,
            told.act.value,
            told.before.value,
            told.after.value,
            Jsonb(who) if who else None,
            told.why,
            told.at,
        ],
    )
    if told.act in {Act.VOTE, Act.WITHDRAW}:
        await _keep_vote(connection, change, told.version)
    concerns = _concerns(change, told)
    if concerns:
        await want(connection, [], concerns=dict.fromkeys(concerns, Urgency.PERSON))
    before = conflicts.place_of(codec.load(bytes(row[0]), ()))
    await _tell_neighbours(connection, change.number, before, conflicts.place_of(change))
    if change.state.over:
        await parts.close(connection, change.number)
    if applied.announcement is not None:
        await outbox.keep(connection, applied.announcement)
    return proof.entry(change, told)


async def keep_all(
    connection: AsyncConnection[Any], change: Change, steps: Sequence[Applied]
) -> tuple[Change, list[Entry]]:
    """Write transitions one after the other, as ``keep`` does; answers the record after them, and the entries."""
    return (steps[-1].change if steps else change), await keep_each(connection, steps)


async def keep_each(connection: AsyncConnection[Any], steps: Sequence[Applied]) -> list[Entry]:
    """Write transitions as ``keep`` does; what was not merged when a release is backed out leaves it."""
    entries = []
    for step in steps:
        entries.append(await keep(connection, step))
        if step.transition.act is Act.BACK_OUT:
            entries += await _without_unmerged(connection, step)
    return entries


async def _without_unmerged(connection: AsyncConnection[Any], step: Applied) -> list[Entry]:
    """Take out of a release that is backed out what was never a part of what was: it can have a record of its own."""
    change, known = step.change, await parts.of(connection, step.change.number)
    left = [part for part in known if part.merge is None]
    if not left or len(left) == len(known):
        return []
    await want(connection, [], concerns={parts.concern(change.number): Urgency.PERSON})
    why = f"{change.number} was backed out before it was merged."
    return [
        each for part in left for each in await parts.leave(connection, change, part.subject, step.transition.who, why)
    ]


def _concerns(change: Change, told: Transition) -> list[str]:
    """What others depend on that is news now."""
    found = [parts.concern(change.number)] if len(change.contents.pulls) > 1 else []
    if told.act in _ABOUT_REVIEWS and change.emergency is not None:
        found += emergency.concerns(change.contents.application, change.repository)
    return found


async def _tell_neighbours(
    connection: AsyncConnection[Any], number: str, before: Place | None, after: Place | None
) -> None:
    """Have those looked at again that stand where a change has come to stand in the calendar, or stood."""
    places = [each for each in (before, after) if each is not None]
    names = sorted({name for each in places for name in each.apart})
    if before == after or not names:
        return
    values = {"spans": [_range(each.window) for each in places], "number": number, "names": names, "most": MOST_WOKEN}
    rows = await (await connection.execute(_NEIGHBOURS, values)).fetchall()
    concerns = [parts.concern(each) for (each,) in rows]
    if concerns:
        await want(connection, [], concerns=dict.fromkeys(concerns, Urgency.TIMER))


async def _keep_vote(connection: AsyncConnection[Any], change: Change, version: int) -> None:
    vote = change.votes[-1]
    await connection.execute(
        _VOTE,
        [
            change.number,
            version,
            Jsonb(codec.told(vote.by)),
            vote.choice.value,
            vote.reason,
            vote.diff,
            vote.round,
            vote.at,
            vote.review,
            vote.place,
        ],
    )


async def open_of(connection: AsyncConnection[Any], subject: str, *, held: bool = False) -> Change | None:
    """The open record of the pull request; there is one at the most.

    ``held``: nobody else alters it until the transaction ends, so that what its parts say together stays true.
    """
    return _one(await _read(connection, _OPEN_OF + (_HELD if held else ""), [subject]))


async def latest_of(connection: AsyncConnection[Any], subject: str) -> Change | None:
    """The record of the pull request: the open one, or the last that it was a part of to the end."""
    return _one(await _read(connection, _LATEST_OF, [subject]))


async def askers(connection: AsyncConnection[Any], subjects: Sequence[str]) -> tuple[Account, ...]:
    """Everybody who asked for any record while one of the pull requests was, or had yet to become, a part of it."""
    rows = await (await connection.execute(_ASKERS, [list(subjects), [act.value for act in _ASKS]])).fetchall()
    return tuple(sorted({codec.account(who) for (who,) in rows}))


async def unheard_since(
    connection: AsyncConnection[Any], subjects: Sequence[str], arrived_after: datetime
) -> datetime | None:
    """When the first comment on one of the pull requests was written that is still to be acted on; None for none."""
    row = await (await connection.execute(_UNHEARD, [list(subjects), arrived_after])).fetchone()
    return row[0] if row else None


async def by_number(connection: AsyncConnection[Any], number: str, *, held: bool = False) -> Change | None:
    """The record of that number; ``held`` as in ``open_of``."""
    return _one(await _read(connection, _BY_NUMBER + (_HELD if held else ""), [number]))


async def around(
    connection: AsyncConnection[Any], change: Change, exclusive: Sequence[Sequence[str]] = ()
) -> tuple[Change, ...]:
    """The other open records that are planned at the same time and could touch the same: for ``changes.conflicts``."""
    window = change.contents.window
    mine = {change.contents.application, change.contents.configuration_item} - {""}
    if window is None or not mine:
        return ()
    names = mine.union(*(each for each in exclusive if mine & set(each)))
    values = {"span": _range(window), "number": change.number, "names": sorted(names)}
    return await _read(connection, _AROUND, values)


async def ahead(connection: AsyncConnection[Any], change: Change, now: datetime) -> tuple[Change, ...]:
    """The other open records that have a time from now on, and could touch the same: to plan around them."""
    if not change.contents.apart:
        return ()
    values = {"now": now, "number": change.number, "names": list(change.contents.apart), "most": MOST}
    return await _read(connection, _AHEAD, values)


async def reviews_due(connection: AsyncConnection[Any], application: str, repository: int) -> tuple[Change, ...]:
    """The emergencies that are still to be reviewed, of the application, if any, or of the repository.

    The first one due comes first.
    """
    return await _read(connection, _REVIEWS_DUE, [application, str(repository)])


async def agenda(connection: AsyncConnection[Any], most: int = MOST) -> tuple[Change, ...]:
    """What a board is to decide, the most urgent first."""
    return await _read(connection, _AGENDA, [most])


async def history(connection: AsyncConnection[Any], number: str) -> tuple[Transition, ...]:
    """Everything that happened to a record, in order."""
    rows = await (await connection.execute(_HISTORY, [number])).fetchall()
    return tuple(
        Transition(
            number, version, Act(act), State(before), State(after), codec.account(actor) if actor else None, why, at
        )
        for version, act, before, after, actor, why, at in rows
    )


async def keep_waiver(connection: AsyncConnection[Any], waiver: Waiver, *, new_id: UUID) -> Entry:
    """Write a waiver under ``new_id``; answers the entry for the ledger."""
    asked, granted = codec.told(waiver.asked_by), codec.told(waiver.granted_by)
    await connection.execute(
        _GRANT,
        [
            new_id,
            waiver.subject,
            waiver.finding,
            waiver.reason,
            Jsonb(asked),
            Jsonb(granted),
            waiver.granted_at,
            waiver.until,
            waiver.number,
            waiver.head,
            waiver.diff,
        ],
    )
    body = {
        "waiver": str(new_id),
        "asked": waiver.number,
        "finding": waiver.finding,
        "reason": waiver.reason,
        "asked_by": asked,
        "granted_by": granted,
        "until": moment(waiver.until),
        "head": waiver.head,
        "diff": waiver.diff,
    }
    return Entry(Kind.WAIVER_GRANTED, waiver.subject, body)


async def revoke_waiver(
    connection: AsyncConnection[Any], subject: str, number: int, by: Account, why: str, at: datetime
) -> Entry | None:
    """End a waiver of a subject before its time; None when it is not in force any more."""
    values = {"subject": subject, "number": number, "by": Jsonb(codec.told(by)), "at": at}
    row = await (await connection.execute(_REVOKE, values)).fetchone()
    if row is None:
        return None
    body = {"waiver": str(row[0]), "asked": number, "finding": row[1], "reason": why, "actor": codec.told(by)}
    return Entry(Kind.WAIVER_REVOKED, subject, body)


async def waivers_in_force(connection: AsyncConnection[Any], subject: str, at: datetime) -> tuple[Waiver, ...]:
    """The waivers of a subject that hold at that moment, the first to end first."""
    rows = await (await connection.execute(_IN_FORCE, {"subject": subject, "at": at})).fetchall()
    return tuple(Waiver(row[0], row[1], row[2], codec.account(row[3]), codec.account(row[4]), *row[5:]) for row in rows)


async def _read(
    connection: AsyncConnection[Any], statement: str, values: Sequence[Any] | dict[str, Any]
) -> tuple[Change, ...]:
    rows = await (await connection.execute(statement, values)).fetchall()
    return tuple(codec.load(bytes(body), tuple(_vote(each) for each in votes)) for body, votes in rows)


def _one(found: tuple[Change, ...]) -> Change | None:
    return found[0] if found else None


def _columns(change: Change) -> dict[str, Any]:
    contents = change.contents
    return {
        "number": change.number,
        "state": change.state.value,
        "kind": contents.kind.value,
        "application": contents.application,
        "configuration_item": contents.configuration_item,
        "planned": _range(contents.window) if contents.window else None,
        "deadline": change.deadline,
        "review_due": None if change.retrospective else change.review_due,
        "authorised_at": change.authorisation.at if change.authorisation else None,
        "unauthorised": change.is_unauthorised,
        "version": change.version,
        "body": codec.dump(change),
    }


def _range(window: Interval) -> TimestamptzRange:
    return TimestamptzRange(window.start, window.end, "[)")


def _vote(row: list[Any]) -> Vote:
    voter, choice, reason, microseconds, diff, round_, review, place = row
    at = datetime.fromtimestamp(0, UTC) + _MICROSECOND * microseconds
    return Vote(codec.account(voter), Choice(choice), reason, at, diff, round_, review, place)
