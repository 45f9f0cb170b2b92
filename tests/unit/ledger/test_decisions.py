from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bot.decide.verdict import Decision, Finding, Verdict
from bot.facts.model import (
    Account,
    Branch,
    Commit,
    GitIdentity,
    Mergeability,
    MergeGroupFacts,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Repository,
    Standing,
)
from bot.ledger.decisions import Made, Receipt, last_policy, record, recorded
from bot.policy.model import Approvals, Mode, Policy, Records, Role, Separation, System, Tier, TierRules
from bot.store import Store, migrate

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ALICE = Account(1, "alice")
FACTS = PullRequestFacts(
    repository=Repository(21, "acme", "ledger"),
    number=4,
    title="Pay twice \x00",
    body="",
    state=PullRequestState.OPEN,
    draft=False,
    author=ALICE,
    created_at=AT,
    base=Branch("main", "a" * 40, 21),
    head=Branch("topic", "b" * 40, None),
    mergeability=Mergeability.MERGEABLE,
    additions=1,
    deletions=2,
    commits=(Commit("b" * 40, "Pay", (GitIdentity("Alice", "alice@acme.test", ALICE),), None, ("a" * 40,)),),
    standings=(Standing(ALICE, Permission.WRITE, ("acme/risk",)),),
)
POLICY = Policy(
    mode=Mode.ENFORCE,
    tiers={Tier.HIGH: TierRules((Approvals(2, ("write",)),))},
    roles={"risk": ("acme/risk",)},
    separation=(Separation(frozenset({Role.CONTRIBUTOR, Role.APPROVER})),),
)
DECISION = Decision(
    head="b" * 40,
    mode=Mode.ENFORCE,
    tier=Tier.HIGH,
    tier_because=("It is in no inventory.",),
    verdict=Verdict.FAIL,
    findings=(
        Finding("approvals", Verdict.FAIL, "2 approvals are missing", "Nobody approved.", who=(ALICE,), until=AT),
    ),
    next_at=AT,
)
MADE = Made("pull:21:4", FACTS, POLICY, DECISION, AT)


async def keep(store: Store, made: Made, number: int) -> Receipt:
    async with store.transaction() as connection:
        return await record(connection, made, new_id=UUID(int=number))


async def count(store: Store, table: str) -> Any:
    async with store.transaction() as connection:
        ((found,),) = await (await connection.execute(f"SELECT count(*) FROM {table}")).fetchall()
        return found


async def test_a_decision_is_read_back_as_it_was_made(store: Store) -> None:
    receipt = await keep(store, MADE, 1)
    assert (receipt.id, receipt.decided_at, receipt.new) == (UUID(int=1), AT, True)
    async with store.transaction() as connection:
        found = await recorded(connection, UUID(int=1))
        assert found is not None
        assert (found.id, found.made) == (UUID(int=1), MADE)
        assert await recorded(connection, UUID(int=2)) is None


async def test_the_same_decision_again_is_the_one_on_record(store: Store) -> None:
    first = await keep(store, MADE, 1)
    again = await keep(store, replace(MADE, at=AT + timedelta(hours=1)), 2)
    assert again == replace(first, new=False)
    assert await count(store, "decision") == 1


async def test_another_decision_about_the_same_facts_keeps_them_once(store: Store) -> None:
    await keep(store, MADE, 1)
    other = replace(MADE, decision=replace(DECISION, verdict=Verdict.PASS), at=AT + timedelta(hours=1))
    assert (await keep(store, other, 2)).new
    # What was decided before the last one is news again.
    assert (await keep(store, replace(MADE, at=AT + timedelta(hours=2)), 3)).new
    assert (await count(store, "decision"), await count(store, "facts"), await count(store, "policy")) == (3, 1, 1)


@pytest.mark.parametrize(
    "other",
    [
        replace(MADE, facts=replace(FACTS, title="Pay once")),
        replace(MADE, policy=replace(POLICY, mode=Mode.OBSERVE)),
        replace(MADE, subject="pull:21:5"),
    ],
)
async def test_whatever_differs_makes_it_another_one(store: Store, other: Made) -> None:
    await keep(store, MADE, 1)
    assert (await keep(store, other, 2)).new


async def test_the_last_policy_that_kept_records_somewhere_is_found(store: Store) -> None:
    there = [replace(POLICY, records=Records(System.SERVICENOW, extra=(("u_region", each),))) for each in ("A", "B")]
    for place, policy in enumerate([*there, POLICY], start=1):
        await keep(store, replace(MADE, policy=policy, at=AT + timedelta(hours=place)), place)
    async with store.transaction() as connection:
        assert await last_policy(connection, MADE.subject, System.SERVICENOW) == there[1]
        assert await last_policy(connection, MADE.subject, System.REGISTER) == POLICY
        assert await last_policy(connection, MADE.subject, System.JIRA) is None
        assert await last_policy(connection, "pull:21:9", System.SERVICENOW) is None


async def test_a_decision_about_a_merge_group_is_read_back_too(store: Store) -> None:
    group = Made(
        "merge_group:21:" + "c" * 40,
        MergeGroupFacts(FACTS.repository, "main", "c" * 40, (FACTS,)),
        POLICY,
        DECISION,
        AT,
    )
    await keep(store, group, 1)
    async with store.transaction() as connection:
        found = await recorded(connection, UUID(int=1))
    assert found is not None
    assert found.made == group


async def test_the_branch_of_what_was_decided_before_it_was_kept_is_taken_from_the_facts(
    store: Store, database_url: str
) -> None:
    group = MergeGroupFacts(FACTS.repository, "release", "c" * 40, (FACTS,))
    await keep(store, MADE, 1)
    await keep(store, replace(MADE, subject="merge_group:21:c", facts=group), 2)
    script = Path(migrate.__file__).parent / "migrations/versions/0012_facts.sql"
    with psycopg.connect(database_url) as owner:
        bases = "SELECT base FROM decision ORDER BY id"
        kept = owner.execute(bases).fetchall()
        owner.execute("ALTER TABLE decision DROP COLUMN base")
        owner.execute(script.read_bytes())
        assert owner.execute(bases).fetchall() == kept == [("main",), ("release",)]


@pytest.mark.parametrize("table", ["decision", "facts", "policy", "policy_file"])
async def test_what_is_on_record_cannot_be_changed_by_the_application(store: Store, table: str) -> None:
    await keep(store, MADE, 1)
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with store.transaction() as connection:
                await connection.execute(statement)
