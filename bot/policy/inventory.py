"""Which application a repository belongs to."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from bot.policy.model import Application, Policy


def application_of(policy: Policy, repository_name: str) -> Application | None:
    """The application of that repository, None when it is in no inventory entry."""
    return riskiest(policy.applications, repository_name)


def riskiest(applications: Iterable[Application], repository_name: str) -> Application | None:
    """Of the entries with the repository, that of the highest tier: being in two never makes a change less risky."""
    found = [each for each in applications if covers(each, repository_name)]
    return max(found, key=lambda each: each.tier, default=None)


def covers(application: Application, repository_name: str) -> bool:
    """Whether the repository belongs to the application; GitHub's names do not tell upper from lower case."""
    name = repository_name.lower()
    return any(fnmatchcase(name, pattern.lower()) for pattern in application.repositories)
