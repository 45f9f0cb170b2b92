"""Persons: the accounts that belong to one human.

Accounts are told apart by GitHub's numeric ids. The policy names accounts by login; a name counts for the account that
had it when it was first looked up, whatever it is called now, and for every account that has it in the facts: that can
only make more accounts one person, and with that separation stricter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.facts.model import Account, AccountKind, Named, PullRequestFacts

WEB_FLOW = 19864447
"""The account of GitHub itself, which commits on behalf of people in the browser: https://github.com/web-flow"""

GHOST = Account(10137, "ghost", AccountKind.OTHER)
"""In whose name GitHub shows what somebody did whose account is gone: https://github.com/ghost"""

Person = frozenset[int]
"""The ids of one person's accounts."""


@dataclass(frozen=True, slots=True)
class People:
    """Who is who in a change: the person of each account, and a name for each account id."""

    persons: dict[int, Person]
    accounts: dict[int, Account]

    def person(self, account: Account) -> Person:
        """The person that the account belongs to."""
        return self.persons.get(account.id, frozenset({account.id}))

    def accounts_of(self, person: Person) -> tuple[Account, ...]:
        """The person's accounts that were seen, by id."""
        return tuple(self.accounts[each] for each in sorted(person) if each in self.accounts)

    def named(self, account: Account, known: Iterable[Iterable[str]], names: Iterable[Named]) -> Person:
        """The accounts of the person, by the policy alone: also of somebody who is nowhere in the change."""
        bound = {each.login: each.id for each in names}
        own = {account.login.lower(), *(login for login, number in bound.items() if number == account.id)}
        sets = [set(one) for one in known if own & set(one)]
        return frozenset({account.id}.union(*({bound[each] for each in one if each in bound} for one in sets)))

    def name(self, person: Person) -> str:
        """The person's accounts as they are written: ``@jane-doe (also @jane-doe-admin)``."""
        first, *others = [f"@{account.login}" for account in self.accounts_of(person)]
        return f"{first} (also {', '.join(others)})" if others else first


def people_of(facts: PullRequestFacts, known: Iterable[Iterable[str]]) -> People:
    """The people of a change; ``known`` has, for each person with several accounts, their logins in lower case."""
    return people_among(_seen(facts), known, facts.names)


def people_among(seen: Sequence[Account], known: Iterable[Iterable[str]], names: Iterable[Named] = ()) -> People:
    """The people whom these accounts belong to; of an account that is there under two names, the first one counts."""
    bound = tuple(names)
    # An account that was renamed can be in the facts under both names: the one of its review is the newest.
    accounts = {account.id: account for account in reversed(seen)}
    persons: dict[int, Person] = {}
    for logins in known:
        ids = frozenset(account.id for account in seen if account.login.lower() in logins)
        ids |= {named.id for named in bound if named.login in logins}
        # Sets that share an account are one person.
        ids = ids.union(*(persons[each] for each in ids if each in persons))
        persons |= dict.fromkeys(ids, ids)
    return People(persons, accounts)


def _seen(facts: PullRequestFacts) -> list[Account]:
    """Every account in the facts; what GitHub said just now comes before what was recorded when somebody pushed."""
    candidates = [facts.author, *(review.author for review in facts.reviews)]
    candidates += [standing.account for standing in facts.standings]
    for commit in facts.commits:
        candidates += [author.account for author in commit.authors]
        candidates += [commit.committer.account if commit.committer else None]
    candidates += [facts.only_approver]
    candidates += [author.account for origin in facts.origins for author in origin.authors]
    candidates += facts.assigned
    candidates += [push.actor for push in facts.pushes]
    candidates += [each for waiver in facts.waivers for each in (waiver.granted_by, waiver.asked_by)]
    candidates += [*facts.requesters, *facts.waiving]
    return [account for account in candidates if account is not None]


def is_human(account: Account) -> bool:
    """Whether a person can stand behind the account."""
    return account.kind is AccountKind.USER and account.id != WEB_FLOW
