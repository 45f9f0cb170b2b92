"""Recorded decisions are read, and a candidate is tried on each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from resource import RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, getrlimit, setrlimit
from time import process_time
from uuid import uuid4

import pytest

from bot.decide.evaluate import decide
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Verdict
from bot.errors import Refusal
from bot.facts.model import ChangedFile, FileChange, MergeGroupFacts, PullRequestFacts, Repository
from bot.ledger.decisions import Made, record
from bot.policy.model import Policy
from bot.store import Store
from bot.trial import history
from bot.trial.candidate import Candidate
from bot.trial.fence import Fence
from bot.trial.history import Outcome
from bot.trial.model import Difference
from tests.unit.builders import NOON, approved, oid, pull_request
from tests.unit.trial.test_candidate import FILE, LOOSER, ORGANISATIONS, OWN, STRICTER_OWN, then

DAY = timedelta(days=1)
LONG_AGO = NOON - 1000 * DAY
CANDIDATE = Candidate(LOOSER, "new.yml")


def waiting(number: int) -> PullRequestFacts:
    """A pull request with one approval of the two that are demanded."""
    return pull_request(number=number, reviews=[approved("ben")])


def approved_twice(number: int) -> PullRequestFacts:
    return pull_request(number=number, reviews=[approved("ben"), approved("cem")])


async def decided_at(store: Store, facts: PullRequestFacts, at: datetime = NOON, rules: Policy | None = None) -> None:
    """Put a decision on record, with the files that its policy was made of."""
    policy = rules or then()
    made = Made(f"pull:77:{facts.number}", facts, policy, decide(facts, policy, at), at)
    async with store.transaction() as connection:
        for origin, blob, text in ((ORGANISATIONS, "one", FILE), (OWN, "two", STRICTER_OWN)):
            await connection.execute(
                "INSERT INTO policy_file (origin, blob, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [origin, blob, text],
            )
        await record(connection, made, new_id=uuid4())


async def backtest(
    store: Store,
    candidate: Candidate = CANDIDATE,
    *,
    since: datetime = LONG_AGO,
    every: bool = False,
    most: int | None = None,
) -> Outcome:
    return await history.backtest(store, candidate, since=since, every=every, most=most)


def numbers(outcome: Outcome) -> list[int]:
    return [each.number for each in outcome.differences]


async def test_without_a_record_nothing_is_tried(store: Store) -> None:
    assert await backtest(store) == Outcome(0, ())


async def test_what_would_be_decided_differently_is_told_the_newest_first(store: Store) -> None:
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, approved_twice(8), NOON + DAY)
    await decided_at(store, waiting(9), NOON + 2 * DAY)
    outcome = await backtest(store)
    assert outcome.tried == 3
    assert numbers(outcome) == [9, 7]
    first = outcome.differences[0]
    assert (first.subject, first.was, first.would, first.loosens) == ("pull:77:9", Verdict.WAIT, Verdict.PASS, True)
    assert first.how[0].startswith("approvals: wait would be pass")
    assert [each.login for each in first.contributors] == ["ana"]


async def test_what_cannot_be_compared_is_counted_apart(store: Store) -> None:
    newer = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [auditor]}]}}\n"
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, replace(waiting(8), repository=Repository(77, "acme", "vault")), NOON + DAY)
    outcome = await backtest(store, Candidate(newer, "new.yml", "acme/ledger"))
    assert outcome == Outcome(1, (), untried=1)


async def test_of_each_change_the_last_decision_counts_or_every_one(store: Store) -> None:
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, approved_twice(7), NOON + DAY)
    assert await backtest(store) == Outcome(1, ())
    every = await backtest(store, every=True)
    assert (every.tried, numbers(every)) == (2, [7])


async def test_what_is_older_is_left_out(store: Store) -> None:
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, waiting(8), NOON + DAY)
    outcome = await backtest(store, since=NOON + DAY)
    assert (outcome.tried, numbers(outcome)) == (1, [8])


async def test_of_more_than_it_takes_the_newest_are_tried(store: Store) -> None:
    for number in range(1, 6):
        await decided_at(store, waiting(number), NOON + number * DAY)
    outcome = await backtest(store, most=2)
    assert (outcome.tried, numbers(outcome)) == (2, [5, 4])


async def test_groups_of_the_merge_queue_are_not_tried(store: Store) -> None:
    group = MergeGroupFacts(waiting(7).repository, "main", oid("group"), (waiting(7),))
    made = Made("group:77:x", group, then(), decide_group(group, then(), NOON), NOON)
    async with store.transaction() as connection:
        await record(connection, made, new_id=uuid4())
    assert (await backtest(store)).tried == 0


async def test_each_decision_is_tried_with_the_files_that_it_was_made_under(store: Store) -> None:
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, waiting(8), NOON + DAY, then(own=True))
    assert numbers(await backtest(store)) == [7], "the repository's own file demands three, whatever is tried"


async def test_progress_is_told_and_batches_are_put_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BATCH", 2)
    for number in range(1, 6):
        await decided_at(store, waiting(number), NOON + number * DAY)
    told: list[int] = []
    outcome = await history.backtest(store, CANDIDATE, since=LONG_AGO, every=False, progress=told.append)
    assert (outcome.tried, numbers(outcome)) == (5, [5, 4, 3, 2, 1])
    assert told == [2, 2, 1]


async def test_a_candidate_that_cannot_be_used_is_refused(store: Store) -> None:
    await decided_at(store, waiting(7))
    with pytest.raises(Refusal, match="cannot be used") as refused:
        await backtest(store, Candidate("version: 1\nmoed: x\n", "new.yml"))
    assert "Did you mean `mode`?" in refused.value.remedy


# What takes more than there is for it.


def many_rules(count: int, require: str) -> Candidate:
    rules = "".join(f"  - {{id: r{number}, require: '{require}', message: m}}\n" for number in range(count))
    return Candidate(f"{LOOSER}rules:\n{rules}", "greedy.yml")


def of_many_files(number: int) -> PullRequestFacts:
    files = tuple(ChangedFile(f"src/{index}.py", FileChange.MODIFIED, 1, 0) for index in range(3_000))
    return replace(waiting(number), files=files)


async def test_what_takes_too_long_is_ended_and_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await decided_at(store, of_many_files(7))
    monkeypatch.setattr(history, "FENCE", Fence(seconds=1))
    long = many_rules(90, 'paths.filter(p, p != "").size() > 0')
    with pytest.raises(Refusal, match=r"^greedy\.yml could not be tried on the record: .* 1 second of a processor"):
        await backtest(store, long)
    assert (await backtest(store)).tried == 1, "the next one is tried by other processes"


async def test_what_takes_too_much_memory_is_ended_and_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await decided_at(store, of_many_files(7))
    monkeypatch.setattr(history, "FENCE", Fence(memory=1024**2))
    people = "".join(f"  - [person-{number}, person-{number}-admin]\n" for number in range(3_000))
    with pytest.raises(Refusal, match=r"took more than 1 MiB of memory") as refused:
        await backtest(store, Candidate(f"{LOOSER}people:\n{people}", "long.yml"))
    assert "makes its expressions simpler" in refused.value.remedy


async def test_memory_that_one_expression_does_not_get_is_an_answer_it_does_not_have(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decided_at(store, of_many_files(7))
    monkeypatch.setattr(history, "FENCE", Fence(memory=200 * 1024**2))
    [difference] = (await backtest(store, many_rules(1, 'paths.filter(p, p != "").size() > 0'))).differences
    assert "rule:r0: pass would be fail" in " ".join(difference.how)


# What each of the processes does.


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has not begun, and that goes on as it was."""
    before = {what: getrlimit(what) for what in (RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA)}
    monkeypatch.setattr(history, "_trial", None)
    monkeypatch.setattr(history, "_policies_here", {})
    monkeypatch.setattr(history, "_fence", history.FENCE)
    yield
    for what, limits in before.items():
        setrlimit(what, limits)


