"""The migration that says on which branch a version of a repository's policy file is in force."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.types.json import Jsonb
from sqlalchemy import NullPool, create_engine

import bot.store
from bot.facts import codec
from bot.policy import digest
from bot.policy.model import Layer
from tests.unit.builders import NOON, policy, pull_request

MIGRATIONS = Path(bot.store.__file__).parent / "migrations"
ORGANISATIONS, OWN = "acme/.github:countersign.yml", "acme/ledger:.github/countersign.yml"
HOUR = timedelta(hours=1)

_SUBJECT = "INSERT INTO subject (key, kind, installation_id, about) VALUES (%s, 'pull', 1, %s) ON CONFLICT DO NOTHING"
_FACTS = "INSERT INTO facts (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_POLICY = "INSERT INTO policy (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_DECISION = """
    INSERT INTO decision (id, subject, head, verdict, facts, policy, passes, enforced, siblings, decided_at, body)
    VALUES (%s, %s, '', 'pass', %s, %s, true, true, '{}', %s, '')
"""


def migrated(address: str, version: str) -> None:
    """Bring the database to a version that is not the newest."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def decided(connection: psycopg.Connection, number: int, base: str, own: str | None, hours: int) -> None:
    """A decision about a change to a branch whose file of the repository was ``own``."""
    facts = pull_request(number=number)
    facts = replace(facts, base=replace(facts.base, name=base))
    layers = (Layer("built-in", ""), Layer(ORGANISATIONS, "o1"), *([Layer(OWN, own)] if own else []))
    rules = replace(policy(), layers=layers)
    subject = f"pull:77:{number}"
    connection.execute(_SUBJECT, [subject, Jsonb({"owner": "Acme", "name": "Ledger", "number": number})])
    connection.execute(_FACTS, [codec.digest(facts), codec.dump(facts)])
    connection.execute(_POLICY, [digest.digest(rules), digest.dump(rules)])
    moment = NOON + hours * HOUR
    connection.execute(_DECISION, [uuid4(), subject, codec.digest(facts), digest.digest(rules), moment])


def test_each_branch_keeps_what_its_latest_change_was_decided_under(empty_database_url: str) -> None:
    migrated(empty_database_url, "0006")
    with psycopg.connect(empty_database_url) as connection:
        for origin, blob in ((ORGANISATIONS, "o1"), (OWN, "r1"), (OWN, "r2")):
            connection.execute("INSERT INTO policy_file (blob, origin, content) VALUES (%s, %s, '')", [blob, origin])
        for origin, blob in ((ORGANISATIONS, "o1"), (OWN, "r2")):
            connection.execute("INSERT INTO policy_in_force VALUES (%s, %s, %s)", [origin, blob, NOON])
        decided(connection, 1, "main", "r1", 1)
        decided(connection, 1, "main", "r2", 2)
        decided(connection, 2, "main", "r1", 1)
        decided(connection, 3, "release/7", "r1", 3)
        decided(connection, 4, "without", "r1", 1)
        decided(connection, 5, "without", None, 2)
    migrated(empty_database_url, "0007")
    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute("SELECT origin, branch, blob, refused FROM policy_in_force").fetchall()
    assert sorted(rows) == [
        (ORGANISATIONS, "", "o1", None),
        (OWN, "main", "r2", None),
        (OWN, "release/7", "r1", None),
    ]
