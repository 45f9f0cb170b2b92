"""The change record of a pull request, at every look: opened where the policy wants one, brought up to date, advanced.

What is decided about the record is in ``lifecycle`` and its neighbours; here it is read, written, and told as facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from bot.changes import (
    checking,
    conflicts,
    emergency,
    fill,
    findings,
    lifecycle,
    links,
    listening,
    parts,
    planning,
    plans,
    register,
    release,
    reviews,
)
from bot.changes.conflicts import Others
from bot.changes.context import Context
from bot.changes.model import Applied, Change, Contents, Event, Part, Refused, Said, State
from bot.decide.approvals import bound, opinions
from bot.decide.contributors import contributors
from bot.decide.verdict import Decision, Verdict
from bot.deployments.windows import Interval
from bot.facts.model import Account, Instructed, Instruction, PullRequestFacts, RecordFacts, Standing
from bot.facts.people import people_of
from bot.ledger import Entry, append
from bot.policy.model import ChangeType, Plan, Policy, System, Tier
from bot.queue import Urgency, want
from bot.store import Store

_PLANS = {
    Instructed.PLAN_IMPLEMENTATION: Plan.IMPLEMENTATION,
    Instructed.PLAN_TEST: Plan.TEST,
    Instructed.PLAN_BACKOUT: Plan.BACKOUT,
    Instructed.PLAN_IMPACT: Plan.IMPACT,
}
_NOT_OTHERS = frozenset({"approvals", "change-record", "plans", "emergency", "window", "freeze", "shared-head"})
"""Findings that are the record's own business, only a matter of time, or another pull request's business: they do not
keep it from being assessed."""

LONGEST_UNHEARD = timedelta(hours=1)
"""How long a comment that has reached us and cannot be acted on keeps time from deciding."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A record as it stands at a look, and what it depends on. ``change`` is None where there is none."""

    change: Change | None
    context: Context
    wakes_at: datetime | None = None


def is_wanted(policy: Policy, tier: Tier) -> bool:
    """Whether every change of that tier has a record: where the policy demands more than reviews of it."""
    rules = policy.tiers[tier]
    besides = (rules.cab, rules.sign_off, rules.plans, rules.windows, rules.change is ChangeType.STANDARD)
    return any(besides) or policy.records.system is not System.REGISTER


async def who_asked(
    connection: AsyncConnection[Any], subject: str, change: Change | None
) -> tuple[tuple[Account, ...], tuple[Account, ...]]:
    """Who asked for what ships with the pull request to be authorised, and for waivers of what blocks that.

    ``change`` is its open record. What is waived of the pull request itself is known by its own waivers.
    """
    if change is None:
        return await register.askers(connection, [subject]), ()
    known = await parts.of(connection, change.number)
    change = await with_askers(
        connection, change, [replace(each, waiving=()) if each.subject == subject else each for each in known]
    )
    return change.requesters, change.waiving


