"""Everything that there is on the simulated GitHub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.sandbox.accounts import WEB_FLOW, Account, Numbers
from bot.sandbox.checks import CheckRun
from bot.sandbox.git import History
from bot.sandbox.merge_queue import MergeQueue
from bot.sandbox.organisations import Installation, Organisation
from bot.sandbox.pulls import PullRequest
from bot.sandbox.repositories import Repository

ALWAYS_HEARD = frozenset({"installation", "installation_repositories"})
HEARD_BY_CHECKS = frozenset({"check_run", "check_suite"})
"""Sent to every App that may write checks, subscribed or not."""


@dataclass(frozen=True, slots=True)
class App:
    """The App under test: its account acts for it, ``permissions`` and ``events`` are what it asks for."""

    id: int
    slug: str
    account: Account
    owner: Account
    client_id: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Announcement:
    """A webhook to be sent: everything of its payload that is not the same in all."""

    installation: Installation
    event: str
    action: str | None
    sender: Account
    body: Mapping[str, Any]
    repository: Repository | None


@dataclass(slots=True)
class World:
    """The state. ``tell`` is called with each announcement at the moment when something happens."""

    clock: Clock
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    ghes: bool = False
    web_url: str = ""
    api_url: str = ""
    tell: Callable[[Announcement], None] = field(default=lambda _: None)
    numbers: Numbers = field(default_factory=Numbers)
    app: App = field(init=False)
    accounts: dict[str, Account] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    gone: set[Account] = field(default_factory=set)
    _names: dict[str, int] = field(default_factory=dict)
    _emails: dict[str, Account] = field(default_factory=dict)
    _watched: dict[tuple[int, str], list[PullRequest]] = field(default_factory=dict)
    _last_numbers: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The App is there from the beginning."""
        self._emails[WEB_FLOW.email] = WEB_FLOW
        self.accounts[WEB_FLOW.login] = WEB_FLOW
        vendor = self._account("countersign-vendor", "Organization")
        account = self._account("countersign[bot]", "Bot")
        number = self.numbers.next("App")
        self.app = App(
            number,
            "countersign",
            account,
            vendor,
            f"Iv23li{number}",
            self.permissions,
            self.events,
            self.now(),
        )

    def now(self) -> datetime:
        """The moment."""
        return self.clock()

    # Accounts.

    def _account(self, login: str, kind: str, email: str | None = None) -> Account:
        number = self.numbers.next(kind)
        address = email or f"{number}+{login}@users.noreply.github.com"
        account = Account(number, login, kind, address)
        self.accounts[login.lower()] = account
        self._emails[address.lower()] = account
        return account

    def person(self, login: str, *, email: str | None = None) -> Account:
        """The user of that name, made when there is none."""
        return self.accounts.get(login.lower()) or self._account(login, "User", email)

    def bot(self, login: str) -> Account:
        """The bot of that name, made when there is none."""
        return self.accounts.get(login.lower()) or self._account(login, "Bot")

    def rename(self, account: Account, login: str) -> None:
        """Somebody changes their login; the old one is free for others from now on."""
        del self.accounts[account.login.lower()]
        account.rename(login)
        self.accounts[login.lower()] = account

    def delete(self, account: Account) -> None:
        """Somebody deletes their account; the login is free for others from now on."""
        del self.accounts[account.login.lower()]
        self._emails = {email: who for email, who in self._emails.items() if who != account}
        self.gone.add(account)

    def other_app(self, slug: str) -> App:
        """Another App that is installed everywhere."""
        number = self.numbers.next("App")
        account = self._account(f"{slug}[bot]", "Bot")
        return App(number, slug, account, account, f"Iv23li{number}", {"checks": "write"}, (), self.now())

    def account_of(self, email: str) -> Account | None:
        """Whom an e-mail address belongs to; None when nobody has said so."""
        return self._emails.get(email.lower())

    def organisation(self, login: str) -> Organisation:
        """The organisation of that name, made with the App installed when there is none."""
        known = self.organisations.get(login.lower())
        if known is not None:
            return known
        organisation = Organisation(self, self._account(login, "Organization"), self.now())
        self.organisations[login.lower()] = organisation
        organisation.install()
        return organisation

    # Repositories.

    def create(self, organisation: Organisation, name: str, *, private: bool, merge_queue: bool) -> Repository:
        """A repository without anything in it."""
        number = self.numbers.next("Repository")
        owner = organisation.account
        repository = Repository(self, number, name, owner, organisation, private, self.now(), History())
        if merge_queue and not self.ghes:
            repository.merge_queue = MergeQueue(self.numbers.next("MergeQueue"), repository, "main")
        self.add(repository)
        return repository

    def add(self, repository: Repository) -> None:
        """Let a repository be found."""
        self.repositories[repository.id] = repository
        self._names[repository.full_name.lower()] = repository.id

    def renamed(self, repository: Repository, before: str) -> None:
        """A repository has another name now."""
        if repository.organisation is not None:
            repository.organisation.repositories.pop(before.partition("/")[2])
            repository.organisation.repositories[repository.name] = repository
        self._names[repository.full_name.lower()] = repository.id

    def repository(self, owner: str, name: str) -> Repository | None:
        """The repository of that name, or that had it before it was renamed."""
        number = self._names.get(f"{owner}/{name}".lower())
        return self.repositories[number] if number is not None else None

    def next_number(self, repository: Repository) -> int:
        """The number of the next pull request there."""
        number = self._last_numbers.get(repository.id, 0) + 1
        self._last_numbers[repository.id] = number
        return number

    def watch(self, pull: PullRequest) -> None:
        """Let a pull request follow its head branch."""
        self._watched.setdefault((pull.head_repository.id, pull.head_ref), []).append(pull)

    def pulls_from(self, repository: Repository, branch: str) -> list[PullRequest]:
        """The open pull requests whose head is that branch."""
        return [pull for pull in self._watched.get((repository.id, branch), ()) if pull.state == "open"]

    # Webhooks.

    def hears(self, installation: Installation, event: str) -> bool:
        """Whether an installation is sent events of that name."""
        if event in HEARD_BY_CHECKS and installation.permissions.get("checks") == "write":
            return True
        return event in ALWAYS_HEARD or event in installation.events

    def announce(
        self,
        installation: Installation,
        event: str,
        action: str | None,
        sender: Account,
        body: Mapping[str, Any],
        *,
        repository: Repository | None = None,
    ) -> None:
        """Send a webhook."""
        self.tell(Announcement(installation, event, action, sender, body, repository))
