"""Lays policy files over each other: a repository's file can tighten what the organisation demands, never loosen it.

The organisation's file says what is demanded, over the built-in default and its packs, of which it can lose only the
default's demands: separation by packs, the pair of contributor and approver, and that an empty rule is no pass, stay.
What a repository's file may do, key by key:

* ``mode``: go from observe to enforce, never the other way. ``observe``: nothing.
* ``packs``, ``people``, ``separation``, ``evidence``, ``exclusive``, freezes, plans, sign-off, tags, what is denied:
  add.
* ``roles``: add roles of its own, and narrow the holders of one. Who is narrowed out can still object. The boards,
  ``cab`` and ``ecab``, it can only narrow: they decide without being named anywhere else.
* ``applications``: raise its own tier. ``risk.raise``, ``rules``: add, under new ids. What a file raises needs what
  both tiers demand, and the organisation's rules are asked about both. ``standard``: nothing, it authorises.
* ``tiers``: more approvals, a larger quorum, less time for the board, fewer roles to escalate to, fewer deployments, a
  longer cool-down, a stricter type of change; more signatures, which are no votes of the board; windows intersect: of
  the organisation's one is open and of the repository's one as well.
* ``calendar``: windows of a known name intersect with it; the time zone and the holidays are the organisation's.
* ``emergency``, ``waivers``, ``acknowledge``: fewer people, a larger quorum, less time. Some are left to acknowledge:
  where nobody may, nothing is asked for.
* ``records``: nothing. ``audit``: keep for longer.

Everything else is refused, with a sentence, and the organisation's rule stays in force.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from bot.decide.catalogue import CATALOGUE
from bot.policy import values
from bot.policy.controls import Pack, controls_for
from bot.policy.inventory import NONE, Properties, covers, united
from bot.policy.model import (
    BOARD,
    EMERGENCY_BOARD,
    Above,
    Calendar,
    CarryOver,
    Checks,
    Emergency,
    Infrastructure,
    Layer,
    Mode,
    Policy,
    Reviews,
    RiskRule,
    Role,
    Rule,
    Separation,
    Template,
    Tier,
    Waivers,
    Window,
)
from bot.policy.own import mode_of, own_entries, raised_tier
from bot.policy.schema import (
    CalendarPart,
    ChecksPart,
    EmergencyPart,
    PolicyFile,
    ReviewsPart,
    SeparationPart,
    WaiversPart,
)
from bot.policy.tiers import enough_against, tightened, within
from bot.policy.tiers import raised as raised_from
from bot.policy.tightening import Loosening, T, Tightening, shorter
from bot.words import quoted, spoken


def organisation(upper: Policy, content: PolicyFile, layer: Layer) -> Policy:
    """The organisation's file over the built-in default."""
    tiers = dict(upper.tiers)
    for tier, part in values.tiers(content):
        tiers[tier] = values.rules(part, upper.tiers[tier])
    return replace(
        upper,
        mode=Mode(content.mode) if content.mode else upper.mode,
        observed=values.union(content.observe),
        packs=values.union(upper.packs, content.packs),
        tiers=tiers,
        roles={**upper.roles, **{role: values.holders(holders) for role, holders in content.roles.items()}},
        people=_joined(upper.people, content),
        applications=tuple(values.application(part) for part in content.applications) or upper.applications,
        risk=(*upper.risk, *values.raising(content)),
        reviews=values.reviews(content.reviews, upper.reviews),
        separation=_separated(upper.separation, content.separation),
        calendar=_calendar(content.calendar, upper.calendar),
        checks=values.checks(content.checks),
        evidence=tuple(map(values.evidence, content.evidence)),
        emergency=values.emergency(content.emergency) if content.emergency else upper.emergency,
        waivers=values.waivers(content.waivers) if content.waivers else upper.waivers,
        acknowledging=values.union(content.acknowledge) or upper.acknowledging,
        exclusive=values.union(upper.exclusive, map(tuple, content.exclusive)),
        records=values.records(content.records) if content.records else upper.records,
        templates=tuple(
            Template(each.id, each.title, tuple(each.paths), each.lines, each.expires) for each in content.standard
        ),
        retention_days=content.audit.retention_days if content.audit else upper.retention_days,
        rules=(*upper.rules, *values.own_rules(content)),
        layers=(*upper.layers, layer),
    )