async def look(
    store: Store,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    board: Sequence[Standing],
    diff: str,
    policy_digest: str,
    asked: bool,
    now: datetime,
) -> tuple[PullRequestFacts, Desk]:
    """Bring the record up to date; answers the facts with what it says.

    ``asked``: somebody wants to do something with it, so that it is opened where the policy would not need it.

    Raises:
        Transient: the record was altered meanwhile, or the database is away.

    """
    entries: list[Entry] = []
    context = context_of(facts, policy, decision, board, policy_digest, now)
    wanted = is_wanted(decision.under(policy), decision.tier)
    async with store.transaction() as connection:
        change = await register.open_of(connection, subject, held=True)
        if change is None and wanted and not asked:
            # Of a change that needs none, one that was cancelled says nothing: it goes ahead without.
            change = await _last(connection, subject)
        if change is None:
            if not wanted and not asked and not await _was_abandoned(connection, subject):
                return await without_record(connection, facts, policy, now)
            contents = contents_of(facts, decision, policy, now, diff, None)
            draft = Change("", subject, contents, opened_at=now)
            context = replace(context, others=await _others(connection, draft, policy, now))
            planned = planning.planned(contents, None, context, _chosen(facts))
            change, opened = await register.open_record(connection, subject, planned, now)
            entries += [opened] if opened else []
        if not change.state.over:
            contents = contents_of(facts, decision, policy, now, diff, change)
            wish = facts.instructed(Instructed.SCHEDULE)
            waiving = tuple(sorted({each.asked_by for each in facts.waivers}))
            part = Part(subject, contents, context.blocking, context.demands, wish, context.approvers, waiving)
            context = release.context_of(await _put(connection, change, part), context)
            change = await with_askers(connection, change, context.parts)
        application, repository = change.contents.application, change.repository
        due = await register.reviews_due(connection, application, repository)
        due = emergency.reviews_due(due, application, repository, change.number)
        numbers = emergency.overdue(due, now)
        # While another window is being checked, it is on record what the last check was about.
        checked = await checking.known(connection, change.number) or change.contents.checked
        others = await _others(connection, change, policy, now)
        shipped = [part.subject for part in context.parts]
        unheard = await register.unheard_since(connection, shipped, now - LONGEST_UNHEARD)
        context = replace(context, overdue=numbers, others=others, checked=checked, unheard_since=unheard)
        if not change.state.over:
            context = replace(context, heard_until=await listening.heard_until(connection, change, policy))
            weighing = await listening.weighing(connection, change, context)
            change, kept = await register.keep_all(
                connection, change, _steps(change, noticed(change, weighing), weighing)
            )
            change, told_there = await listening.listen(connection, change, weighing, policy)
            change, timed = await register.keep_all(connection, change, lifecycle.advance(change, context))
            entries += [*kept, *told_there, *timed]
        told = await links.elsewhere(connection, change, policy.records.system)
        around = await register.around(connection, change, policy.exclusive)
        await append(connection, entries, at=now)
    together = conflicts.conflicts(change, around, policy.exclusive)
    said = (*findings.said_of(change, context, together, numbers), *findings.elsewhere(told))
    record = findings.known(change, said, context)
    next_at = lifecycle.wakes_at(change, context), emergency.next_due(due, now)
    moments = [each for each in next_at if each is not None]
    return replace(facts, record=record), Desk(change, context, min(moments, default=None))


async def without_record(
    connection: AsyncConnection[Any], facts: PullRequestFacts, policy: Policy, now: datetime
) -> tuple[PullRequestFacts, Desk]:
    """The facts of a change that has no record, and needs none: an emergency that nobody reviewed blocks it, too."""
    application, repository = fill.affected(policy, facts)
    due = await register.reviews_due(connection, application, repository)
    due = emergency.reviews_due(due, application, repository, "")
    found = findings.as_facts([emergency.finding(emergency.overdue(due, now))])
    blocked = replace(facts, record=RecordFacts("", "", found)) if found else facts
    return blocked, Desk(None, Context(policy, now), emergency.next_due(due, now))


async def _others(connection: AsyncConnection[Any], change: Change, policy: Policy, now: datetime) -> Others:
    """The windows that others hold, from now on."""
    ahead = await register.ahead(connection, change, now)
    return conflicts.others_of(change, ahead, policy.exclusive)


def _chosen(facts: PullRequestFacts) -> Interval | None:
    """The window that somebody chose for the pull request."""
    wish = facts.instructed(Instructed.SCHEDULE)
    return Interval.of(wish.value) if wish is not None else None


async def _put(connection: AsyncConnection[Any], change: Change, part: Part) -> tuple[Part, ...]:
    """Write down what this look saw; answers all parts of the record. What is news to the others they look at."""
    news = await parts.keep(connection, change.number, part)
    found = await parts.of(connection, change.number)
    if news and len(found) > 1:
        await want(connection, [], concerns={parts.concern(change.number): Urgency.PERSON})
    return found


async def with_askers(connection: AsyncConnection[Any], change: Change, known: Sequence[Part]) -> Change:
    """The record with everybody who asked for what it ships: in a record of their own before they joined this, too."""
    before = await register.askers(connection, [part.subject for part in known]) if len(known) > 1 else ()
    waiving = {account for part in known for account in part.waiving}
    return replace(
        change,
        requesters=tuple(sorted({*change.requesters, *before})),
        waiving=tuple(sorted({*change.waiving, *waiving})),
    )


def noticed(change: Change, context: Context) -> Event | None:
    """The event that the record should say something else, of all that ships with it."""
    wish = release.wished(context.parts, change.rescheduled_at)
    contents = release.contents_of(context.parts, context.policy)
    if contents is None:
        return None
    planned = planning.planned(contents, change, context, Interval.of(wish) if wish else None)
    return lifecycle.noticed(change, replace(planned, checked=context.checked), context)


