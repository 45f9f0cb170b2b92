"""Which accounts the logins of a policy stand for: looked up once, bound for ever."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.facts.habits import note, only_approver
from bot.facts.model import Account, Named
from bot.facts.names import FEW, bind, elsewhere, logins, read
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy.model import Records, System
from bot.store import Store
from tests.unit.builders import account, approved, decided, policy, pull_request


@dataclass
class Users:
    """The part of GitHub that knows who has which login."""

    known: dict[str, int]
    asked: list[str] = field(default_factory=list)

    async def get_or_none(self, path: str, *, lane: Lane) -> Any:
        assert lane is Lane.SWEEP
        login = path.rpartition("/")[2]
        self.asked.append(login)
        return {"id": self.known[login]} if login in self.known else None


async def stand_for(store: Store, users: Users, wanted: Iterable[str]) -> dict[str, int]:
    found = await read(store, cast("InstallationClient", users), frozenset(wanted), Lane.SWEEP)
    return {each.login: each.id for each in found}


async def test_a_login_is_looked_up_once_and_stays_bound(store: Store) -> None:
    users = Users({"grace": 5})
    assert await stand_for(store, users, ["grace"]) == {"grace": 5}
    users.known["grace"] = 6
    assert await stand_for(store, users, ["grace"]) == {"grace": 5}
    assert users.asked == ["grace"]


async def test_a_login_that_nobody_has_is_not_asked_for_at_every_look(store: Store) -> None:
    users = Users({})
    for _ in range(2):
        assert await stand_for(store, users, ["nobody"]) == {}
    assert users.asked == ["nobody"]
    assert await stand_for(store, users, []) == {}


def test_every_account_that_a_policy_names_is_wanted_and_no_team() -> None:
    rules = replace(
        policy(roles={"officer": ("grace", "acme/officers")}, people=[("ana", "ana-admin")]), dropped=("henry",)
    )
    assert logins(rules) == {"grace", "ana", "ana-admin", "henry"}


@dataclass
class Elsewhere:
    """People of another system of records, and what GitHub knows of their logins."""

    store: Store
    users: Users

    async def learn(self, people: Iterable[str], *seen: Account) -> dict[str, int]:
        records = Records(System.SERVICENOW, people=tuple((f"{login}@bank.example", login) for login in people))
        rules = replace(policy(), records=records)
        await elsewhere(self.store, cast("InstallationClient", self.users), rules, seen, Lane.SWEEP)
        async with self.store.transaction() as connection:
            return await bind(connection, set(people), ())


async def test_people_of_another_system_are_bound_to_who_has_their_login_first(store: Store) -> None:
    there = Elsewhere(store, Users({"rick": 1, "ida": 2}))
    assert await there.learn(["rick", "ida"], Account(1, "Rick"), Account(9, "vera")) == {"rick": 1, "ida": 2}
    assert there.users.asked == ["ida"], "of who was seen anyway nothing is asked"
    there.users.known = {"rick": 7, "ida": 8}
    assert await there.learn(["rick", "ida"], Account(7, "rick")) == {"rick": 1, "ida": 2}


async def test_many_people_of_another_system_are_looked_up_few_at_a_time(store: Store) -> None:
    names = [f"p{number:03}" for number in range(50)]
    there = Elsewhere(store, Users({name: number for number, name in enumerate(names) if number % 2}))
    assert len(await there.learn(names)) == FEW // 2
    assert len(there.users.asked) == FEW
    await there.learn(names, Account(1000, "p048"))
    assert await there.learn(names) == {"p048": 1000, **there.users.known}
    assert len(there.users.asked) == 49


async def test_where_a_policy_names_nobody_elsewhere_nothing_is_asked(store: Store) -> None:
    there = Elsewhere(store, Users({}))
    assert await there.learn([], Account(1, "rick")) == {}
    assert there.users.asked == []


async def noted(store: Store, *approvals: tuple[int, str]) -> None:
    for number, login in approvals:
        facts = pull_request(reviews=[approved(login)])
        async with store.transaction() as connection:
            await note(connection, f"pull:77:{number}", facts, decided(facts))


async def only(store: Store, **rules: Any) -> str | None:
    few = replace(policy(**rules), reviews=replace(policy().reviews, pair=3))
    names = (Named("ben", account("ben").id), Named("ben-admin", account("ben-admin").id))
    async with store.transaction() as connection:
        found = await only_approver(connection, "pull:77:99", account("ana"), few, names)
        assert await only_approver(connection, "pull:77:99", None, few, names) is None
    return found.login if found else None


async def test_who_alone_approves_often_enough_is_told(store: Store) -> None:
    await noted(store, (1, "ben"), (2, "ben"))
    assert await only(store) is None
    await noted(store, (3, "ben"), (3, "ben"))
    assert await only(store) == "ben"
    await noted(store, (4, "carl"))
    assert await only(store) is None


async def test_two_accounts_of_one_person_approve_as_one(store: Store) -> None:
    await noted(store, (1, "ben"), (2, "ben-admin"), (3, "ben"))
    assert await only(store) is None
    assert await only(store, people=[("ben", "ben-admin")]) in {"ben", "ben-admin"}


async def test_what_does_not_pass_or_has_no_author_is_not_noted(store: Store) -> None:
    waiting = pull_request(reviews=[approved("ben")], draft=True)
    nameless = pull_request(author=None, reviews=[approved("ben")])
    async with store.transaction() as connection:
        for facts in (waiting, nameless):
            await note(connection, "pull:77:1", facts, decided(facts))
        rows = await (await connection.execute("SELECT 1 FROM approval_given")).fetchall()
    assert rows == []
