"""Decisions on record: with the facts and the policy that they were made from, so that they can be made again."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.decide import codec as decision_codec
from bot.decide.controls.shared_head import passes_alone
from bot.decide.evaluate import own_mode
from bot.decide.verdict import Decision
from bot.facts import codec as facts_codec
from bot.facts.codec import Facts
from bot.facts.model import MergeGroupFacts
from bot.policy import digest as policy_codec
from bot.policy.model import Mode, Policy, System

_LATEST = "SELECT id, decided_at, facts, policy, body FROM decision WHERE subject = %s ORDER BY decided_at DESC LIMIT 1"
_KEEP_FACTS = "INSERT INTO facts (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_KEEP_POLICY = "INSERT INTO policy (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_RECORD = """
    INSERT INTO decision (id, subject, head, base, verdict, facts, policy, passes, enforced, siblings, decided_at, body)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_READ = """
    SELECT decision.id, decision.subject, decision.decided_at, facts.body, policy.body, decision.body
    FROM decision
    JOIN facts ON facts.digest = decision.facts
    JOIN policy ON policy.digest = decision.policy
"""
_RECORDED = f"{_READ} WHERE decision.id = %s"
_POLICIES = """
    SELECT body FROM policy
    JOIN (SELECT policy, max(decided_at) AS at FROM decision WHERE subject = %s GROUP BY policy) AS used
        ON used.policy = policy.digest
    ORDER BY at DESC
"""
_LAST_OF = f"{_READ} WHERE decision.subject = %s ORDER BY decision.decided_at DESC LIMIT 1"


def concern(subject: str) -> str:
    """What depends on the latest decision about a subject: the group of the merge queue that it is in."""
    return f"decision:{subject}"


@dataclass(frozen=True, slots=True)
class Made:
    """A decision with what it was made from, ready to be recorded; digests are SHA-256 in hexadecimal."""

    subject: str
    facts: Facts
    policy: Policy
    decision: Decision
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of a decision. ``new`` is False when the one on record says the same about the same facts."""

    id: UUID
    decided_at: datetime
    facts: str
    policy: str
    new: bool


async def record(connection: AsyncConnection[Any], made: Made, *, new_id: UUID) -> Receipt:
    """Keep the decision under ``new_id`` unless the latest of its subject is the same in everything but its time."""
    facts, policy, body = (
        facts_codec.dump(made.facts),
        policy_codec.dump(made.policy),
        decision_codec.dump(made.decision),
    )
    facts_digest, policy_digest = sha256(facts).hexdigest(), sha256(policy).hexdigest()
    cursor = await connection.execute(_LATEST, [made.subject])
    latest = await cursor.fetchone()
    if latest and (latest[2], latest[3], bytes(latest[4])) == (facts_digest, policy_digest, body):
        return Receipt(latest[0], latest[1], facts_digest, policy_digest, new=False)
    async with connection.pipeline():
        await connection.execute(_KEEP_FACTS, [facts_digest, facts])
        await connection.execute(_KEEP_POLICY, [policy_digest, policy])
        await connection.execute(
            _RECORD,
            [
                new_id,
                made.subject,
                made.decision.head,
                _base(made.facts),
                made.decision.verdict.value,
                facts_digest,
                policy_digest,
                passes_alone(made.decision),
                _is_enforced(made),
                Jsonb(_siblings(made.facts)),
                made.at,
                body,
            ],
        )
    return Receipt(new_id, made.at, facts_digest, policy_digest, new=True)


def _base(facts: Facts) -> str:
    """The branch that it was decided for."""
    return facts.base if isinstance(facts, MergeGroupFacts) else facts.base.name


def _is_enforced(made: Made) -> bool:
    if isinstance(made.facts, MergeGroupFacts):
        return made.policy.mode is Mode.ENFORCE
    return own_mode(made.facts, made.policy) is Mode.ENFORCE


def _siblings(facts: Facts) -> dict[str, list[bool | None]]:
    if isinstance(facts, MergeGroupFacts):
        return {}
    return {str(sibling.number): [sibling.passes, sibling.enforced] for sibling in facts.siblings}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision read back from the record."""

    id: UUID
    made: Made


async def recorded(connection: AsyncConnection[Any], decision_id: UUID) -> Recorded | None:
    """The decision of that id with its facts and policy; None when there is none."""
    cursor = await connection.execute(_RECORDED, [decision_id])
    return _recorded(await cursor.fetchone())


async def last_of(connection: AsyncConnection[Any], subject: str) -> Recorded | None:
    """The latest decision about a subject; None when there is none."""
    cursor = await connection.execute(_LAST_OF, [subject])
    return _recorded(await cursor.fetchone())


async def last_policy(connection: AsyncConnection[Any], subject: str, system: System) -> Policy | None:
    """The policy of the latest decision about a subject that kept change records in that system."""
    rows = await (await connection.execute(_POLICIES, [subject])).fetchall()
    policies = (policy_codec.load(bytes(body)) for (body,) in rows)
    return next((each for each in policies if each.records.system is system), None)


def _recorded(row: tuple[Any, ...] | None) -> Recorded | None:
    if row is None:
        return None
    made = Made(
        subject=row[1],
        facts=facts_codec.load(bytes(row[3])),
        policy=policy_codec.load(bytes(row[4])),
        decision=decision_codec.load(bytes(row[5])),
        at=row[2],
    )
    return Recorded(row[0], made)
