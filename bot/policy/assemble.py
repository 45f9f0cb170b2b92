"""Makes the policy in force out of the files that were found, and of those that worked before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.policy import layers, named, packs
from bot.policy.check import Checked, check, content_of
from bot.policy.inventory import NONE, Properties
from bot.policy.model import Layer, Mode, Policy, Problem, Role, Separation, Tier, TierRules
from bot.policy.schema import PolicyFile
from bot.policy.yaml import Path


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a policy file: where it stands and its git blob id."""

    origin: str
    blob: str
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What a repository's file is not let through with: the key, as ``tiers.low.cab``, and the problem at its place."""

    key: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Assembled:
    """The policy in force, the files that can be used from now on, and those that cannot.

    ``above`` is the policy without the repository's own file and without packs: what a repository's file is laid over.
    """

    policy: Policy
    above: Policy
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
    built-in policy, enforced, with problems that block: somebody meant to demand something, and nobody knows what. A
    repository's file that never worked is the same, with the organisation's policy in the place of the built-in one.
    """
    problems: list[Problem] = []
    good: list[Source] = []
    broken: list[Source] = []
    above = default
    if organisation is not None:
        checked = _usable(organisation, last_good, default, problems, good, broken)
        if checked.content is not None:
            above = layers.organisation(above, checked.content, Layer(checked.origin, checked.blob))
        else:
            above = replace(above, mode=Mode.ENFORCE, undecidable=True)
    policy = above
    if repository is not None:
        checked = _of_repository(repository, last_good, above, problems, good, broken)
        policy, refused = lay(checked, above, repository_name, properties)
        problems += [each.problem for each in refused]
        if checked.content is None:
            policy = replace(policy, mode=Mode.ENFORCE, unusable=repository.origin)
    policy = layers.with_packs(policy, [packs.load(name) for name in policy.packs])
    return Assembled(replace(policy, problems=tuple(problems)), above, tuple(good), tuple(broken))


def checked_under(source: Source, above: Policy) -> Checked:
    """The file, read as one that may name what the policy above it names. Never raises."""
    windows = [name for name, _ in above.calendar.windows]
    return check(
        source.text,
        source.origin,
        source.blob,
        known_roles=above.roles,
        known_windows=windows,
        known_things=above.things,
    )


def lay(
    checked: Checked, above: Policy, repository_name: str, properties: Properties = NONE
) -> tuple[Policy, tuple[Refused, ...]]:
    """The policy with a repository's file over it, and what in the file was not let through; packs are not in it yet.

    A file that cannot be used leaves the policy as it is.
    """
    if checked.content is None:
        return above, ()
    layer = Layer(checked.origin, checked.blob)
    policy, loosening = layers.repository(above, checked.content, layer, repository_name, properties)
    return policy, tuple(
        Refused(_key(path), checked.document.problem(path, f"{sentence} The organisation's rule stays in force."))
        for path, sentence in loosening
    )


def _key(path: Path) -> str:
    """The key at a path, without the places in lists: ``("rules", 2, "id")`` is ``rules.id``."""
    return ".".join(part for part in path if isinstance(part, str))


def _usable(
    source: Source,
    last_good: Mapping[str, Source],
    above: Policy,
    problems: list[Problem],
    good: list[Source],
    broken: list[Source],
) -> Checked:
    """The file, or its last good version."""
    checked = checked_under(source, above)
    if checked.content is not None:
        good.append(source)
        return checked
    broken.append(source)
    problems += checked.problems
    before = last_good.get(source.origin)
    if before is None or before.blob == source.blob:
        return checked
    return checked_under(before, above)


def _of_repository(
    source: Source,
    last_good: Mapping[str, Source],
    above: Policy,
    problems: list[Problem],
    good: list[Source],
    broken: list[Source],
) -> Checked:
    """The file, or its last good version, or what of it can be read.

    What worked once goes on working when the organisation takes a name away: else its edit would switch off everything
    that the repository demands.
    """
    checked = checked_under(source, above)
    if checked.content is not None:
        good.append(source)
        return checked
    broken.append(source)
    problems += checked.problems
    before = last_good.get(source.origin)
    versions = [before, source] if before is not None else [source]
    read = (_whatever_it_names(each, above) for each in versions)
    return next((each for each in read if each.content is not None), checked)


def _whatever_it_names(source: Source, above: Policy) -> Checked:
    """The file, read as one that may name anything: nobody holds a role that is not known, and no such window opens."""
    content = content_of(source.text, source.origin)
    roles = named.roles(content) if content is not None else frozenset[str]()
    windows = named.windows(content) if content is not None else frozenset[str]()
    return check(
        source.text,
        source.origin,
        source.blob,
        known_roles={*above.roles, *roles},
        known_windows={*dict(above.calendar.windows), *windows},
    )
