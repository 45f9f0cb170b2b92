"""A policy as a file would say it: the keys of the language, and what no single file can say. Pure.

What the organisation's file said comes back as it was. A repository's file can add what the language has one place for,
as a second window that must be open besides the first: that is told in sentences.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot.policy.model import (
    Application,
    Approvals,
    Calendar,
    Checks,
    Emergency,
    Evidence,
    Freeze,
    OnTimeout,
    Policy,
    Records,
    Reviews,
    Separation,
    Tier,
    TierRules,
    Waivers,
)
from bot.policy.schema import MOST_APPROVALS
from bot.words import listed, quoted

Plain = dict[str, Any]

_UNITS = (
    ("week", timedelta(weeks=1)),
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)


def written(policy: Policy) -> Plain:
    """The policy in the language's keys, with plain values; a file that says it can be read again."""
    return _said(
        version=1,
        mode=policy.mode.value,
        observe=policy.observed,
        packs=policy.packs,
        roles={role: list(holders) for role, holders in policy.roles.items()},
        people=policy.people,
        applications=[_application(each) for each in policy.applications],
        risk=_said(**{"raise": [{"id": each.id, "to": each.to.label, "when": each.when} for each in policy.risk]}),
        tiers={tier.label: _tier(policy.tiers[tier]) for tier in Tier},
        reviews=_reviews(policy.reviews),
        separation=[_pair(each) for each in policy.separation],
        calendar=_calendar(policy.calendar),
        checks=_checks(policy.checks),
        evidence=[_evidence(each) for each in policy.evidence],
        emergency=_emergency(policy.emergency),
        waivers=_waivers(policy.waivers),
        acknowledge=policy.acknowledging,
        exclusive=policy.exclusive,
        records=_records(policy.records),
        standard=[
            {
                "id": each.id,
                "title": each.title,
                "paths": list(each.paths),
                "lines": each.lines,
                "expires": each.expires.isoformat(),
            }
            for each in policy.templates
        ],
        audit={"retention_days": policy.retention_days},
        rules=[
            _said(id=each.id, controls=each.controls, when=each.when, require=each.require, message=each.message)
            for each in policy.rules
        ],
    )


def unsaid(policy: Policy) -> list[str]:
    """What holds besides and cannot be said in one file, a sentence each."""
    return [
        *(
            ["Nothing passes: the organisation's file has never been one that can be used."]
            if policy.undecidable
            else []
        ),
        *(sentence for tier in Tier for sentence in _besides(tier.label, policy.tiers[tier])),
        *_intersections(policy.calendar),
        *_own(policy),
        *(["Nobody may declare an emergency."] if _is_narrowed_out(policy.emergency) else []),
    ]


def _said(**keys: Any) -> Plain:
    """The keys that say something."""
    plain = {name: _listed(value) for name, value in keys.items()}
    return {name: value for name, value in plain.items() if value not in (None, "", [], {})}


def _listed(value: Any) -> Any:
    """Tuples as lists, all the way down."""
    return [_listed(each) for each in value] if isinstance(value, (list, tuple)) else value


def _duration(length: timedelta) -> str | None:
    """In the largest unit that it is a whole number of; None when there is none."""
    for unit, one in _UNITS:
        count, rest = divmod(length, one)
        if count and not rest:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return None


