"""What a change of a policy file would have meant, and who gains from it now."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.facts.model import Gain, Mergeability
from bot.queue import Subject, Urgency, Wish, want
from bot.store import Store
from bot.trial import gains
from bot.trial import preview as trial
from bot.trial.candidate import Candidate
from bot.trial.model import DAYS, Preview
from tests.unit.builders import NOON, account, approved, pull_request
from tests.unit.trial.test_candidate import FILE, LOOSER
from tests.unit.trial.test_history import DAY, approved_twice, decided_at, waiting

CANDIDATE = Candidate(LOOSER, "acme/.github:countersign.yml")
STRICTER = Candidate(FILE.replace("count: 2", "count: 3"), "acme/.github:countersign.yml")


async def open_now(store: Store, *numbers: int, finished: bool = False) -> None:
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject(f"pull:77:{each}", "pull", 7, {}), Urgency.SWEEP) for each in numbers])
        keys = [f"pull:77:{each}" for each in numbers]
        await connection.execute("UPDATE subject SET finished = %s WHERE key = ANY(%s)", [finished, keys])


async def preview(store: Store, candidate: Candidate = CANDIDATE, blob: str = "b10b") -> Preview:
    return await trial.preview(store, candidate, blob, NOON + DAY)


async def test_it_counts_what_would_differ_and_what_would_newly_pass(store: Store) -> None:
    await decided_at(store, waiting(7))
    await decided_at(store, approved_twice(8))
    conflicting = replace(waiting(9), mergeability=Mergeability.CONFLICTING)
    await decided_at(store, conflicting)
    found = await preview(store)
    assert (found.tried, found.differing, found.passing) == (3, 2, 1)
    assert [each.number for each in found.shown] == [7, 9], "what would newly pass comes first"


async def test_who_has_an_open_change_that_would_pass_gains(store: Store) -> None:
    for number in (7, 8, 9):
        await decided_at(store, waiting(number), NOON + number * timedelta(minutes=1))
    await open_now(store, 7, 9)
    await open_now(store, 8, finished=True)
    found = await preview(store)
    assert found.passing == 3
    assert found.gains == (Gain(account("ana"), "acme/ledger", 7), Gain(account("ana"), "acme/ledger", 9))


async def test_who_opens_a_change_gains_from_then_on(store: Store) -> None:
    await decided_at(store, waiting(7))
    first = await preview(store)
    assert first.gains == ()
    await open_now(store, 7)
    assert (await preview(store)).gains == (Gain(account("ana"), "acme/ledger", 7),)
    await decided_at(store, waiting(8))
    await open_now(store, 8)
    later = await preview(store)
    assert [each.number for each in later.gains] == [7, 8]
    assert replace(later, gains=()) == first, "the table stands for a while"
    await open_now(store, 7, finished=True)
    await decided_at(store, approved_twice(8), NOON + DAY)
    assert (await preview(store)).gains == (), "and as long as it is open, and stopped"


async def test_who_has_an_old_open_change_gains_however_many_are_newer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST", 1)
    monkeypatch.setattr(gains, "BATCH", 1)
    await decided_at(store, waiting(6), NOON - 1000 * DAY)
    for number in (7, 8):
        await decided_at(store, waiting(number))
    await open_now(store, 6, 7, 8)
    found = await preview(store)
    assert found.tried == 1
    assert [each.number for each in found.gains] == [6, 7, 8]


async def test_each_decision_is_tried_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    async def tried(of: Store, candidate: Candidate, missing: Sequence[str]) -> Any:
        asked.append(len(missing))
        return await once(of, candidate, missing)

    once = gains._tried
    monkeypatch.setattr(gains, "_tried", tried)
    for number in (7, 8):
        await decided_at(store, waiting(number))
        await open_now(store, number)
        await preview(store)
    assert asked == [1, 1]
    assert len((await preview(store)).gains) == 2
    await decided_at(store, pull_request(number=7), NOON + DAY)
    assert [each.number for each in (await preview(store)).gains] == [8]
    await preview(store, blob="other")
    assert asked == [1, 1, 1, 2], "another decision, and another text, is another"


async def test_of_a_repositorys_file_only_its_own_changes_are_looked_at(store: Store) -> None:
    for number, name in ((7, "Ledger"), (8, "vault")):
        await decided_at(store, waiting(number))
        about = {"owner": "Acme", "name": name}
        async with store.transaction() as connection:
            await want(connection, [Wish(Subject(f"pull:77:{number}", "pull", 7, about), Urgency.SWEEP)])
    async with store.transaction() as connection:
        own = await gains._stopped(connection, Candidate("version: 1\n", "own.yml", "acme/ledger"))
        everywhere = await gains._stopped(connection, CANDIDATE)
    assert (len(own), len(everywhere)) == (1, 2)


async def test_who_contributed_to_a_change_that_passes_anyway_gains_nothing(store: Store) -> None:
    await decided_at(store, approved_twice(7))
    await open_now(store, 7)
    assert (await preview(store)).gains == ()
    assert (await preview(store, STRICTER)).gains == ()


async def test_who_switches_a_policy_to_observing_gains_too(store: Store) -> None:
    await decided_at(store, waiting(7))
    await open_now(store, 7)
    observing = Candidate(FILE.replace("mode: enforce", "mode: observe"), "acme/.github:countersign.yml")
    found = await preview(store, observing)
    assert (found.differing, found.passing) == (1, 1)
    assert found.gains == (Gain(account("ana"), "acme/ledger", 7),)


async def test_what_was_decided_long_ago_is_left_out(store: Store) -> None:
    await decided_at(store, waiting(7), NOON + DAY - DAYS * DAY - timedelta(seconds=1))
    await decided_at(store, waiting(8), NOON + DAY - DAYS * DAY)
    assert (await preview(store)).tried == 1


async def test_not_more_is_shown_than_people_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST_SHOWN", 2)
    for number in range(3):
        await decided_at(store, waiting(number + 1))
    found = await preview(store)
    assert (found.differing, len(found.shown)) == (3, 2)


async def test_not_more_is_tried_than_it_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST", 2)
    for number in range(3):
        await decided_at(store, waiting(number + 1))
    assert (await preview(store)).tried == 2


async def test_it_stands_for_a_while_for_the_same_text(store: Store) -> None:
    await decided_at(store, waiting(7))
    await open_now(store, 7)
    first = await preview(store)
    await decided_at(store, pull_request(number=8, reviews=[approved("ben")]))
    assert await preview(store) == first, "what was remembered is what was made, in every detail"
    assert (await preview(store, blob="other")).tried == 2
    async with store.transaction() as connection:
        await connection.execute("UPDATE known SET read_at = read_at - interval '16 minutes'")
    assert (await preview(store)).tried == 2
