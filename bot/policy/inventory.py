"""Which application a repository belongs to."""

from bot.policy.layers import covers
from bot.policy.model import Application, Policy


def application_of(policy: Policy, repository_name: str) -> Application | None:
    """The application of that repository, None when it is in no inventory entry.

    Of several, the one of the highest tier: being in two entries never makes a change less risky.
    """
    found = [each for each in policy.applications if covers(each, repository_name)]
    return max(found, key=lambda each: each.tier, default=None)