def _moment(moment: date | datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _application(each: Application) -> Plain:
    return _said(
        name=each.name,
        repositories=each.repositories,
        properties=dict(each.properties),
        tier=each.tier.label,
        data=each.data,
        configuration_item=each.configuration_item,
        environments={kind: list(names) for kind, names in each.environments},
        mode=each.mode.value if each.mode is not None else None,
    )


def _approvals(demanded: Iterable[Approvals]) -> list[Plain]:
    return [{"count": count, "from": list(each.groups)} for each in demanded for count in _portions(each.count)]


def _tier(rules: TierRules) -> Plain:
    board, asked = rules.cab, rules.verification
    return _said(
        change=rules.change.value,
        approvals=_approvals(rules.approvals),
        sign_off=rules.sign_off,
        cab=_said(
            quorum=board.quorum,
            timeout=_duration(board.timeout),
            on_timeout=board.on_timeout.value,
            reviews=board.reviews or None,
            escalate_to=board.escalate_to if board.on_timeout is OnTimeout.ESCALATE else (),
        )
        if board is not None
        else None,
        plans=tuple(plan.value for plan in rules.plans),
        windows=rules.windows[0] if rules.windows else (),
        deployments=_rate(rules),
        cool_down=_duration(rules.cool_down),
        verification={"from": list(asked.groups), "within": _duration(asked.within)} if asked is not None else None,
        pairing=rules.pairing or None,
    )


def _portions(count: int) -> Iterator[int]:
    """Every approval is another person's, so that counts of the same people add up."""
    while count > 0:
        yield min(count, MOST_APPROVALS)
        count -= MOST_APPROVALS


def _rate(rules: TierRules) -> Plain | None:
    if not rules.deployments:
        return None
    first = rules.deployments[0]
    return {"at_most": first.at_most, "per": _duration(first.per)}


def _reviews(reviews: Reviews) -> Plain:
    return _said(
        carry_over=reviews.carry_over.value,
        member_for=_duration(reviews.member_for),
        quick=_duration(reviews.quick),
        large=reviews.large,
        pair=reviews.pair,
    )


def _pair(each: Separation) -> Plain:
    tiers = [] if each.tiers == frozenset(Tier) else [tier.label for tier in sorted(each.tiers)]
    return _said(roles=sorted(role.value for role in each.roles), tiers=tiers)


def _calendar(calendar: Calendar) -> Plain:
    return _said(
        timezone=calendar.timezone,
        holidays=calendar.holidays,
        windows={
            name: {"rrule": each[0].rrule, "duration": _duration(each[0].duration)} for name, each in calendar.windows
        },
        freezes=[_freeze(each) for each in calendar.freezes],
    )


def _freeze(each: Freeze) -> Plain:
    return _said(
        name=each.name,
        rrule=each.rrule,
        duration=_duration(each.duration),
        **{"from": _moment(each.first), "to": _moment(each.last), "except": [kind.value for kind in each.excepted]},
    )


def _checks(checks: Checks) -> Plain:
    infrastructure = checks.infrastructure
    workflows: Plain = {"pin": "sha"} if checks.actions_pinned else {}
    if checks.actions_allowed is not None:
        # Nobody is someone to allow, too.
        workflows["allow"] = list(checks.actions_allowed)
    return _said(
        secrets=_said(config=checks.secrets_config),
        infrastructure=_said(
            retention_days=infrastructure.retention_days or None,
            encryption=infrastructure.encryption or None,
            access_logging=infrastructure.access_logging or None,
            tags=infrastructure.tags,
        ),
        dependencies=_said(deny=checks.dependencies_denied, licences=_said(deny=checks.licences_denied)),
        workflows=workflows,
        signatures=_said(required=[tier.label for tier in sorted(checks.signed)]),
    )


def _evidence(each: Evidence) -> Plain:
    return _said(
        kind=each.kind,
        tool=each.tool,
        name=each.name,
        require=each.require,
        at_most=dict(each.at_most),
        suppressions=each.suppressions,
        rules=each.rules,
        stage=each.stage,
        not_older_than=_duration(each.not_older_than) if each.not_older_than is not None else None,
    )


def _emergency(emergency: Emergency) -> Plain | None:
    if not emergency.groups:
        return None
    return {
        "from": list(emergency.groups),
        "ecab": {"quorum": emergency.quorum},
        "review_within": _duration(emergency.review_within),
        "lasts": _duration(emergency.lasts),
        **_said(approvals=_approvals(emergency.approvals)),
    }


def _is_narrowed_out(emergency: Emergency) -> bool:
    return not emergency.groups and emergency != Emergency()


def _waivers(waivers: Waivers) -> Plain | None:
    return {"from": list(waivers.groups), "at_most": _duration(waivers.at_most)} if waivers.groups else None


def _records(records: Records) -> Plain:
    return _said(
        system=records.system.value,
        fields=dict(records.fields),
        extra=dict(records.extra),
        values={name: dict(values) for name, values in records.values},
        people=dict(records.people),
        carry_votes=records.carry_votes or None,
    )


def _besides(tier: str, rules: TierRules) -> Iterator[str]:
    for names in rules.windows[1:]:
        yield f"`tiers.{tier}.windows`: {_names(names, 'or')} is open as well."
    for rate in rules.deployments[1:]:
        yield f"`tiers.{tier}.deployments`: at most {rate.at_most} per {_duration(rate.per)} as well."
    if rules.heard:
        yield f"`tiers.{tier}.approvals`: what {_names(rules.heard)} object to stands, too."


def _intersections(calendar: Calendar) -> Iterator[str]:
    for name, definitions in calendar.windows:
        for each in definitions[1:]:
            opens = f"{quoted(each.rrule)} for {_duration(each.duration)}"
            yield f"`calendar.windows.{name}`: only while {opens} is open, too."


def _own(policy: Policy) -> Iterator[str]:
    """What a repository's file says of itself."""
    if policy.raised > Tier.LOW:
        yield f"Changes of this repository are of tier {policy.raised.label} at least."
    if own := [each.id for each in policy.risk if each.own]:
        yield f"`risk.raise`: {_names(own)} {_is(own)} the repository's own."
    if policy.own_roles:
        yield f"`roles`: {_names(policy.own_roles)} {_is(policy.own_roles)} the repository's own."
    if policy.dropped:
        yield f"`roles`: what {_names(policy.dropped)} object to stands, though they do not approve any more."


def _names(names: Sequence[str], joint: str = "and") -> str:
    return listed([quoted(each) for each in names], joint)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
