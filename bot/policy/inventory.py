"""Which application a repository belongs to."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from bot.facts.model import PullRequestFacts
from bot.policy.model import Application, Mode, Policy

Properties = Collection[tuple[str, str]]
"""Custom properties of a repository; of several values each is one."""

NONE: Properties = ()


def application_of(policy: Policy, facts: PullRequestFacts) -> Application | None:
    """The application of a pull request's repository, None when it is in no inventory entry."""
    return united(policy.applications, facts.repository.name, facts.properties)


def is_released_by_merge(application: Application | None, *, emergency: bool) -> bool:
    """Whether nothing releases a change of the application but its merge.

    An emergency has to be reviewed after its merge, whoever reports a deployment of it, or nobody.
    """
    return application is None or not application.environments or emergency


def united(
    applications: Iterable[Application], repository_name: str, properties: Properties = NONE
) -> Application | None:
    """The entries with the repository as one: being in several never makes less of a change.

    It has the name of the one of the highest tier, and its number in the CMDB if it has one; the data and environments
    of all; and it is enforced where any of them is.
    """
    found = [each for each in applications if covers(each, repository_name, properties)]
    # Of several with the same tier the first one counts: ``sorted`` keeps their order.
    ranked = sorted(found, key=lambda each: -each.tier)
    if not ranked:
        return None
    return replace(
        ranked[0],
        data=tuple(dict.fromkeys(kind for each in ranked for kind in each.data)),
        configuration_item=next((each.configuration_item for each in ranked if each.configuration_item), ""),
        environments=_environments(ranked),
        mode=_strictest({each.mode for each in ranked}),
    )


def _environments(applications: Iterable[Application]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, dict[str, None]] = {}
    for each in applications:
        for kind, names in each.environments:
            found.setdefault(kind, {}).update(dict.fromkeys(names))
    return tuple((kind, tuple(names)) for kind, names in found.items())


def _strictest(modes: Collection[Mode | None]) -> Mode | None:
    """The mode that asks for most; None is that of the policy, which enforces or observes everything else."""
    if Mode.ENFORCE in modes:
        return Mode.ENFORCE
    return None if None in modes else Mode.OBSERVE


def covers(application: Application, repository_name: str, properties: Properties = NONE) -> bool:
    """Whether the repository belongs to the application: by its name, or by all of the custom properties named.

    GitHub's names do not tell upper from lower case; values of properties do.
    """
    name = repository_name.lower()
    if any(fnmatchcase(name, pattern.lower()) for pattern in application.repositories):
        return True
    wanted = application.properties
    return bool(wanted) and all(each in properties for each in wanted)