def with_packs(policy: Policy, packs: Iterable[Pack]) -> Policy:
    """What the packs add: pairs of roles that are kept apart, and the controls that each finding gives evidence for.

    It makes no difference when they are added: pairs are only ever joined.
    """
    chosen = tuple(packs)
    separation = policy.separation
    for pack in chosen:
        parts = [SeparationPart.model_validate(each) for each in pack.policy.get("separation", ())]
        separation = _separated(separation, parts)
    controls = {name: found for name in CATALOGUE if (found := controls_for(name, chosen))}
    return replace(policy, separation=separation, controls=controls)


def repository(
    upper: Policy, content: PolicyFile, layer: Layer, repository_name: str, properties: Properties = NONE
) -> tuple[Policy, tuple[Loosening, ...]]:
    """The file of the repository of that name over the layers above, and what in it was not let through."""
    made = Tightening()
    entry = united(upper.applications, repository_name, properties)
    own = own_entries(upper, content, repository_name, properties, made)
    mode = mode_of(upper, content, own, entry, made)
    for index, finding in enumerate(content.observe):
        if finding not in upper.observed:
            made.refuse(("observe", index), f"Only the organisation can have {quoted(finding)} observed.")
    for index, _ in enumerate(content.standard):
        made.refuse(("standard", index), "Only the organisation can authorise standard changes.")
    if content.records is not None and values.records(content.records) != upper.records:
        made.refuse(("records",), "Only the organisation says where change records are kept.")
    roles = _narrowed(upper.roles, content, made)
    raised = raised_tier(upper, own, entry, made)
    risk = tuple(
        replace(each, own=True) for each in _added(upper.risk, values.raising(content), ("risk", "raise"), made)
    )
    floor = entry.tier if entry is not None else Tier.HIGH
    lifted = raised_from(upper, floor, max([floor, raised, *(rule.to for rule in risk)]))
    tiers = dict(lifted.tiers)
    for tier, part in values.tiers(content):
        tiers[tier] = tightened(tiers[tier], part, made, ("tiers", tier.label))
    people = _joined(upper.people, content)
    acknowledging = made.narrowed(("acknowledge",), upper.acknowledging, content.acknowledge, who="may acknowledge")
    merged = replace(
        upper,
        mode=Mode.ENFORCE if mode is Mode.ENFORCE else upper.mode,
        packs=values.union(upper.packs, content.packs),
        tiers=tiers,
        roles=roles,
        dropped=_dropped(upper.roles, roles),
        own_roles=tuple(sorted({*roles} - {*upper.roles})),
        above=_above(upper, roles, people),
        people=people,
        applications=tuple(
            replace(each, mode=mode)
            if each.mode is Mode.OBSERVE and covers(each, repository_name, properties)
            else each
            for each in upper.applications
        ),
        raised=raised,
        risk=(*upper.risk, *risk),
        reviews=_stricter_reviews(upper.reviews, content.reviews, made),
        separation=_separated(lifted.separation, content.separation),
        calendar=_intersected(upper.calendar, content.calendar, made),
        checks=_stricter_checks(lifted.checks, content.checks, made),
        evidence=values.union(upper.evidence, map(values.evidence, content.evidence)),
        emergency=_stricter_emergency(upper.emergency, content.emergency, made),
        waivers=_stricter_waivers(upper.waivers, content.waivers, made),
        acknowledging=acknowledging or upper.acknowledging,
        exclusive=values.union(upper.exclusive, map(tuple, content.exclusive)),
        retention_days=made.stricter(
            ("audit", "retention_days"),
            upper.retention_days,
            content.audit.retention_days if content.audit else None,
            float,
            says=f"that records are kept for {upper.retention_days} days",
        ),
        rules=(*upper.rules, *_added(upper.rules, values.own_rules(content), ("rules",), made)),
        layers=(*upper.layers, layer),
    )
    return merged, tuple(made.refused)


