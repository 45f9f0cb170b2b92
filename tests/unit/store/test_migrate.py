import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import bot
from bot.errors import Refusal
from bot.store import migrate as module
from bot.store.migrate import NEWEST, migrate

ROOT = Path(bot.__file__).parent.parent


def version(address: str) -> str | None:
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None


def test_the_newest_version_is_the_last_file() -> None:
    files = sorted((ROOT / "bot/store/migrations/versions").glob("*.py"))
    assert files[-1].name.startswith(f"{NEWEST}_")
    assert all(file.with_suffix(".sql").exists() for file in files)


def test_a_second_time_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)
    migrate(empty_database_url)
    assert version(empty_database_url) == NEWEST


def test_two_machines_at_once_are_harmless(empty_database_url: str) -> None:
    program = "import sys; from bot.store.migrate import migrate; migrate(sys.argv[1])"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database_url], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [(each.communicate(timeout=60)[1], each.returncode) for each in both] == [("", 0), ("", 0)]
    assert version(empty_database_url) == NEWEST


def test_a_database_from_the_future_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(Refusal, match=r"does not know.*0999.* newer version of Countersign"):
        migrate(database_url)


def test_a_database_that_does_not_answer_is_told() -> None:
    with pytest.raises(Refusal, match=r"does not answer: .* Check DATABASE_URL"):
        migrate("postgresql://postgres@127.0.0.1:1/postgres")


def test_a_login_that_may_not_is_told_what_to_ask_for(empty_database_url: str, login: str) -> None:
    with pytest.raises(Refusal, match=r"may not prepare the database: .*CREATE ROLE countersign_app NOLOGIN"):
        migrate(make_conninfo(empty_database_url, user=login))


def test_an_owner_who_is_no_administrator_is_enough_when_the_role_is_granted(
    empty_database_url: str, database_template: str, login: str
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(login)))
    theirs = make_conninfo(empty_database_url, user=login)
    # Without the role, its remedy is told.
    with pytest.raises(Refusal, match=r"GRANT countersign_app TO"):
        migrate(theirs)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("GRANT countersign_app TO {}").format(sql.Identifier(login)))
    migrate(theirs)
    assert version(theirs) == NEWEST
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(login)))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(login)))


def test_a_migration_that_breaks_is_a_defect_and_leaves_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE subject (key text)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty_database_url)
    with pytest.raises(psycopg.errors.UndefinedTable):
        version(empty_database_url)


def test_an_address_with_a_percent_sign_is_no_trouble(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "100%s"
    folder.mkdir()
    (folder / "migrations").symlink_to(Path(module.__file__).parent / "migrations")
    monkeypatch.setattr(module, "__file__", str(folder / "migrate.py"))
    migrate(empty_database_url)
    assert version(empty_database_url) == NEWEST
