"""Lays policy files over each other: a repository's file can tighten what the organisation demands, never loosen it.

The organisation's file says what is demanded, over the built-in default and its packs, of which it can lose only the
default's demands: separation by packs, the pair of contributor and approver, and that an empty rule is no pass, stay.
What a repository's file may do, key by key:

* ``mode``: go from observe to enforce, never the other way. ``observe``: nothing.
* ``packs``, ``people``, ``separation``, ``evidence``, freezes, plans, sign-off, tags, what is denied: add.
* ``roles``: add roles of its own, and narrow the holders of one. Who is narrowed out can still object.
* ``applications``: raise its own tier. ``risk.raise``, ``rules``: add, under new ids. What a file raises needs what
  both tiers demand, and the organisation's rules are asked about both. ``standard``: nothing, it authorises.
* ``tiers``: more approvals, a larger quorum, less time for the board, fewer deployments, a longer cool-down, a stricter
  type of change; windows intersect: of the organisation's one is open and of the repository's one as well.
* ``calendar``: windows of a known name intersect with it; the time zone and the holidays are the organisation's.
* ``emergency``, ``waivers``, ``acknowledge``: fewer people, a larger quorum, less time.
* ``records``: nothing. ``audit``: keep for longer.

Everything else is refused, with a sentence, and the organisation's rule stays in force.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

from bot.decide.catalogue import CATALOGUE
from bot.policy.controls import Pack, controls_for
from bot.policy.inventory import NONE, Properties, covers, riskiest
from bot.policy.model import (
    Application,
    Approvals,
    Cab,
    Calendar,
    CarryOver,
    ChangeType,
    Checks,
    Emergency,
    Evidence,
    Freeze,
    Infrastructure,
    Layer,
    Mode,
    OnTimeout,
    Plan,
    Policy,
    Rate,
    Records,
    Reviews,
    RiskRule,
    Role,
    Rule,
    Separation,
    System,
    Template,
    Tier,
    TierRules,
    Verification,
    Waivers,
    Window,
)
from bot.policy.schema import (
    ApplicationPart,
    ApprovalsPart,
    CalendarPart,
    ChecksPart,
    EmergencyPart,
    EvidencePart,
    FreezePart,
    PolicyFile,
    RecordsPart,
    ReviewsPart,
    SeparationPart,
    TierPart,
    WaiversPart,
)
from bot.words import lasting, quoted

Loosening = tuple[tuple[str | int, ...], str]
"""Where in the file something would loosen the policy, and the sentence that says so."""

T = TypeVar("T")
_PERMISSIONS = ("write", "maintain", "admin")
_TYPES = (ChangeType.EMERGENCY, ChangeType.STANDARD, ChangeType.NORMAL)
"""Types of change by how much they ask for, the least first."""


def organisation(upper: Policy, content: PolicyFile, layer: Layer) -> Policy:
    """The organisation's file over the built-in default."""
    tiers = dict(upper.tiers)
    for tier, part in _tiers(content):
        tiers[tier] = _rules(part, upper.tiers[tier])
    return replace(
        upper,
        mode=Mode(content.mode) if content.mode else upper.mode,
        observed=tuple(dict.fromkeys(content.observe)),
        packs=_union(upper.packs, content.packs),
        tiers=tiers,
        roles={**upper.roles, **{role: _holders(holders) for role, holders in content.roles.items()}},
        people=_joined(upper.people, content),
        applications=tuple(_application(part) for part in content.applications) or upper.applications,
        risk=(*upper.risk, *_risk(content)),
        reviews=_reviews(content.reviews, upper.reviews),
        separation=_separated(upper.separation, content.separation),
        calendar=_calendar(content.calendar, upper.calendar),
        checks=_checks(content.checks),
        evidence=tuple(map(_evidence, content.evidence)),
        emergency=_emergency(content.emergency) if content.emergency else upper.emergency,
        waivers=_waivers(content.waivers) if content.waivers else upper.waivers,
        acknowledging=tuple(dict.fromkeys(content.acknowledge)) or upper.acknowledging,
        records=_records(content.records) if content.records else upper.records,
        templates=tuple(
            Template(each.id, each.title, tuple(each.paths), each.lines, each.expires) for each in content.standard
        ),
        retention_days=content.audit.retention_days if content.audit else upper.retention_days,
        rules=(*upper.rules, *_own_rules(content)),
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


@dataclass(slots=True)
class _Tightening:
    """Lays a repository's file over a policy, and notes what it does not let through."""

    refused: list[Loosening] = field(default_factory=list)

    def refuse(self, path: tuple[str | int, ...], sentence: str) -> None:
        self.refused.append((path, sentence))

    def stricter(
        self, path: tuple[str | int, ...], upper: T, wanted: T | None, order: Callable[[T], float], *, says: str
    ) -> T:
        """``wanted`` where it is at least as strict as ``upper``; ``order`` grows with strictness."""
        if wanted is None or wanted == upper:
            return upper
        if order(wanted) < order(upper):
            self.refuse(path, f"The organisation says {says}; a repository can only be stricter.")
            return upper
        return wanted

    def narrowed(
        self,
        path: tuple[str | int, ...],
        upper: Iterable[str],
        wanted: Iterable[str],
        *,
        who: str,
        within: Callable[[str, str], bool] = operator.eq,
    ) -> tuple[str, ...]:
        """Those who are ``wanted`` and ``within`` one of ``upper``; everybody else who is wanted is refused."""
        above, asked = tuple(upper), dict.fromkeys(wanted)
        added = sorted(each for each in asked if not any(within(each, known) for known in above))
        if added:
            self.refuse(path, f"The organisation says who {who}; a repository cannot add {', '.join(added)}.")
        return tuple(each for each in asked if each not in added)


def repository(
    upper: Policy, content: PolicyFile, layer: Layer, repository_name: str, properties: Properties = NONE
) -> tuple[Policy, tuple[Loosening, ...]]:
    """The file of the repository of that name over the layers above, and what in it was not let through."""
    made = _Tightening()
    entry = riskiest(upper.applications, repository_name, properties)
    own = _own(upper, content, repository_name, properties, made)
    mode = _mode(upper, content, own, entry, made)
    for index, finding in enumerate(content.observe):
        if finding not in upper.observed:
            made.refuse(("observe", index), f"Only the organisation can have {quoted(finding)} observed.")
    for index, _ in enumerate(content.standard):
        made.refuse(("standard", index), "Only the organisation can authorise standard changes.")
    if content.records is not None and _records(content.records) != upper.records:
        made.refuse(("records",), "Only the organisation says where change records are kept.")
    roles = _narrowed(upper.roles, content, made)
    raised = _raised(upper, own, entry, made)
    risk = tuple(replace(each, own=True) for each in _added(upper.risk, _risk(content), ("risk", "raise"), made))
    floor = entry.tier if entry is not None else Tier.HIGH
    # Nothing says that what the organisation demands of a higher tier contains what it demands of a lower one.
    reach = _Reach(floor, max([floor, raised, *(rule.to for rule in risk)]))
    tiers = reach.tiers(upper.tiers)
    for tier, part in _tiers(content):
        tiers[tier] = _tightened(tiers[tier], part, made, ("tiers", tier.label))
    checks = replace(upper.checks, signed=reach.over(upper.checks.signed))
    separation = tuple(replace(each, tiers=reach.over(each.tiers)) for each in upper.separation)
    merged = replace(
        upper,
        mode=Mode.ENFORCE if mode is Mode.ENFORCE else upper.mode,
        packs=_union(upper.packs, content.packs),
        tiers=tiers,
        roles=roles,
        dropped=_dropped(upper.roles, roles),
        people=_joined(upper.people, content),
        applications=tuple(
            replace(each, mode=mode)
            if each.mode is Mode.OBSERVE and covers(each, repository_name, properties)
            else each
            for each in upper.applications
        ),
        raised=raised,
        risk=(*upper.risk, *risk),
        reviews=_stricter_reviews(upper.reviews, content.reviews, made),
        separation=_separated(separation, content.separation),
        calendar=_intersected(upper.calendar, content.calendar, made),
        checks=_stricter_checks(checks, content.checks, made),
        evidence=_union(upper.evidence, map(_evidence, content.evidence)),
        emergency=_stricter_emergency(upper.emergency, content.emergency, made),
        waivers=_stricter_waivers(upper.waivers, content.waivers, made),
        acknowledging=made.narrowed(("acknowledge",), upper.acknowledging, content.acknowledge, who="may acknowledge")
        if content.acknowledge
        else upper.acknowledging,
        retention_days=made.stricter(
            ("audit", "retention_days"),
            upper.retention_days,
            content.audit.retention_days if content.audit else None,
            float,
            says=f"that records are kept for {upper.retention_days} days",
        ),
        rules=(*upper.rules, *_added(upper.rules, _own_rules(content), ("rules",), made)),
        layers=(*upper.layers, layer),
    )
    return merged, tuple(made.refused)


# Tiers.


def _tiers(content: PolicyFile) -> Iterator[tuple[Tier, TierPart]]:
    for tier in Tier:
        part: TierPart | None = getattr(content.tiers, tier.label)
        if part is not None:
            yield tier, part


def _rules(part: TierPart, upper: TierRules) -> TierRules:
    """What the organisation says of a tier; only its approvals are taken from above when it says nothing of them."""
    return TierRules(
        approvals=_demands(part.approvals) if part.approvals is not None else upper.approvals,
        change=ChangeType(part.change) if part.change else ChangeType.NORMAL,
        sign_off=tuple(dict.fromkeys(part.sign_off)),
        cab=_cab(part),
        plans=_plans(part),
        windows=(tuple(part.windows),) if part.windows else (),
        deployments=_rates(part),
        cool_down=part.cool_down or timedelta(),
        verification=_verification(part),
        pairing=part.pairing,
    )


def _cab(part: TierPart) -> Cab | None:
    board = part.cab
    return Cab(board.quorum, board.timeout, OnTimeout(board.on_timeout), board.reviews) if board else None


def _verification(part: TierPart) -> Verification | None:
    asked = part.verification
    return Verification(tuple(dict.fromkeys(asked.groups)), asked.within) if asked else None


def _plans(part: TierPart) -> tuple[Plan, ...]:
    return tuple(plan for plan in Plan if plan.value in part.plans)


def _rates(part: TierPart) -> tuple[Rate, ...]:
    return (Rate(part.deployments.at_most, part.deployments.per),) if part.deployments else ()


def _tightened(upper: TierRules, part: TierPart, made: _Tightening, path: tuple[str | int, ...]) -> TierRules:
    change = made.stricter(
        (*path, "change"),
        upper.change,
        ChangeType(part.change) if part.change else None,
        _TYPES.index,
        says=f"that this is a change of type {upper.change}",
    )
    cool_down = made.stricter(
        (*path, "cool_down"),
        upper.cool_down,
        part.cool_down,
        timedelta.total_seconds,
        says=f"that nothing follows for {lasting(upper.cool_down)}",
    )
    return replace(
        _both(upper, _rules(part, TierRules(()))),
        change=change,
        cool_down=cool_down,
        cab=_stricter_cab(upper.cab, part, made, (*path, "cab")),
        verification=_stricter_verification(upper.verification, part, made, (*path, "verification")),
    )


def _both(upper: TierRules, added: TierRules) -> TierRules:
    """What meets both."""
    approvals, heard = _stricter(upper.approvals, added.approvals)
    return TierRules(
        approvals=approvals,
        change=max(upper.change, added.change, key=_TYPES.index),
        sign_off=_union(upper.sign_off, added.sign_off),
        cab=_both_boards(upper.cab, added.cab),
        plans=tuple(plan for plan in Plan if plan in {*upper.plans, *added.plans}),
        windows=_union(upper.windows, added.windows),
        deployments=_union(upper.deployments, added.deployments),
        cool_down=max(upper.cool_down, added.cool_down),
        verification=_both_verifications(upper.verification, added.verification),
        pairing=upper.pairing or added.pairing,
        heard=_union(upper.heard, added.heard, heard),
    )


def _union(*parts: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(each for part in parts for each in part))


_ENDS = tuple(reversed(OnTimeout))
"""What becomes of a request that was not decided in time, the strictest last."""


def _both_boards(upper: Cab | None, added: Cab | None) -> Cab | None:
    if upper is None or added is None:
        return upper or added
    return Cab(
        quorum=max(upper.quorum, added.quorum),
        timeout=min(upper.timeout, added.timeout),
        on_timeout=max(upper.on_timeout, added.on_timeout, key=_ENDS.index),
        reviews=upper.reviews and added.reviews,
    )


def _stricter_cab(upper: Cab | None, part: TierPart, made: _Tightening, path: tuple[str | int, ...]) -> Cab | None:
    wanted, said = _cab(part), part.cab.model_fields_set if part.cab is not None else frozenset()
    if upper is None or wanted is None:
        return upper or wanted

    def keep(key: str, above: T, below: T, order: Callable[[T], float], says: str) -> T:
        return made.stricter((*path, key), above, below if key in said else None, order, says=says)

    return Cab(
        quorum=keep("quorum", upper.quorum, wanted.quorum, float, f"that the board needs {upper.quorum} for a change"),
        timeout=keep(
            "timeout", upper.timeout, wanted.timeout, _shorter, f"that the board has {lasting(upper.timeout)}"
        ),
        on_timeout=keep(
            "on_timeout", upper.on_timeout, wanted.on_timeout, _ENDS.index, "what happens when the time is over"
        ),
        reviews=keep("reviews", upper.reviews, wanted.reviews, operator.not_, "that a review is not a vote"),
    )


def _shorter(duration: timedelta) -> float:
    return -duration.total_seconds()


def _both_verifications(upper: Verification | None, added: Verification | None) -> Verification | None:
    """By somebody who is in a group of both: of the upper ones where they share none."""
    if upper is None or added is None:
        return upper or added
    shared = tuple(each for each in added.groups if any(_within(each, other) for other in upper.groups))
    return Verification(shared or upper.groups, min(upper.within, added.within))


def _stricter_verification(
    upper: Verification | None, part: TierPart, made: _Tightening, path: tuple[str | int, ...]
) -> Verification | None:
    wanted = _verification(part)
    if upper is None or wanted is None:
        return upper or wanted
    within = made.stricter(
        (*path, "within"),
        upper.within,
        wanted.within,
        _shorter,
        says=f"that a change is verified within {lasting(upper.within)}",
    )
    groups = made.narrowed((*path, "from"), upper.groups, wanted.groups, who="verifies", within=_within)
    return Verification(groups or upper.groups, within)


@dataclass(frozen=True, slots=True)
class _Reach:
    """The tiers to which a repository can raise its changes, from the one that they have by the organisation."""

    floor: Tier
    highest: Tier

    def over(self, tiers: frozenset[Tier]) -> frozenset[Tier]:
        """What holds for ``tiers`` also holds for those to which a change of them can be raised."""
        return tiers | {
            tier for tier in Tier if tier <= self.highest and any(self.floor <= each < tier for each in tiers)
        }

    def tiers(self, rules: Mapping[Tier, TierRules]) -> dict[Tier, TierRules]:
        """Each demands what those below it demand, from which a change can be raised to it."""
        found = dict(rules)
        for below, tier in pairwise(Tier):
            if self.floor <= below and tier <= self.highest:
                found[tier] = _both(found[tier], found[below])
        return found


def _demands(parts: Iterable[ApprovalsPart]) -> tuple[Approvals, ...]:
    return tuple(Approvals(each.count, tuple(dict.fromkeys(each.groups))) for each in parts)


def _stricter(
    upper: tuple[Approvals, ...], added: tuple[Approvals, ...]
) -> tuple[tuple[Approvals, ...], tuple[str, ...]]:
    """What meets the demands of both: for each set of groups, as many approvals as the one that wants more of them.

    Whoever meets one of the added demands for a higher permission meets one of the upper ones for a lower. The groups
    that nobody asks for an approval any more because of that are the second value.
    """
    above, below = _by_groups(upper), _by_groups(added)
    spare = {groups: each.count for groups, each in below.items()}
    merged: list[Approvals] = []
    heard: list[str] = []
    for groups, demand in above.items():
        count = demand.count
        for others in sorted(spare, key=sorted):
            if _implies(others, groups):
                used = min(count, spare[others])
                spare[others] -= used
                count -= used
        if count:
            merged.append(replace(demand, count=count))
        elif groups not in below:
            heard += demand.groups
    named = [replace(each, groups=above[groups].groups) if groups in above else each for groups, each in below.items()]
    return tuple(_by_groups((*merged, *named)).values()), tuple(heard)


def _implies(groups: frozenset[str], others: frozenset[str]) -> bool:
    """Whether whoever is in one of ``groups`` is also in one of ``others``."""
    return all(any(_within(each, other) for other in others) for each in groups)


def _within(group: str, other: str) -> bool:
    both = group in _PERMISSIONS and other in _PERMISSIONS
    return group == other or (both and _PERMISSIONS.index(group) >= _PERMISSIONS.index(other))


def _by_groups(demands: tuple[Approvals, ...]) -> dict[frozenset[str], Approvals]:
    """One demand for each set of groups: every approval is another person's, so that counts add up."""
    found: dict[frozenset[str], Approvals] = {}
    for demand in demands:
        groups = frozenset(demand.groups)
        before = found[groups].count if groups in found else 0
        found[groups] = replace(demand, count=before + demand.count)
    return found


# People.


def _holders(holders: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(holders)))