async def batch(store: Store) -> tuple[Sequence[history.Row], dict[str, bytes]]:
    [rows] = [each async for each in history._batches(store, LONG_AGO, every=True, most=None)]
    return rows, await history.policies(store, {row[2] for row in rows})


async def test_a_process_tries_what_it_is_given(store: Store, fresh: None) -> None:
    await decided_at(store, waiting(7), NOON)
    await decided_at(store, approved_twice(7), NOON + DAY)
    await decided_at(store, waiting(8), NOON + 2 * DAY, replace(then(own=True)))
    rows, policies = await batch(store)
    async with store.transaction() as connection:
        known = await history.texts(connection)
    assert known == {(ORGANISATIONS, "one"): FILE, (OWN, "two"): STRICTER_OWN}
    history._begin(CANDIDATE, known, Fence(memory=2**40, seconds=10_000))
    assert getrlimit(RLIMIT_DATA)[0] == 2**40
    found = history._try(rows, policies)
    assert [isinstance(each, Difference) and (each.number, each.loosens) for each in found] == [False, False, (7, True)]
    assert 10_000 < getrlimit(RLIMIT_CPU)[0] <= process_time() + 10_001
    assert len(policies) == len(history._policies_here) == 2
    assert history._try(rows, {}) == found, "policies are kept from batch to batch"


async def test_a_process_begins_before_it_tries(store: Store, fresh: None) -> None:
    await decided_at(store, waiting(7))
    rows, policies = await batch(store)
    with pytest.raises(AssertionError):
        history._try(rows, policies)
