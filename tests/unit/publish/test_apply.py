"""Effects on GitHub: each noted before it is sent, each with a receipt, whatever happens in between."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from bot.clock import utc_now
from bot.decide.verdict import Annotation
from bot.errors import Transient
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.publish.apply import Overtaken, Publisher, forget, give_way, known
from bot.publish.effects import CHECK, Button, CheckRunContent, Published
from bot.publish.plan import plan
from bot.queue import Look, Subject, Urgency, Wish, want
from bot.sandbox import SimulatedGitHub
from bot.sandbox.faults import Fault
from bot.store import Store
from bot.telemetry import Metrics
from tests.unit.publish.test_plan import remarks

KEY = "pull:1:7"
During = Callable[[], Awaitable[None]]


@dataclass
class Interrupted:
    """GitHub; something happens before it does what it is asked for the first time."""

    github: InstallationClient
    during: During | None = None

    async def _happen(self) -> None:
        during, self.during = self.during, None
        if during is not None:
            await during()

    async def post(self, path: str, body: Any, **how: Any) -> Any:
        await self._happen()
        return await self.github.post(path, body, **how)

    async def patch(self, path: str, body: Any, **how: Any) -> Any:
        await self._happen()
        return await self.github.patch(path, body, **how)

    async def get_pages(self, path: str, **how: Any) -> Any:
        return await self.github.get_pages(path, **how)

    @property
    def app_id(self) -> int:
        return self.github.app_id


@dataclass
class Desk:
    """A publisher of one look after the other, and what is there."""

    store: Store
    github: InstallationClient
    repository: Any
    head: str
    metrics: Metrics
    look: int = 0

    async def begin(self, key: str = KEY) -> int:
        """Begin another look, which takes the place of the one before."""
        subject = Subject(key, "pull", 7, {})
        async with self.store.transaction() as connection:
            await want(connection, [Wish(subject, Urgency.PERSON)])
            cursor = await connection.execute("UPDATE subject SET look = look + 1 WHERE key = %s RETURNING look", [key])
            row = await cursor.fetchone()
        assert row is not None
        self.look = row[0]
        return self.look

    def publisher(self, check: str = CHECK, *, key: str = KEY, during: During | None = None) -> Publisher:
        look = Look(Subject(key, "pull", 7, {}), self.look, 0, Urgency.PERSON)
        github = cast("InstallationClient", Interrupted(self.github, during))
        return Publisher(self.store, github, self.metrics, utc_now, look, "acme", "ledger", Lane.PERSON, check)

    def content(self, title: str = "Passed", *, notes: int = 0, key: str = KEY, **more: Any) -> CheckRunContent:
        plain = CheckRunContent(
            head=self.head,
            external_id=f"{key}@{self.head}",
            status="completed",
            conclusion="success",
            title=title,
            summary="All of it.",
            text="The text.",
            details_url="https://github.example/acme/ledger",
            annotations=remarks(notes),
        )
        return replace(plain, **more)

    def runs(self) -> list[Any]:
        return list(self.repository.check_runs)

    async def known(self, key: str = KEY) -> tuple[Published | None, bool]:
        async with self.store.transaction() as connection:
            standing = await known(connection, key, self.head)
        return standing.published, standing.in_doubt

    async def forget(self, key: str = KEY) -> None:
        async with self.store.transaction() as connection:
            await forget(connection, key, self.head)

    async def receipts(self) -> list[dict[str, Any]]:
        async with self.store.transaction() as connection:
            cursor = await connection.execute("SELECT subject, body FROM ledger_entry ORDER BY seq")
            found = [(subject, json.loads(bytes(body))["body"]) async for subject, body in cursor]
        assert all(subject == KEY for subject, _ in found)
        return [body for _, body in found]


@pytest.fixture
async def desk(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Desk:
    org = gh.organisation("acme")
    ana = org.person("ana")
    repository: Any = org.repository("ledger", files={"a": "1"}, access={ana: "write"})
    pull = repository.open_pull_request(by=ana, title="Balance", files={"a": "2"})
    found = Desk(store, client, repository, pull.head_sha, Metrics())
    await found.begin()
    return found


async def test_a_run_is_made_noted_and_told(desk: Desk) -> None:
    button = Button("Recheck", "Look again", "recheck")
    content = desk.content(buttons=(button,), record="On record.", annotations=(Annotation("a", 1, 2, "T", "M."),))
    assert await desk.known() == (None, False)
    assert await desk.publisher().publish(content) == 1
    [run] = desk.runs()
    assert (run.name, run.status, run.conclusion, run.title) == (CHECK, "completed", "success", "Passed")
    assert (run.summary, run.text) == ("All of it.", "The text.On record.")
    assert (run.external_id, run.details_url) == (content.external_id, content.details_url)
    assert run.actions == [{"label": "Recheck", "description": "Look again", "identifier": "recheck"}]
    [note] = run.annotations
    assert (note["path"], note["start_line"], note["end_line"]) == ("a", 1, 2)
    assert (note["annotation_level"], note["title"], note["message"]) == ("failure", "T", "M.")
    assert await desk.known() == (Published(run.id, content.digest, 1), False)
    [receipt] = await desk.receipts()
    assert receipt == {
        "effect": "CreateCheckRun",
        "check_run": run.id,
        "head": desk.head,
        "status": "completed",
        "conclusion": "success",
        "title": "Passed",
        "sha256": content.digest,
    }
    assert desk.metrics.registry.get_sample_value("countersign_effects_total", {"kind": "CreateCheckRun"}) == 1


async def test_what_stands_already_costs_nothing(desk: Desk) -> None:
    await desk.publisher().publish(desk.content())
    assert await desk.publisher().publish(desk.content()) == 0
    assert len(await desk.receipts()) == 1


async def test_what_differs_changes_the_same_run(desk: Desk) -> None:
    await desk.publisher().publish(desk.content())
    assert await desk.publisher().publish(desk.content("Waiting", status="in_progress", conclusion=None)) == 1
    [run] = desk.runs()
    assert run.title == "Waiting"
    assert [each["effect"] for each in await desk.receipts()] == ["CreateCheckRun", "UpdateCheckRun"]


async def test_many_annotations_are_sent_once_each_to_the_run_that_was_made(desk: Desk) -> None:
    assert await desk.publisher().publish(desk.content(notes=120)) == 3
    [run] = desk.runs()
    assert [note["start_line"] for note in run.annotations] == list(range(1, 121))
    assert await desk.known() == (Published(run.id, desk.content(notes=120).digest, 120), False)


async def test_a_run_in_progress_has_no_conclusion(desk: Desk) -> None:
    await desk.publisher().publish(desk.content(status="in_progress", conclusion=None))
    [run] = desk.runs()
    assert (run.status, run.conclusion) == ("in_progress", None)


async def test_a_remark_can_be_a_warning(desk: Desk) -> None:
    mild = Annotation("a", 1, 1, "T", "M.", failure=False)
    await desk.publisher().publish(desk.content(annotations=(mild,)))
    assert desk.runs()[0].annotations[0]["annotation_level"] == "warning"


# When an answer is lost.


@pytest.mark.parametrize("kind", ["cut-after", "truncated-json"])
async def test_a_run_whose_answer_was_lost_is_found_again(desk: Desk, gh: SimulatedGitHub, kind: str) -> None:
    gh.faults.add(Fault("POST .*check-runs", kind, times=1))
    with pytest.raises(Transient):
        await desk.publisher().publish(desk.content(notes=2))
    assert await desk.known() == (None, True)
    assert len(desk.runs()) == 1
    await desk.begin()
    await desk.publisher().publish(desk.content(notes=2))
    run = desk.runs()[-1]
    assert (run.title, [note["start_line"] for note in run.annotations]) == ("Passed", [1, 2])
    assert (await desk.known())[0] == Published(run.id, desk.content(notes=2).digest, 2)


async def test_a_found_run_that_shows_no_remarks_is_used_again(desk: Desk, gh: SimulatedGitHub) -> None:
    gh.faults.add(Fault("POST .*check-runs", "cut-after", times=1))
    with pytest.raises(Transient):
        await desk.publisher().publish(desk.content())
    await desk.begin()
    await desk.publisher().publish(desk.content("Waiting"))
    [run] = desk.runs()
    assert run.title == "Waiting"


async def test_a_run_that_was_never_made_is_made(desk: Desk, gh: SimulatedGitHub) -> None:
    gh.faults.add(Fault("POST .*check-runs", "5xx", times=10))
    with pytest.raises(Transient):
        await desk.publisher().publish(desk.content())
    gh.faults.clear()
    assert (desk.runs(), await desk.known()) == ([], (None, True))
    await desk.begin()
    assert await desk.publisher().publish(desk.content()) == 1
    assert len(desk.runs()) == 1


async def test_the_run_of_another_subject_on_the_commit_is_not_taken_for_ours(desk: Desk, gh: SimulatedGitHub) -> None:
    other = "pull:1:8"
    await desk.begin(other)
    await desk.publisher(key=other).publish(desk.content(key=other))
    await desk.begin()
    gh.faults.add(Fault("POST .*check-runs", "5xx", times=10))
    with pytest.raises(Transient):
        await desk.publisher().publish(desk.content())
    gh.faults.clear()
    await desk.begin()
    await desk.publisher().publish(desk.content("Mine"))
    assert [run.title for run in desk.runs()] == ["Passed", "Mine"]


# When another look comes first.


async def test_a_look_that_was_overtaken_sends_nothing(desk: Desk) -> None:
    late = desk.publisher()
    await desk.begin()
    with pytest.raises(Overtaken):
        await late.publish(desk.content())
    assert desk.runs() == []
    assert await desk.known() == (None, False)


async def test_a_look_that_is_overtaken_on_the_way_does_not_know_what_shows(desk: Desk) -> None:
    async def begin() -> None:
        await desk.begin()

    with pytest.raises(Overtaken):
        await desk.publisher(during=begin).publish(desk.content())
    [run] = desk.runs()
    assert await desk.known() == (Published(run.id, "", 0), False)
    assert len(await desk.receipts()) == 1, "it was done, and that is on record"
    assert await desk.publisher().publish(desk.content()) == 1
    assert len(desk.runs()) == 1


async def test_a_run_that_was_forgotten_on_the_way_is_made_anew(desk: Desk) -> None:
    """Somebody asked GitHub to run the check again while an effect was under way."""
    await desk.publisher(during=desk.forget).publish(desk.content())
    assert await desk.known() == (None, False), "no receipt makes it known again"
    await desk.publisher().publish(desk.content())
    assert len(desk.runs()) == 2


async def test_a_run_that_was_forgotten_between_two_effects_stops_the_second(desk: Desk) -> None:
    with pytest.raises(Overtaken):
        await desk.publisher(during=desk.forget).publish(desk.content(notes=60))
    [run] = desk.runs()
    assert len(run.annotations) == 50


async def test_a_run_that_is_forgotten_is_followed_by_a_new_one(desk: Desk) -> None:
    await desk.publisher().publish(desk.content())
    await desk.forget()
    assert await desk.publisher().publish(desk.content()) == 1
    assert [run.title for run in desk.runs()] == ["Passed", "Passed"]


async def test_another_process_that_published_meanwhile_is_not_overwritten(desk: Desk) -> None:
    await desk.publisher().publish(desk.content())
    [run] = desk.runs()
    late = desk.publisher()
    async with desk.store.transaction() as connection:
        await connection.execute("UPDATE published SET digest = 'x', check_run_id = 99 WHERE subject = %s", [KEY])
    published = Published(run.id, desk.content().digest, 0)
    [effect] = plan(desk.content("Other"), published)
    with pytest.raises(Overtaken):
        await late._carry_out(effect, published, run.id)
    assert run.title == "Passed"


# Several runs on one commit.


async def test_another_check_of_the_subject_is_on_record_under_a_name_of_its_own(desk: Desk) -> None:
    preview = desk.publisher("policy-preview")
    assert desk.publisher().key == KEY
    assert preview.key == f"{KEY}#policy-preview"
    await desk.publisher().publish(desk.content())
    await preview.publish(desk.content("Nothing would differ"))
    assert [(run.name, run.title) for run in desk.runs()] == [
        (CHECK, "Passed"),
        ("policy-preview", "Nothing would differ"),
    ]
    first, second = desk.runs()
    assert (await desk.known())[0] == Published(first.id, desk.content().digest, 0)
    assert (await desk.known(preview.key))[0] == Published(second.id, desk.content("Nothing would differ").digest, 0)
    assert len(await desk.receipts()) == 2, "both are told of the subject itself"
    await desk.forget()
    assert (await desk.known(preview.key))[0] is not None


async def test_a_second_check_whose_answer_was_lost_is_looked_for_under_its_name(
    desk: Desk, gh: SimulatedGitHub
) -> None:
    await desk.publisher().publish(desk.content())
    gh.faults.add(Fault("POST .*check-runs", "cut-after", times=1))
    with pytest.raises(Transient):
        await desk.publisher("policy-preview").publish(desk.content("Preview"))
    await desk.begin()
    await desk.publisher("policy-preview").publish(desk.content("Another preview"))
    assert [(run.name, run.title) for run in desk.runs()] == [(CHECK, "Passed"), ("policy-preview", "Another preview")]


async def give(desk: Desk, *others: str) -> bool:
    async with desk.store.transaction() as connection:
        return await give_way(connection, KEY, desk.head, others)


async def test_who_gives_way_lets_the_others_publish_anew(desk: Desk) -> None:
    other = "pull:1:8"
    await desk.begin(other)
    await desk.publisher(key=other).publish(desk.content(key=other))
    await desk.begin()
    await desk.publisher().publish(desk.content())
    assert await give(desk, other)
    assert await desk.known() == (None, False)
    assert await desk.known(other) == (None, False)
    await desk.begin(other)
    await desk.publisher(key=other).publish(desk.content("The last word", key=other))
    assert desk.runs()[-1].title == "The last word"
    assert len(desk.runs()) == 3


async def test_who_published_nothing_has_nothing_to_give(desk: Desk) -> None:
    other = "pull:1:8"
    await desk.begin(other)
    await desk.publisher(key=other).publish(desk.content(key=other))
    before = await desk.known(other)
    assert not await give(desk, other)
    assert await desk.known(other) == before
    await desk.begin()
    await desk.publisher().publish(desk.content())
    assert await give(desk)
    assert not await give(desk, other), "it is given once"