def _narrowed(upper: dict[str, tuple[str, ...]], content: PolicyFile, made: _Tightening) -> dict[str, tuple[str, ...]]:
    roles = dict(upper)
    for role, holders in content.roles.items():
        if role not in upper:
            roles[role] = _holders(holders)
            continue
        roles[role] = made.narrowed(("roles", role), upper[role], holders, who=f"is `{role}`")
    return roles


def _dropped(upper: dict[str, tuple[str, ...]], roles: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({holder for role, holders in upper.items() for holder in holders if holder not in roles[role]}))


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


def _reviews(part: ReviewsPart, upper: Reviews) -> Reviews:
    return Reviews(
        carry_over=CarryOver(part.carry_over) if part.carry_over else upper.carry_over,
        member_for=upper.member_for if part.member_for is None else part.member_for,
        quick=upper.quick if part.quick is None else part.quick,
        large=upper.large if part.large is None else part.large,
        pair=upper.pair if part.pair is None else part.pair,
    )


def _stricter_reviews(upper: Reviews, part: ReviewsPart, made: _Tightening) -> Reviews:
    wanted = _reviews(part, upper)

    def keep(key: str, above: T, below: T, order: Callable[[T], float]) -> T:
        return made.stricter(("reviews", key), above, below, order, says="when an approval counts or is reported")

    return Reviews(
        carry_over=keep("carry_over", upper.carry_over, wanted.carry_over, lambda each: each is CarryOver.NEVER),
        member_for=keep("member_for", upper.member_for, wanted.member_for, timedelta.total_seconds),
        quick=keep("quick", upper.quick, wanted.quick, timedelta.total_seconds),
        large=keep("large", upper.large, wanted.large, lambda each: -each),
        pair=keep("pair", upper.pair, wanted.pair, lambda each: -each),
    )


