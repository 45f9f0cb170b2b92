"""Lays policy files over each other. A repository's file can tighten what the organisation demands, never loosen it.

* ``mode``: the organisation sets it; a repository may go from observe to enforce.
* ``tiers``: the organisation replaces a tier's demands; a repository's are added to them.
* ``roles``: the organisation sets them; a repository may add roles of its own and narrow the holders of one. Who is
  narrowed out can still object.
* ``people``: sets of accounts are added; they can only make separation stricter.
* ``applications``: the organisation sets them; a repository may raise its own tier, and then needs what both demand.
* ``separation``: pairs are added by both; the built-in pair of contributor and approver is never lost.
"""

from collections.abc import Iterator
from dataclasses import replace

from bot.policy.inventory import covers, riskiest
from bot.policy.model import Application, Approvals, Layer, Mode, Policy, Role, Separation, Tier, TierRules
from bot.policy.schema import ApplicationPart, PolicyFile, SeparationPart, TierPart
from bot.words import quoted

Loosening = tuple[tuple[str | int, ...], str]
"""Where in the file something would loosen the policy, and the sentence that says so."""


def organisation(upper: Policy, content: PolicyFile, layer: Layer) -> Policy:
    """The organisation's file over the built-in default."""
    tiers = dict(upper.tiers)
    for tier, part in _tiers(content):
        tiers[tier] = TierRules(_demands(part))
    return replace(
        upper,
        mode=Mode(content.mode) if content.mode else upper.mode,
        tiers=tiers,
        roles={**upper.roles, **{role: _holders(holders) for role, holders in content.roles.items()}},
        people=_joined(upper.people, content),
        applications=tuple(_application(part) for part in content.applications) or upper.applications,
        separation=_separated(upper.separation, content.separation),
        layers=(*upper.layers, layer),
    )


def repository(
    upper: Policy, content: PolicyFile, layer: Layer, repository_name: str
) -> tuple[Policy, tuple[Loosening, ...]]:
    """The file of the repository of that name over the layers above, and what in it was not let through."""
    loosening: list[Loosening] = []
    mode = Mode.ENFORCE if content.mode == "enforce" else upper.mode
    if mode is Mode.ENFORCE and content.mode == "observe":
        loosening.append((("mode",), "The organisation enforces its policy; a repository cannot only observe."))
    roles = _narrowed(upper.roles, content, loosening)
    applications = _raised(upper.applications, content.applications, repository_name, loosening)
    tiers = dict(upper.tiers)
    before, after = _tier(upper.applications, repository_name), _tier(applications, repository_name)
    if after > before:
        # Nothing says that what the organisation demands of a higher tier contains what it demands of a lower one.
        tiers[after] = TierRules(_stricter(tiers[after].approvals, tiers[before].approvals))
    for tier, part in _tiers(content):
        tiers[tier] = TierRules(_stricter(tiers[tier].approvals, _demands(part)))
    merged = replace(
        upper,
        mode=mode,
        tiers=tiers,
        roles=roles,
        dropped=_dropped(upper.roles, roles),
        people=_joined(upper.people, content),
        applications=applications,
        separation=_separated(upper.separation, content.separation),
        layers=(*upper.layers, layer),
    )
    return merged, tuple(loosening)


def _tiers(content: PolicyFile) -> Iterator[tuple[Tier, TierPart]]:
    for tier in Tier:
        part: TierPart | None = getattr(content.tiers, tier.label)
        if part is not None:
            yield tier, part


def _demands(part: TierPart) -> tuple[Approvals, ...]:
    return tuple(Approvals(each.count, tuple(dict.fromkeys(each.groups))) for each in part.approvals)


def _stricter(upper: tuple[Approvals, ...], added: tuple[Approvals, ...]) -> tuple[Approvals, ...]:
    """What meets the demands of both: for each set of groups, as many approvals as the one that wants more of them."""
    above, below = _by_groups(upper), _by_groups(added)
    return tuple(
        Approvals(max(above[groups].count, below[groups].count), above[groups].groups)
        if groups in above and groups in below
        else (above | below)[groups]
        for groups in {**above, **below}
    )


def _by_groups(demands: tuple[Approvals, ...]) -> dict[frozenset[str], Approvals]:
    """One demand for each set of groups: every approval is another person's, so that counts add up."""
    found: dict[frozenset[str], Approvals] = {}
    for demand in demands:
        groups = frozenset(demand.groups)
        before = found[groups].count if groups in found else 0
        found[groups] = replace(demand, count=before + demand.count)
    return found


def _holders(holders: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(holders)))


def _narrowed(
    upper: dict[str, tuple[str, ...]], content: PolicyFile, loosening: list[Loosening]
) -> dict[str, tuple[str, ...]]:
    roles = dict(upper)
    for role, holders in content.roles.items():
        if role not in upper:
            roles[role] = _holders(holders)
            continue
        added = sorted(set(holders) - set(upper[role]))
        if added:
            sentence = f"The organisation says who is `{role}`; a repository cannot add {', '.join(added)}."
            loosening.append((("roles", role), sentence))
        roles[role] = tuple(holder for holder in upper[role] if holder in holders)
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


def _tier(applications: tuple[Application, ...], repository_name: str) -> Tier:
    found = riskiest(applications, repository_name)
    return Tier.HIGH if found is None else found.tier


def _application(part: ApplicationPart) -> Application:
    return Application(part.name, tuple(part.repositories), Tier[part.tier.upper()])


def _raised(
    upper: tuple[Application, ...], parts: list[ApplicationPart], repository_name: str, loosening: list[Loosening]
) -> tuple[Application, ...]:
    applications = list(upper)
    for index, part in enumerate(parts):
        known = next((each for each in upper if each.name == part.name and covers(each, repository_name)), None)
        tier = Tier[part.tier.upper()]
        if known is None:
            sentence = f"Only the organisation adds applications; it has no {quoted(part.name)} with this repository."
            loosening.append((("applications", index), sentence))
        elif tier < known.tier:
            sentence = (
                f"{quoted(part.name)} is of tier {known.tier.label}; a repository can raise its tier, not lower it."
            )
            loosening.append((("applications", index, "tier"), sentence))
        elif tier > known.tier:
            applications.append(Application(known.name, (repository_name,), tier))
    return tuple(applications)


def _separated(upper: tuple[Separation, ...], parts: list[SeparationPart]) -> tuple[Separation, ...]:
    tiers: dict[frozenset[Role], frozenset[Tier]] = {each.roles: each.tiers for each in upper}
    for part in parts:
        roles = frozenset(Role(role) for role in part.roles)
        added = frozenset(Tier[tier.upper()] for tier in part.tiers) if part.tiers else frozenset(Tier)
        tiers[roles] = tiers.get(roles, frozenset()) | added
    return tuple(Separation(roles, found) for roles, found in tiers.items())
