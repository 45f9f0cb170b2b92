"""When a change is planned: the window that somebody chose, else the first that leaves the board its time and is free.

A window is kept while it may be used. One that nobody chose gives way to whoever comes first; it moves past the board's
time when that begins or is extended. What a board has authorised, or has begun to vote about, stays where it is: only
people move it, unless nobody could use it any more. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.changes import emergency
from bot.changes.context import Context
from bot.changes.model import Change, Contents, State
from bot.deployments.windows import HORIZON, Interval, allowed, without
from bot.policy.model import ChangeType, Policy

LONGEST_SLOT = timedelta(hours=24)
"""How much of a time without an end is planned."""


def planned(contents: Contents, change: Change | None, context: Context, wish: Interval | None = None) -> Contents:
    """What the record says, with when it is planned; ``wish`` is the window that somebody chose last.

    An emergency is at once, whatever was wished for before it was one.
    """
    policy, now = context.policy, context.now
    urgent = contents.kind is ChangeType.EMERGENCY
    if wish is not None and not urgent and _usable(wish, contents, policy, now):
        return replace(contents, window=wish, scheduled=True)
    kept = change.contents if change is not None else contents
    if change is not None and kept.window is not None:
        over = change.authorisation is not None and contents.routing.has_board and now >= kept.window.end
        usable = _usable(kept.window, contents, policy, now)
        # That its time is over takes an authorisation back: it is not authorised for another time by that.
        if over or (usable and not (_gives_way(change) and _meets(kept.window, context.others.first))):
            return replace(contents, window=kept.window, scheduled=kept.scheduled)
    after = _earliest(contents, change.deadline if change is not None else None, now)
    return replace(contents, window=next_free(contents, policy, after, context.others.taken), scheduled=False)


def for_board(contents: Contents, context: Context) -> tuple[Contents, datetime]:
    """What the record says when a board's time to decide begins, or begins anew; and when that time is up.

    Where somebody chose a window that begins before, the board has to decide before it begins; once it has begun,
    before it ends.
    """
    now, window = context.now, contents.window
    until = now + contents.routing.timeout
    if contents.kind is ChangeType.EMERGENCY:
        return contents, until
    if contents.scheduled and window is not None and now < window.end:
        return contents, min(until, window.start if now < window.start else window.end)
    if window is not None and until <= window.start and not _meets(window, context.others.taken):
        return contents, until
    found = next_free(contents, context.policy, until, context.others.taken)
    return replace(contents, window=found, scheduled=False), until


def released_within(change: Change, context: Context) -> Interval | None:
    """When the board has the change released, or somebody chose that it is; None where nobody decides about that.

    An emergency may be begun until its time is up. Where the policy demands no window and nobody chose a time, it is
    planned for a day that was only worked out: what is authorised before may go ahead at once, unless somebody else
    holds the time until then. Where no board decides, a time that was chosen binds until it is over.
    """
    contents, given, window = change.contents, change.authorisation, change.contents.window
    if contents.kind is ChangeType.EMERGENCY:
        return emergency.lane(change, context.policy)
    chosen = contents.scheduled and window is not None and context.now < window.end
    if window is None or not (contents.routing.has_board or chosen):
        return None
    if given is None or contents.scheduled or contents.rules(context.policy).windows or window.start <= given.at:
        return window
    early = Interval(given.at, window.end)
    return window if _meets(early, context.others.taken) else early


def next_free(contents: Contents, policy: Policy, after: datetime, taken: Sequence[Interval]) -> Interval | None:
    """The first window from ``after`` on that is not ``taken``; the first of all where none within the horizon is free.

    None when the calendar has no such time. An emergency waits for no window that others hold.
    """
    slots = _slots(contents, policy, after)
    if contents.kind is not ChangeType.EMERGENCY:
        free = next((window for slot in slots if (window := _free(slot, taken)) is not None), None)
        if free is not None:
            return free
    return _cut(slots[0]) if slots else None


def _slots(contents: Contents, policy: Policy, after: datetime) -> tuple[Interval, ...]:
    """When the calendar allows it from then on. What a board authorises is a whole window, not the rest of one."""
    sets = contents.rules(policy).windows
    whole = contents.routing.has_board and contents.kind is not ChangeType.EMERGENCY
    early = after - LONGEST_SLOT if whole else after
    found = []
    for slot in allowed(policy.calendar, sets, contents.kind, Interval(early, after + HORIZON)):
        if slot.start >= after:
            found.append(slot)
        elif slot.length > LONGEST_SLOT and after < slot.end:
            found.append(Interval(after, slot.end))
    return tuple(found)


def _free(slot: Interval, taken: Sequence[Interval]) -> Interval | None:
    """What of the slot is free: all of it, or a day of one that is longer."""
    if slot.length <= LONGEST_SLOT:
        return None if _meets(slot, taken) else slot
    return next((_cut(part) for part in without((slot,), taken) if part.length >= LONGEST_SLOT), None)


def _cut(slot: Interval) -> Interval:
    return Interval(slot.start, min(slot.end, slot.start + LONGEST_SLOT))


def _usable(window: Interval, contents: Contents, policy: Policy, now: datetime) -> bool:
    """Whether there is time left of it, and the calendar still allows all of it."""
    sets = contents.rules(policy).windows
    return now < window.end and allowed(policy.calendar, sets, contents.kind, window) == (window,)


def _gives_way(change: Change) -> bool:
    """Whether the change moves by itself for whoever comes first."""
    contents = change.contents
    if contents.scheduled or contents.kind is ChangeType.EMERGENCY:
        return False
    voted = any(vote.round == change.round for vote in change.votes)
    early = change.state in {State.DRAFT, State.ASSESS} or (change.state is State.AUTHORIZE and not voted)
    return early or (change.state is State.SCHEDULED and not contents.routing.has_board)


def _meets(window: Interval, taken: Sequence[Interval]) -> bool:
    return any(window.overlaps(each) for each in taken)


def _earliest(contents: Contents, deadline: datetime | None, now: datetime) -> datetime:
    """When the board's time is up, or would be if it were asked now; an emergency begins at once."""
    if contents.kind is ChangeType.EMERGENCY:
        return now
    return deadline if deadline is not None and now < deadline else now + contents.routing.timeout
