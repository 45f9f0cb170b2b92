"""Who may do what in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.accounts import Account
from bot.sandbox.organisations import Team
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import accounts as shapes

if TYPE_CHECKING:
    from bot.sandbox.repositories import Repository

ROLES = ("none", "read", "triage", "write", "maintain", "admin")


def role(repository: Repository, account: Account) -> str:
    """The highest role that ``account`` has: of its own, by a team or one above it, or by the organisation."""
    open_to_all = not repository.private and account.kind == "User"
    return max("read" if open_to_all else "none", given_role(repository, account), key=ROLES.index)


def given_role(repository: Repository, account: Account) -> str:
    """The same without what everybody may do in a repository that is open to all."""
    roles = ["none", repository.access.get(account, "none")]
    if account == repository.owner:
        roles.append("admin")
    if repository.organisation is not None:
        roles.append(repository.organisation.base_role(account))
    roles += [given for who, given in repository.access.items() if isinstance(who, Team) and who.has(account)]
    return max(roles, key=ROLES.index)


def may_push(repository: Repository, account: Account) -> bool:
    """Whether ``account`` may push to the repository."""
    return ROLES.index(role(repository, account)) >= ROLES.index("write")


def grant(repository: Repository, who: Account | Team, given: str, by: Account) -> None:
    """Give a role to an account or a team."""
    if given not in ROLES[1:]:
        raise Refused(f"{given} is not a role")
    before, repository.access[who] = repository.access.get(who), given
    if isinstance(who, Team):
        who.tell("added_to_repository", by, repository=repository)
        repository.tell("team_add", None, by, team=shapes.team(who))
    elif before is None:
        changes = {"permission": {"to": old_word(given)}, "role_name": {"to": given}}
        repository.tell("member", "added", by, member=shapes.user(repository.world, who), changes=changes)
    else:
        changes = {"permission": {"from": old_word(before), "to": old_word(given)}}
        repository.tell("member", "edited", by, member=shapes.user(repository.world, who), changes=changes)


def revoke(repository: Repository, who: Account | Team, by: Account) -> None:
    """Take the role away."""
    del repository.access[who]
    if isinstance(who, Team):
        who.tell("removed_from_repository", by, repository=repository)
    else:
        repository.tell("member", "removed", by, member=shapes.user(repository.world, who))


def old_word(given: str) -> str:
    """The word of GitHub's older fields, which know four levels."""
    return {"triage": "read", "maintain": "write"}.get(given, given)