# The inventory and what is asked of its changes.


def _application(part: ApplicationPart) -> Application:
    return Application(
        name=part.name,
        repositories=tuple(part.repositories),
        tier=Tier[part.tier.upper()],
        properties=tuple(sorted(part.properties.items())),
        data=tuple(dict.fromkeys(part.data)),
        configuration_item=part.configuration_item,
        environments=tuple((kind, tuple(names)) for kind, names in part.environments.items()),
        mode=Mode(part.mode) if part.mode else None,
    )


Own = list[tuple[int, ApplicationPart]]
"""The entries of a repository's file that are about itself, each with its place."""


def _own(upper: Policy, content: PolicyFile, repository_name: str, properties: Properties, made: _Tightening) -> Own:
    own = []
    names = {each.name for each in upper.applications if covers(each, repository_name, properties)}
    for index, part in enumerate(content.applications):
        if part.name in names:
            own.append((index, part))
        else:
            sentence = f"Only the organisation adds applications; it has no {quoted(part.name)} with this repository."
            made.refuse(("applications", index), sentence)
    return own


def _mode(upper: Policy, content: PolicyFile, own: Own, entry: Application | None, made: _Tightening) -> Mode:
    """That of the repository's application: it goes from observing to enforcing, and never the other way."""
    mode = upper.mode if entry is None or entry.mode is None else entry.mode
    if mode is Mode.ENFORCE:
        if content.mode == "observe":
            made.refuse(("mode",), "The organisation enforces its policy; a repository cannot only observe.")
        for index, part in own:
            if part.mode == "observe":
                made.refuse(("applications", index, "mode"), "Only the organisation can have an application observed.")
    wanted = {content.mode, *(part.mode for _, part in own)}
    return Mode.ENFORCE if "enforce" in wanted else mode