def _narrowed(upper: dict[str, tuple[str, ...]], content: PolicyFile, made: Tightening) -> dict[str, tuple[str, ...]]:
    roles = dict(upper)
    for role, holders in content.roles.items():
        if role in upper:
            roles[role] = made.narrowed(("roles", role), upper[role], holders, who=f"is `{role}`")
        elif role in _BOARDS:
            made.refuse(("roles", role), f"Only the organisation says who is `{role}`.")
        else:
            roles[role] = values.holders(holders)
    return roles


_BOARDS = (BOARD, EMERGENCY_BOARD)
"""Roles that decide wherever they have holders: whoever could give them some could decide about their own change."""


def _dropped(upper: dict[str, tuple[str, ...]], roles: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({holder for role, holders in upper.items() for holder in holders if holder not in roles[role]}))


def _above(upper: Policy, roles: dict[str, tuple[str, ...]], people: tuple[tuple[str, ...], ...]) -> Above | None:
    """Who is who by the organisation, where the repository's file says something else of somebody whom that knows."""
    same = people == upper.people and all(roles[role] == holders for role, holders in upper.roles.items())
    return None if same else Above(upper.roles, upper.people)


def _joined(upper: tuple[tuple[str, ...], ...], content: PolicyFile) -> tuple[tuple[str, ...], ...]:
    """Sets of accounts that share one are one person."""
    people = [set(person) for person in upper]
    for person in content.people:
        joined = set(person)
        apart = []
        for known in people:
            if known & joined:
                joined |= known
            else:
                apart.append(known)
        people = [*apart, joined]
    return tuple(sorted(tuple(sorted(person)) for person in people))


def _separated(upper: tuple[Separation, ...], parts: list[SeparationPart]) -> tuple[Separation, ...]:
    tiers: dict[frozenset[Role], frozenset[Tier]] = {each.roles: each.tiers for each in upper}
    for part in parts:
        roles = frozenset(Role(role) for role in part.roles)
        added = frozenset(Tier[tier.upper()] for tier in part.tiers) if part.tiers else frozenset(Tier)
        tiers[roles] = tiers.get(roles, frozenset()) | added
    return tuple(Separation(roles, found) for roles, found in tiers.items())


def _stricter_reviews(upper: Reviews, part: ReviewsPart, made: Tightening) -> Reviews:
    wanted = values.reviews(part, upper)

    def keep(key: str, above: T, below: T, order: Callable[[T], float]) -> T:
        return made.stricter(("reviews", key), above, below, order, says="when an approval counts or is reported")

    return Reviews(
        carry_over=keep("carry_over", upper.carry_over, wanted.carry_over, lambda each: each is CarryOver.NEVER),
        member_for=keep("member_for", upper.member_for, wanted.member_for, timedelta.total_seconds),
        quick=keep("quick", upper.quick, wanted.quick, timedelta.total_seconds),
        large=keep("large", upper.large, wanted.large, lambda each: -each),
        pair=keep("pair", upper.pair, wanted.pair, lambda each: -each),
    )


Ruled = TypeVar("Ruled", RiskRule, Rule)


def _added(
    upper: tuple[Ruled, ...], added: tuple[Ruled, ...], path: tuple[str, ...], made: Tightening
) -> tuple[Ruled, ...]:
    """Rules with ids that the layers above do not have; theirs stay as they are."""
    known = {each.id: each for each in upper}
    for index, each in enumerate(added):
        if each.id in known and known[each.id] != each:
            made.refuse(
                (*path, index, "id"), f"The organisation has a rule {quoted(each.id)}; give this one another id."
            )
    return tuple(each for each in added if each.id not in known)