async def _last(connection: AsyncConnection[Any], subject: str) -> Change | None:
    """A record that is over and still speaks for the subject: one that a person cancelled is not opened anew by itself.

    One that was given up since its pull request was closed is: the pull request is open again.
    """
    found = await register.latest_of(connection, subject)
    stands = found is not None and found.state is State.CANCELLED and not found.successor and not found.abandoned
    return found if stands else None


async def _was_abandoned(connection: AsyncConnection[Any], subject: str) -> bool:
    """Whether the pull request had a record until it was closed."""
    found = await register.latest_of(connection, subject)
    return found is not None and found.abandoned


def _steps(change: Change, event: Event | None, context: Context) -> list[Applied]:
    """What is noticed, what reviews say, and then what Countersign does by itself.

    Nothing is authorised by a vote whose review does not stand any more; and a board that is asked by what follows
    hears the reviews as well.
    """
    steps = _applied(change, [event] if event is not None else [], context)
    for _ in range(2):
        steps += _applied(_after(change, steps), reviews.votes(_after(change, steps), context), context)
        steps += _applied(_after(change, steps), reviews.withdrawals(_after(change, steps), context), context)
        steps += lifecycle.advance(_after(change, steps), context)
    return steps


def _applied(change: Change, events: Sequence[Event], context: Context) -> list[Applied]:
    """What of the events is let through, one after the other."""
    steps: list[Applied] = []
    for event in events:
        applied = lifecycle.apply(_after(change, steps), event, context)
        steps += [applied] if isinstance(applied, Applied) else []
    return steps


def _after(change: Change, steps: Sequence[Applied]) -> Change:
    return steps[-1].change if steps else change


def act(desk: Desk, event: Event) -> tuple[Desk, tuple[Applied, ...]] | Refused:
    """What becomes of the record by what a person does, and by what follows from that. Pure."""
    assert desk.change is not None, "somebody acts on a record"
    applied = lifecycle.apply(desk.change, event, desk.context)
    if isinstance(applied, Refused):
        return applied
    steps = (applied, *lifecycle.advance(applied.change, desk.context))
    return replace(desk, change=steps[-1].change), steps


def context_of(
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    board: Sequence[Standing],
    policy_digest: str,
    now: datetime,
) -> Context:
    """What the life of the record depends on, as it is known now."""
    blocking = [
        finding.id
        for finding in decision.findings
        if finding.blocks in {Verdict.FAIL, Verdict.WAIT} and finding.id.partition(":")[0] not in _NOT_OTHERS
    ]
    # Who joins accounts by a repository's file takes no opinion of one of them away.
    people = people_of(facts, policy.objecting.people)
    # Of whom the board knows the teams, a review may have shown what they may do in the repository.
    known = {standing.account.id: standing for standing in (*board, *facts.standings)}
    merged = tuple(
        replace(standing, teams=tuple(sorted({*standing.teams, *_teams(board, standing)})))
        for _, standing in sorted(known.items())
    )
    return Context(
        policy=bound(policy, facts.names, merged),
        now=now,
        standings=merged,
        demands=decision.demands,
        approvers=tuple(each for person in decision.people if person.role == "approver" for each in person.accounts),
        blocking=tuple(blocking),
        policy_digest=policy_digest,
        opinions=opinions(facts, policy, people, contributors(facts, people)),
    )


def _teams(board: Sequence[Standing], standing: Standing) -> tuple[str, ...]:
    return next((each.teams for each in board if each.account == standing.account), ())


def contents_of(
    facts: PullRequestFacts, decision: Decision, policy: Policy, now: datetime, diff: str, change: Change | None
) -> Contents:
    """What the record should say: of each plan the description's, or what somebody wrote in a comment since."""
    contents = fill.contents_of(
        facts,
        decision,
        policy,
        now,
        diff=diff,
        emergency=change is not None and change.emergency is not None,
    )
    words = {plan: found for kind, plan in _PLANS.items() if (found := _written(facts, kind, contents.plan(plan)))}
    texts = {plan: words[plan].value if plan in words else contents.plan(plan) for plan in Plan}
    said = tuple(
        Said(plan, each.by, each.at, facts.number, beside=contents.plan(plan) not in {"", each.value})
        for plan, each in words.items()
    )
    return replace(contents, plans=tuple((plan, text) for plan, text in texts.items() if text), said=said)


def _written(facts: PullRequestFacts, kind: Instructed, section: str) -> Instruction | None:
    """The plan that somebody wrote in a comment; None when the description's section was edited after that."""
    found = facts.instructed(kind)
    if found is None:
        return None
    edited = section and found.instead is not None and found.instead != plans.mark(section)
    return None if edited else found