def _raised(upper: Policy, own: Own, entry: Application | None, made: _Tightening) -> Tier:
    """The tier that the repository gives itself; the application and its data stay what the organisation says."""
    raised = upper.raised
    for index, part in own:
        assert entry is not None, "what is its own is in the inventory"
        tier = Tier[part.tier.upper()]
        if tier < entry.tier:
            sentence = (
                f"{quoted(entry.name)} is of tier {entry.tier.label}; a repository can raise its tier, not lower it."
            )
            made.refuse(("applications", index, "tier"), sentence)
        elif tier > entry.tier:
            raised = max(raised, tier)
    return raised


def _risk(content: PolicyFile) -> tuple[RiskRule, ...]:
    return tuple(RiskRule(each.id, Tier[each.to.upper()], each.when) for each in content.risk.raise_)


def _own_rules(content: PolicyFile) -> tuple[Rule, ...]:
    return tuple(Rule(each.id, each.when, each.require, each.message, tuple(each.controls)) for each in content.rules)


Ruled = TypeVar("Ruled", RiskRule, Rule)


def _added(
    upper: tuple[Ruled, ...], added: tuple[Ruled, ...], path: tuple[str, ...], made: _Tightening
) -> tuple[Ruled, ...]:
    """Rules with ids that the layers above do not have; theirs stay as they are."""
    known = {each.id: each for each in upper}
    for index, each in enumerate(added):
        if each.id in known and known[each.id] != each:
            made.refuse(
                (*path, index, "id"), f"The organisation has a rule {quoted(each.id)}; give this one another id."
            )
    return tuple(each for each in added if each.id not in known)