def _stricter_checks(upper: Checks, part: ChecksPart, made: Tightening) -> Checks:
    added = values.checks(part)
    if added.secrets_config not in {"", upper.secrets_config}:
        made.refuse(("checks", "secrets", "config"), "Only the organisation says how secrets are looked for.")
    allowed = upper.actions_allowed
    if added.actions_allowed is not None:
        path = ("checks", "workflows", "allow")
        allowed = (
            added.actions_allowed
            if allowed is None
            else made.narrowed(path, allowed, added.actions_allowed, who="may be used")
        )
    return Checks(
        secrets_config=upper.secrets_config,
        infrastructure=Infrastructure(
            max(upper.infrastructure.retention_days, added.infrastructure.retention_days),
            upper.infrastructure.encryption or added.infrastructure.encryption,
            upper.infrastructure.access_logging or added.infrastructure.access_logging,
            values.union(upper.infrastructure.tags, added.infrastructure.tags),
        ),
        dependencies_denied=values.union(upper.dependencies_denied, added.dependencies_denied),
        licences_denied=values.union(upper.licences_denied, added.licences_denied),
        actions_pinned=upper.actions_pinned or added.actions_pinned,
        actions_allowed=allowed,
        signed=upper.signed | added.signed,
    )


def _calendar(part: CalendarPart, upper: Calendar) -> Calendar:
    windows = {name: (Window(each.rrule, each.duration),) for name, each in part.windows.items()}
    return Calendar(
        timezone=part.timezone or upper.timezone,
        holidays=part.holidays or upper.holidays,
        windows=tuple({**dict(upper.windows), **windows}.items()),
        freezes=(*upper.freezes, *map(values.freeze, part.freezes)),
    )


def _intersected(upper: Calendar, part: CalendarPart, made: Tightening) -> Calendar:
    for key, above, below in (("timezone", upper.timezone, part.timezone), ("holidays", upper.holidays, part.holidays)):
        if below is not None and below != above:
            made.refuse(("calendar", key), f"Only the organisation sets the calendar's {key}.")
    windows = dict(upper.windows)
    for name, each in part.windows.items():
        # A window of the organisation's that is open only while the repository's is, too, is never open for longer.
        windows[name] = tuple(dict.fromkeys((*windows.get(name, ()), Window(each.rrule, each.duration))))
    return replace(
        upper,
        windows=tuple(windows.items()),
        freezes=values.union(upper.freezes, map(values.freeze, part.freezes)),
    )


def _stricter_emergency(upper: Emergency, part: EmergencyPart | None, made: Tightening) -> Emergency:
    if part is None:
        return upper
    wanted = values.emergency(part)

    def keep(key: str, above: T, below: T, order: Callable[[T], float], says: str) -> T:
        return made.stricter(
            ("emergency", key), above, below if key in part.model_fields_set else None, order, says=says
        )

    if part.approvals is not None and wanted.approvals != upper.approvals:
        made.refuse(("emergency", "approvals"), "Only the organisation says which approvals an emergency needs.")
    quorum = keep(
        "ecab", upper.quorum, wanted.quorum, float, f"that {upper.quorum} of the board decide about an emergency"
    )
    return Emergency(
        groups=made.narrowed(
            ("emergency", "from"), upper.groups, wanted.groups, who="declares emergencies", within=within
        ),
        quorum=quorum,
        review_within=keep(
            "review_within",
            upper.review_within,
            wanted.review_within,
            shorter,
            f"that an emergency is looked back at within {spoken(upper.review_within)}",
        ),
        lasts=keep("lasts", upper.lasts, wanted.lasts, shorter, f"that an emergency stands for {spoken(upper.lasts)}"),
        against=enough_against(upper, quorum),
        approvals=upper.approvals,
    )


def _stricter_waivers(upper: Waivers, part: WaiversPart | None, made: Tightening) -> Waivers:
    if part is None:
        return upper
    added = values.waivers(part)
    at_most = made.stricter(
        ("waivers", "at_most"),
        upper.at_most,
        added.at_most if "at_most" in part.model_fields_set else None,
        shorter,
        says=f"that a waiver holds for {spoken(upper.at_most)} at most",
    )
    return Waivers(made.narrowed(("waivers", "from"), upper.groups, added.groups, who="grants waivers"), at_most)
