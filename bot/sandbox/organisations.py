"""Organisations, their people and teams, and the installation of the App."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.sandbox.accounts import Account
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import accounts as shapes
from bot.sandbox.shapes import apps as app_shapes

if TYPE_CHECKING:
    from bot.sandbox.repositories import Repository
    from bot.sandbox.world import World


@dataclass(slots=True, eq=False)
class Team:
    """A team. ``members`` are those who are in it themselves, not those of the teams below it."""

    id: int
    organisation: Organisation
    name: str
    slug: str
    members: dict[Account, str] = field(default_factory=dict)
    parent: Team | None = None

    @property
    def children(self) -> list[Team]:
        """The teams right below it."""
        return [team for team in self.organisation.teams.values() if team.parent is self]

    def family(self) -> Iterator[Team]:
        """The team and all below it."""
        yield self
        for child in self.children:
            yield from child.family()

    def has(self, account: Account) -> bool:
        """Whether the account is in it, or in a team below it."""
        return any(account in team.members for team in self.family())

    def add(self, who: Account, *, by: Account | None = None) -> None:
        """Take somebody in."""
        if who not in self.organisation.members:
            raise Refused(f"{who.login} is no member of {self.organisation.login}")
        self.members[who] = "member"
        self._tell_membership("added", who, by or self.organisation.account)

    def remove(self, who: Account, *, by: Account | None = None) -> None:
        """Let somebody go."""
        del self.members[who]
        self._tell_membership("removed", who, by or self.organisation.account)

    def _tell_membership(self, action: str, who: Account, by: Account) -> None:
        body = {"scope": "team", "member": shapes.user(self.organisation.world, who), "team": shapes.team(self)}
        self.organisation.tell("membership", action, by, where=None, **body)

    def tell(self, action: str, by: Account, *, repository: Repository | None = None, **more: Any) -> None:
        """Send a webhook about the team."""
        self.organisation.tell("team", action, by, where=repository, team=shapes.team(self), **more)

    def delete(self, *, by: Account | None = None) -> None:
        """Delete the team; nobody is in it any more, and it opens no repository."""
        del self.organisation.teams[self.slug]
        for repository in self.organisation.repositories.values():
            repository.access.pop(self, None)
        self.tell("deleted", by or self.organisation.account)


@dataclass(slots=True, eq=False)
class Installation:
    """The App in an organisation, with what it was granted."""

    id: int
    organisation: Organisation
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime
    suspended_at: datetime | None = None
    deleted: bool = False

    @property
    def active(self) -> bool:
        """Whether it may act and hear."""
        return not self.deleted and self.suspended_at is None

    @property
    def repositories(self) -> Iterable[Repository]:
        """The repositories that it can see: all."""
        return self.organisation.repositories.values()


@dataclass(slots=True, eq=False)
class Organisation:
    """An organisation. Every member has the role ``base`` in every repository; ``members`` are owners and others."""

    world: World
    account: Account
    created_at: datetime
    members: dict[Account, str] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    base: str = "none"
    installation: Installation | None = None

    @property
    def login(self) -> str:
        """Its name."""
        return self.account.login

    @property
    def id(self) -> int:
        """Its number."""
        return self.account.id

    @property
    def installation_id(self) -> int:
        """The number of the App's last installation."""
        if self.installation is None:
            raise LookupError(f"the App was never installed in {self.login}")
        return self.installation.id

    def base_role(self, account: Account) -> str:
        """What membership alone gives."""
        if account not in self.members:
            return "none"
        return "admin" if self.members[account] == "admin" else self.base

    def tell(
        self, event: str, action: str | None, by: Account, /, *, where: Repository | None = None, **body: Any
    ) -> None:
        """Send a webhook to the App, if it is there to hear it."""
        installation = self.installation
        if installation is None or not installation.active or not self.world.hears(installation, event):
            return
        self.world.announce(installation, event, action, by, body, repository=where)

    def person(self, login: str, *, email: str | None = None, role: str = "member") -> Account:
        """A member with an account of that name, which is made when there is none; ``role`` is member or admin."""
        account = self.world.person(login, email=email)
        self.members[account] = role
        self.tell("organization", "member_added", self.account, membership=shapes.membership(self, account))
        return account

    def expel(self, who: Account, *, by: Account | None = None) -> None:
        """Somebody leaves, and with the membership every team."""
        membership = shapes.membership(self, who)
        for team in list(self.teams.values()):
            if who in team.members:
                team.remove(who, by=by)
        del self.members[who]
        self.tell("organization", "member_removed", by or self.account, membership=membership)

    def team(self, name: str, *, members: Iterable[Account] = (), parent: Team | None = None) -> Team:
        """Make a team."""
        slug = name.lower().replace(" ", "-")
        team = Team(self.world.numbers.next("Team"), self, name, slug, parent=parent)
        self.teams[slug] = team
        team.tell("created", self.account)
        for who in members:
            team.add(who)
        return team

    def repository(
        self,
        name: str,
        *,
        files: Mapping[str, str] | None = None,
        access: Mapping[Account | Team, str] | None = None,
        merge_queue: bool = False,
        private: bool = True,
        require_check: tuple[str, ...] = (),
    ) -> Repository:
        """Make a repository with ``files`` on its branch ``main``."""
        repository = self.world.create(self, name, private=private, merge_queue=merge_queue)
        repository.require_check = require_check
        self.repositories[name] = repository
        repository.tell("repository", "created", self.account)
        self._tell_added(repository)
        repository.push("main", by=self.account, files=files or {"README.md": f"# {name}\n"}, message="Begin")
        for who, role in (access or {}).items():
            repository.grant(who, role)
        return repository

    def _tell_added(self, repository: Repository) -> None:
        if self.installation is not None:
            body = app_shapes.repositories_added(self.installation, [repository])
            self.tell("installation_repositories", "added", self.account, **body)

    def install(self) -> Installation:
        """Install the App, with every permission that it asks for."""
        world = self.world
        app = world.app
        installation = Installation(world.numbers.next("Installation"), self, app.permissions, app.events, world.now())
        self.installation = installation
        world.installations[installation.id] = installation
        self._tell_installation("created")
        return installation

    def uninstall(self) -> None:
        """Remove the App. Its tokens end at once."""
        if self.installation is not None:
            self._tell_installation("deleted")
            self.installation.deleted = True

    def suspend(self) -> None:
        """Suspend the App."""
        if self.installation is not None:
            self.installation.suspended_at = self.world.now()
            self._tell_installation("suspend")

    def unsuspend(self) -> None:
        """Let the App go on."""
        if self.installation is not None:
            self.installation.suspended_at = None
            self._tell_installation("unsuspend")

    def _tell_installation(self, action: str) -> None:
        """These are always sent, also to an installation that is closed."""
        installation = self.installation
        if installation is not None:
            body = app_shapes.installation_event(installation, action)
            self.world.announce(installation, "installation", action, self.account, body)
