"""The command line: what it says, and its exit status."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web

from bot.__main__ import main
from bot.app import listening
from tests import database


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> int:
    """The exit status of a command, run in this process."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["countersign", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def stopped_soon(after: float = 1.5) -> threading.Timer:
    """Ask this process to stop, a little later."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    return timer


def test_help_lists_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    for name in ("serve", "web", "worker", "migrate", "demo", "replay", "deliver", "policy"):
        assert name in told


def test_an_unknown_command_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "srve") == 2


def test_a_good_policy_passes_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "countersign.yml"
    file.write_text("version: 1\n")
    assert run(monkeypatch, "policy", "check", str(file)) == 0
    assert capsys.readouterr().out == f"{file}: nothing is wrong.\n"


def test_a_bad_policy_is_told_at_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "countersign.yml"
    file.write_text("version: 1\nmoed: enforce\n")
    assert run(monkeypatch, "policy", "check", str(file)) == 1
    assert capsys.readouterr().out.startswith(f"{file}:2:1: `moed` is not known here. Did you mean `mode`?")


def test_a_policy_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "policy", "check", str(tmp_path / "none.yml")) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_wrong_settings_are_told_all_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "serve", GITHUB_APP_ID="x", PORT="99999999") == 1
    told = capsys.readouterr().err
    assert "GITHUB_APP_ID" in told
    assert "PORT" in told
    assert "Traceback" not in told


def test_migrate_prepares_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], empty_database_url: str
) -> None:
    assert run(monkeypatch, "web", DATABASE_URL=database.as_url(empty_database_url), PORT="0") == 1
    assert "python -m bot migrate" in capsys.readouterr().err
    assert run(monkeypatch, "migrate", DATABASE_URL=database.as_url(empty_database_url)) == 0
    assert run(monkeypatch, "replay", str(uuid4()), DATABASE_URL=database.as_url(empty_database_url)) == 1
    assert "There is no decision" in capsys.readouterr().err


def test_serve_without_an_app_is_setup_mode_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    stopped_soon()
    assert run(monkeypatch, "serve", DATABASE_URL=database.as_url(database_url), PORT="0") == 0


def test_a_worker_without_an_app_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    assert run(monkeypatch, "worker", DATABASE_URL=database.as_url(database_url)) == 1
    assert "GITHUB_APP_ID" in capsys.readouterr().err


def test_an_address_in_use_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    async def hold() -> int:
        async with listening(web.Application(), "127.0.0.1", 0) as port:
            return await asyncio.to_thread(
                run, monkeypatch, "web", DATABASE_URL=database.as_url(database_url), PORT=str(port), HOST="127.0.0.1"
            )

    # Signal handlers belong to the main thread: this one never gets as far as to need any.
    monkeypatch.setattr("bot.app.until_told", lambda work: work(asyncio.Event()))
    assert asyncio.run(hold()) == 1
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err


def test_deliver_sends_a_signed_payload(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "ping.json"
    file.write_text(json.dumps({"zen": "Keep it logically awesome."}))
    seen: list[str] = []

    async def accept(request: web.Request) -> web.Response:
        seen.append(request.headers["X-Hub-Signature-256"])
        return web.json_response({"stored": True}, status=202 if request.headers["X-GitHub-Event"] == "ping" else 400)

    async def send(event: str, **environment: str) -> int:
        receiver = web.Application()
        receiver.router.add_post("/webhook", accept)
        async with listening(receiver, "127.0.0.1", 0) as port:
            to = f"http://127.0.0.1:{port}/webhook"
            return await asyncio.to_thread(
                run, monkeypatch, "deliver", str(file), "--event", event, "--to", to, **environment
            )

    assert asyncio.run(send("ping", GITHUB_WEBHOOK_SECRET="s")) == 0
    assert seen[0].startswith("sha256=")
    assert capsys.readouterr().out.startswith("202 ")
    assert asyncio.run(send("other", GITHUB_WEBHOOK_SECRET="s")) == 1
    monkeypatch.delenv("GITHUB_WEBHOOK_SECRET")
    assert asyncio.run(send("ping")) == 1
    assert "GITHUB_WEBHOOK_SECRET" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["not json", "[1]"])
def test_deliver_refuses_what_is_no_payload(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str
) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    assert run(monkeypatch, "deliver", str(file), "--event", "ping", GITHUB_WEBHOOK_SECRET="s") == 1
    assert "holds no payload" in capsys.readouterr().err


def test_deliver_says_when_nobody_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    to = "http://127.0.0.1:9/webhook"
    assert run(monkeypatch, "deliver", str(file), "--event", "ping", "--to", to, GITHUB_WEBHOOK_SECRET="s") == 1
    assert "does not answer" in capsys.readouterr().err


def test_the_package_is_a_program() -> None:
    told = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Usage: python -m bot")
