"""Which application a repository belongs to."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from bot.facts.model import PullRequestFacts
from bot.policy.model import Application, Policy

Properties = Collection[tuple[str, str]]
"""Custom properties of a repository; of several values each is one."""

NONE: Properties = ()


def application_of(policy: Policy, facts: PullRequestFacts) -> Application | None:
    """The application of a pull request's repository, None when it is in no inventory entry."""
    return riskiest(policy.applications, facts.repository.name, facts.properties)


def riskiest(
    applications: Iterable[Application], repository_name: str, properties: Properties = NONE
) -> Application | None:
    """Of the entries with the repository, that of the highest tier: being in two never makes a change less risky."""
    found = [each for each in applications if covers(each, repository_name, properties)]
    return max(found, key=lambda each: each.tier, default=None)


def covers(application: Application, repository_name: str, properties: Properties = NONE) -> bool:
    """Whether the repository belongs to the application: by its name, or by all of the custom properties named.

    GitHub's names do not tell upper from lower case; values of properties do.
    """
    name = repository_name.lower()
    if any(fnmatchcase(name, pattern.lower()) for pattern in application.repositories):
        return True
    wanted = application.properties
    return bool(wanted) and all(each in properties for each in wanted)