def _checks(part: ChecksPart) -> Checks:
    infrastructure, workflows = part.infrastructure, part.workflows
    return Checks(
        secrets_config=part.secrets.config,
        infrastructure=Infrastructure(
            infrastructure.retention_days,
            infrastructure.encryption,
            infrastructure.access_logging,
            tuple(dict.fromkeys(infrastructure.tags)),
        ),
        dependencies_denied=tuple(dict.fromkeys(part.dependencies.deny)),
        licences_denied=tuple(dict.fromkeys(part.dependencies.licences.deny)),
        actions_pinned=workflows.pin is not None,
        actions_allowed=None if workflows.allow is None else tuple(dict.fromkeys(workflows.allow)),
        signed=frozenset(Tier[tier.upper()] for tier in part.signatures.required),
    )


def _stricter_checks(upper: Checks, part: ChecksPart, made: _Tightening) -> Checks:
    added = _checks(part)
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
            _union(upper.infrastructure.tags, added.infrastructure.tags),
        ),
        dependencies_denied=_union(upper.dependencies_denied, added.dependencies_denied),
        licences_denied=_union(upper.licences_denied, added.licences_denied),
        actions_pinned=upper.actions_pinned or added.actions_pinned,
        actions_allowed=allowed,
        signed=upper.signed | added.signed,
    )


