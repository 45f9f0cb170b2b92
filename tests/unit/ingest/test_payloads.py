import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from bot.ingest.events import Ignored, InstallationChanged
from bot.ingest.inbox import raw_body
from bot.ingest.subjects import intake
from bot.ingest.translate import translate
from tests.payloads import GITHUB_COM, Example, examples
from tests.payloads.__main__ import main
from tests.payloads.fetch import FOLDER, NotFetched, fetch
from tests.unit.ingest.conftest import Endpoint


@pytest.fixture(scope="session")
def recorded() -> list[Example]:
    return list(examples())


def test_all_of_them_are_there(recorded: list[Example]) -> None:
    assert Counter(each.source for each in recorded) == {
        GITHUB_COM: 329,
        "ghes-31": 49,
        "ghes-32": 49,
        "ghes-33": 50,
        "ghes-34": 124,
        "ghes-35": 125,
    }
    assert len({each.guid for each in recorded}) == len(recorded)


async def test_each_is_accepted_by_the_real_endpoint_and_stored_once(
    endpoint: Endpoint, recorded: list[Example]
) -> None:
    async def send(each: Example) -> int:
        status, _ = await endpoint.deliver(each.payload, event=each.event, guid=each.guid)
        return status

    answers = dict(zip((each.guid for each in recorded), await asyncio.gather(*map(send, recorded)), strict=True))
    assert {guid: answer for guid, answer in answers.items() if answer != 202 and "-ping-" not in guid} == {}
    assert {answer for guid, answer in answers.items() if "-ping-" in guid} == {200}
    assert endpoint.inbox.commits < len(recorded)

    again = await asyncio.gather(*map(send, recorded))
    assert set(again) == {200}
    assert await endpoint.one("SELECT count(*) FROM delivery") == len(recorded)
    kept = dict(await endpoint.rows("SELECT guid, body FROM delivery"))
    assert all(json.loads(raw_body(kept[each.guid])) == each.payload for each in recorded)
    assert sum(map(len, kept.values())) < sum(len(json.dumps(each.payload)) for each in recorded) / 3


def test_each_is_an_event_or_is_ignored_for_a_reason(recorded: list[Example]) -> None:
    reasons = Counter[str]()
    kinds = Counter[str]()
    for each in recorded:
        event = translate(each.event, each.payload)
        asked = intake(event)
        match event:
            case Ignored(reason):
                assert asked.ignored == reason
                reasons[reason] += 1
            case _:
                kinds[type(event).__name__] += 1
    assert set(reasons) <= {"not-watched", "incomplete", "comment-edited", "no-command", "not-a-person"}
    assert {"PullRequestTouched", "Pushed", InstallationChanged.__name__} <= set(kinds)


def program(folder: Path, text: str) -> Path:
    path = folder / "npm"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_is_there_already_is_not_fetched_again(tmp_path: Path) -> None:
    assert fetch(npm=tmp_path / "no npm at all").parent == FOLDER


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    npm = program(tmp_path, "echo 'npm error code ENOTFOUND' >&2; echo 'npm error syscall getaddrinfo' >&2; exit 1")
    with pytest.raises(
        NotFetched, match=r"could not be fetched with npm \(it said ENOTFOUND\); connect .* run"
    ) as told:
        fetch(tmp_path, npm)
    assert "\n" not in str(told.value)


def test_without_npm_or_its_answer_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="No such file"):
        fetch(tmp_path, tmp_path / "npm")
    with pytest.raises(NotFetched, match="it ended with 0"):
        fetch(tmp_path, program(tmp_path, "exit 0"))


def test_another_package_is_not_taken(tmp_path: Path) -> None:
    npm = program(tmp_path, "echo forged > package.tgz")
    with pytest.raises(NotFetched, match="checksum"):
        fetch(tmp_path, npm)
    assert not list(tmp_path.glob("**/*.tgz"))


def test_a_spoilt_archive_is_fetched_again(tmp_path: Path) -> None:
    genuine = fetch()
    (tmp_path / genuine.name).write_bytes(b"half of it")
    found = fetch(tmp_path, program(tmp_path, f"cp '{genuine}' ."))
    assert found.read_bytes() == genuine.read_bytes()


def test_the_command_answers_with_its_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main() == 0

    def fails() -> None:
        raise NotFetched("One sentence.")

    monkeypatch.setattr("tests.payloads.__main__.fetch", fails)
    assert main() == 1
    assert capsys.readouterr().err == "One sentence.\n"
