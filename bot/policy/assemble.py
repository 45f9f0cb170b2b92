"""Makes the policy in force out of the files that were found, and of those that worked before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.policy import layers, packs
from bot.policy.check import Checked, check
from bot.policy.inventory import NONE, Properties
from bot.policy.model import Layer, Mode, Policy, Problem, Role, Separation, Tier, TierRules
from bot.policy.schema import PolicyFile


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a policy file: where it stands and its git blob id."""

    origin: str
    blob: str
    text: str


@dataclass(frozen=True, slots=True)
class Assembled:
    """The policy in force, the files that can be used from now on, and those that cannot."""

    policy: Policy
    good: tuple[Source, ...]
    broken: tuple[Source, ...]


def from_defaults(content: PolicyFile) -> Policy:
    """The built-in policy: contributors never approve, in no tier, whatever else a policy says."""
    pair = Separation(frozenset({Role.CONTRIBUTOR, Role.APPROVER}), frozenset(Tier))
    empty = Policy(mode=Mode.OBSERVE, tiers={tier: TierRules(()) for tier in Tier}, separation=(pair,))
    return replace(layers.organisation(empty, content, Layer("built-in", "")), layers=(Layer("built-in", ""),))


def assemble(
    default: Policy,
    *,
    organisation: Source | None,
    repository: Source | None,
    last_good: Mapping[str, Source],
    repository_name: str,
    properties: Properties = NONE,
) -> Assembled:
    """The policy for a repository; ``last_good`` has the version of each file that worked before, by origin.

    A file that is broken is replaced by its last good version. An organisation's file that never worked leaves the
    built-in policy, enforced, with problems that block: somebody meant to demand something, and nobody knows what.
    """
    problems: list[Problem] = []
    good: list[Source] = []
    broken: list[Source] = []
    policy = default
    if organisation is not None:
        checked = _usable(organisation, last_good, default, problems, good, broken)
        if checked.content is not None:
            policy = layers.organisation(policy, checked.content, Layer(checked.origin, checked.blob))
        else:
            policy = replace(policy, mode=Mode.ENFORCE, undecidable=True)
    if repository is not None:
        checked = _usable(repository, last_good, policy, problems, good, broken)
        if checked.content is not None:
            layer = Layer(checked.origin, checked.blob)
            policy, loosening = layers.repository(policy, checked.content, layer, repository_name, properties)
            problems += [
                checked.document.problem(path, f"{sentence} The organisation's rule stays in force.")
                for path, sentence in loosening
            ]
    policy = layers.with_packs(policy, [packs.load(name) for name in policy.packs])
    return Assembled(replace(policy, problems=tuple(problems)), tuple(good), tuple(broken))


def _usable(
    source: Source,
    last_good: Mapping[str, Source],
    above: Policy,
    problems: list[Problem],
    good: list[Source],
    broken: list[Source],
) -> Checked:
    """The file, or its last good version."""
    checked = _checked(source, above)
    if checked.content is not None:
        good.append(source)
        return checked
    broken.append(source)
    problems += checked.problems
    before = last_good.get(source.origin)
    if before is None or before.blob == source.blob:
        return checked
    return _checked(before, above)


def _checked(source: Source, above: Policy) -> Checked:
    windows = [name for name, _ in above.calendar.windows]
    return check(
        source.text,
        source.origin,
        source.blob,
        known_roles=above.roles,
        known_windows=windows,
        known_things=above.things,
    )