def _evidence(part: EvidencePart) -> Evidence:
    return Evidence(
        kind=part.kind,
        tool=part.tool,
        name=part.name,
        require=part.require,
        at_most=tuple(sorted((name, float(most)) for name, most in part.at_most.items())),
        suppressions=part.suppressions,
        rules=part.rules,
        stage=part.stage,
        not_older_than=part.not_older_than,
    )


# The calendar.


def _calendar(part: CalendarPart, upper: Calendar) -> Calendar:
    windows = {name: (Window(each.rrule, each.duration),) for name, each in part.windows.items()}
    return Calendar(
        timezone=part.timezone or upper.timezone,
        holidays=part.holidays or upper.holidays,
        windows=tuple({**dict(upper.windows), **windows}.items()),
        freezes=(*upper.freezes, *map(_freeze, part.freezes)),
    )


def _intersected(upper: Calendar, part: CalendarPart, made: _Tightening) -> Calendar:
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
        freezes=_union(upper.freezes, map(_freeze, part.freezes)),
    )


def _freeze(part: FreezePart) -> Freeze:
    return Freeze(
        name=part.name,
        rrule=part.rrule or "",
        duration=part.duration or timedelta(),
        first=part.first,
        last=part.last,
        excepted=tuple(ChangeType(each) for each in dict.fromkeys(part.excepted)),
    )


