"""Lays policy files over each other. A repository's file can tighten what the organisation demands, never loosen it.

* ``mode``: the organisation sets it; a repository may go from observe to enforce.
* ``tiers``: the organisation replaces a tier's demands; a repository's are added to them.
* ``roles``: the organisation sets them; a repository may add roles of its own and narrow the holders of one.
* ``people``: sets of accounts are added; they can only make separation stricter.
* ``applications``: the organisation sets them; a repository may raise its own tier.
* ``separation``: pairs are added by both; the built-in pair of contributor and approver is never lost.
"""

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from bot.policy.model import Application, Approvals, Layer, Mode, Policy, Role, Separation, Tier, TierRules
from bot.policy.schema import ApplicationPart, PolicyFile, SeparationPart, TierPart

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
    mode = upper.mode
    if content.mode:
        mode = Mode.ENFORCE if Mode.ENFORCE in {upper.mode, Mode(content.mode)} else upper.mode
        if mode is not Mode(content.mode):
            loosening.append((("mode",), "The organisation enforces its policy; a repository cannot only observe."))
    merged = replace(
        upper,
        mode=mode,
        tiers={**upper.tiers, **{tier: _stricter(upper.tiers[tier], part) for tier, part in _tiers(content)}},
        roles=_narrowed(upper.roles, content, loosening),
        people=_joined(upper.people, content),
        applications=_raised(upper.applications, content.applications, repository_name, loosening),
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


def _stricter(upper: TierRules, part: TierPart) -> TierRules:
    """All demands of both; of two for the same groups, the higher count."""
    counts: dict[frozenset[str], Approvals] = {}
    for demand in (*upper.approvals, *_demands(part)):
        groups = frozenset(demand.groups)
        known = counts.get(groups)
        counts[groups] = demand if known is None or demand.count > known.count else known
    return TierRules(tuple(counts.values()))


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
            sentence = (
                f"Only the organisation adds applications; its inventory has no `{part.name}` with this repository."
            )
            loosening.append((("applications", index), sentence))
        elif tier < known.tier:
            sentence = f"`{part.name}` is of tier {known.tier.label}; a repository can raise its tier, not lower it."
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


def covers(application: Application, repository_name: str) -> bool:
    """Whether the repository belongs to the application; GitHub's names do not tell upper from lower case."""
    name = repository_name.lower()
    return any(fnmatchcase(name, pattern.lower()) for pattern in application.repositories)
