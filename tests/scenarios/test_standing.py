"""Who may do what, read as seldom as it can be without believing what is not so any more."""

from typing import Any

from bot.sandbox import SimulatedGitHub
from bot.sandbox.http import Exchange
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, shown


def questions(gh: SimulatedGitHub) -> list[str]:
    """From now on: whose permission was asked for, and which teams' members."""
    asked: list[str] = []

    def watch(exchange: Exchange) -> None:
        sent: Any = exchange.sent
        if exchange.path.endswith("/permission"):
            asked.append(exchange.path.split("/")[-2])
        elif exchange.path == "/graphql" and "query Team(" in sent["query"]:
            asked.append(sent["variables"]["slug"])

    gh.watchers.append(watch)
    return asked


async def test_write_access_is_told_with_the_review_and_not_asked_for(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    asked = questions(gh)
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert "bob" not in asked
    assert "carol" not in asked


async def test_write_access_that_was_withdrawn_counts_no_more_at_the_next_look(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    gh.webhooks.swallow(lambda delivery: delivery.event == "member")
    bank.ledger.grant(bank.carol, "read")
    pull.label(by=bank.alice, name="later")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")


async def test_more_than_write_access_is_asked_for(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    strict = POLICY.replace(
        "medium:\n    approvals: [{count: 2, from: [write]}]", "medium:\n    approvals: [{count: 1, from: [maintain]}]"
    )
    assert strict != POLICY
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": strict})
    asked = questions(gh)
    pull = bank.approved_change()
    await countersign.settle()
    assert {"bob", "carol"} <= set(asked)
    assert shown(pull)[0] == "action_required"
    pull.review(by=bank.erin, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"


async def test_who_leaves_the_organisation_is_in_none_of_its_teams(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    vault = bank.org.repository(
        "vault", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write", bank.dana: "write"}
    )
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    # No team tells of it: only the organisation does.
    gh.webhooks.swallow(lambda delivery: delivery.event == "membership")
    bank.org.expel(bank.dana)
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
