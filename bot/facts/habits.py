"""Who approves whose changes: kept from the decisions that passed."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from bot.decide.verdict import Decision, Verdict
from bot.facts.model import Account, Named, PullRequestFacts
from bot.policy.model import Policy

LOOKED_BACK = timedelta(days=90)

_GIVEN = """
    INSERT INTO approval_given (subject, author_id, approver_id, approver_login, at) VALUES (%s, %s, %s, %s, now())
    ON CONFLICT DO NOTHING
"""
_APPROVERS = """
    SELECT approver_id, max(approver_login), count(*) FROM approval_given
    WHERE author_id = %s AND subject <> %s AND at > now() - %s
    GROUP BY approver_id ORDER BY approver_id
"""


async def note(connection: AsyncConnection[Any], subject: str, facts: PullRequestFacts, decision: Decision) -> None:
    """Keep whose approvals counted for a change that passes."""
    if decision.verdict is not Verdict.PASS or facts.author is None:
        return
    for each in decision.reviews:
        if each.counts_for is not None and each.account is not None:
            await connection.execute(_GIVEN, [subject, facts.author.id, each.account.id, each.account.login])


async def only_approver(
    connection: AsyncConnection[Any], subject: str, author: Account | None, policy: Policy, names: Collection[Named]
) -> Account | None:
    """Who alone approved the author's other changes of the last 90 days, if there were enough of them to tell it."""
    if author is None:
        return None
    cursor = await connection.execute(_APPROVERS, [author.id, subject, LOOKED_BACK])
    rows = [(Account(number, login), count) async for number, login, count in cursor]
    people = {_person(account, policy, names) for account, _ in rows}
    enough = sum(count for _, count in rows) >= policy.reviews.pair
    return rows[0][0] if len(people) == 1 and enough else None


def _person(account: Account, policy: Policy, names: Collection[Named]) -> frozenset[str]:
    """The logins of the person that the account belongs to."""
    own = {account.login.lower(), *(each.login for each in names if each.id == account.id)}
    return frozenset(own).union(*(person for person in policy.people if own & set(person)))
