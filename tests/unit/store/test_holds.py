"""Holds of before belong to who held, when it is their own that each lifts."""

import psycopg
from psycopg.types.json import Jsonb

from bot.changes.codec import told
from bot.store.migrate import migrate
from tests.unit.builders import account
from tests.unit.store.test_policy_in_force import migrated

_REQUEST = """
    INSERT INTO request (subject, origin, actor_id, actor_login, actor_kind, text, asked_at)
    VALUES ('pull:77:7', gen_random_uuid()::text, 6, 'dana', 'user', '/x', now()) RETURNING id
"""
_SAID = """
    INSERT INTO instruction (subject, kind, value, by, reason, request, at) VALUES (%s, %s, %s, %s, 'So.', %s, now())
"""


def said(connection: psycopg.Connection, pull: int, kind: str, value: str, who: str) -> None:
    row = connection.execute(_REQUEST).fetchone()
    assert row is not None
    connection.execute(_SAID, [f"pull:77:{pull}", kind, value, Jsonb(told(account(who))), row[0]])


def test_what_was_lifted_stays_lifted_and_what_stands_is_its_holders(empty_database_url: str) -> None:
    migrated(empty_database_url, "0008")
    with psycopg.connect(empty_database_url) as connection:
        said(connection, 7, "hold", "held", "ana")
        said(connection, 7, "hold", "", "bo")
        said(connection, 8, "hold", "held", "ana")
        said(connection, 8, "raise", "high", "bo")
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute("SELECT subject, kind, about FROM instruction ORDER BY id").fetchall()
    ana = account("ana").id
    assert rows == [
        ("pull:77:7", "hold", ana),
        ("pull:77:7", "hold", ana),
        ("pull:77:8", "hold", ana),
        ("pull:77:8", "raise", None),
    ]