# Emergencies, waivers, records.


def _emergency(part: EmergencyPart) -> Emergency:
    return Emergency(tuple(dict.fromkeys(part.groups)), part.ecab.quorum, part.review_within, part.lasts)


def _stricter_emergency(upper: Emergency, part: EmergencyPart | None, made: _Tightening) -> Emergency:
    if part is None:
        return upper
    wanted = _emergency(part)

    def keep(key: str, above: T, below: T, order: Callable[[T], float], says: str) -> T:
        return made.stricter(
            ("emergency", key), above, below if key in part.model_fields_set else None, order, says=says
        )

    return Emergency(
        groups=made.narrowed(
            ("emergency", "from"), upper.groups, wanted.groups, who="declares emergencies", within=_within
        ),
        quorum=keep(
            "ecab", upper.quorum, wanted.quorum, float, f"that {upper.quorum} of the board decide about an emergency"
        ),
        review_within=keep(
            "review_within",
            upper.review_within,
            wanted.review_within,
            _shorter,
            f"that an emergency is looked back at within {lasting(upper.review_within)}",
        ),
        lasts=keep(
            "lasts", upper.lasts, wanted.lasts, _shorter, f"that an emergency stands for {lasting(upper.lasts)}"
        ),
    )


def _waivers(part: WaiversPart) -> Waivers:
    return Waivers(tuple(dict.fromkeys(part.groups)), part.at_most)


def _stricter_waivers(upper: Waivers, part: WaiversPart | None, made: _Tightening) -> Waivers:
    if part is None:
        return upper
    added = _waivers(part)
    at_most = made.stricter(
        ("waivers", "at_most"),
        upper.at_most,
        added.at_most if "at_most" in part.model_fields_set else None,
        _shorter,
        says=f"that a waiver holds for {lasting(upper.at_most)} at most",
    )
    return Waivers(made.narrowed(("waivers", "from"), upper.groups, added.groups, who="grants waivers"), at_most)


def _records(part: RecordsPart) -> Records:
    return Records(
        System(part.system),
        tuple(sorted(part.fields.items())),
        tuple(sorted(part.extra.items())),
        tuple((name, tuple(sorted(values.items()))) for name, values in sorted(part.values.items())),
    )
