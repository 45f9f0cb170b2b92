"""The end of a change's life on its pull request: merged, verified, closed; given up; or released without anybody's word."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown
from tests.scenarios.test_change_records import POLICY, Board, said, state
from tests.scenarios.test_releases import ask_and_vote, records, together

VERIFIED = POLICY.replace("roles:\n", "roles:\n  verifier: [northbank/verification]\n").replace(
    "    windows: [weekend]\n",
    "    windows: [weekend]\n    verification: {from: [verifier], within: 4 hours}\n",
)


@dataclass
class Ends:
    """The bank, with Vera, who verifies, and Zoe, who has nothing to do with it."""

    countersign: Rehearsal
    board: Board

    @classmethod
    def found(cls, countersign: Rehearsal, gh: SimulatedGitHub, policy: str = VERIFIED) -> "Ends":
        board = Board.found(gh, policy)
        org = gh.organisation("northbank")
        for name in ("vera", "zoe"):
            board.people[name] = org.person(name)
            board.vault.access[board.people[name]] = board.vault.access[board.alice]
        org.team("verification", members=[board.vera, board.carol])
        return cls(countersign, board)

    async def authorised(self) -> Any:
        """A change that its board has authorised for the weekend."""
        pull = self.board.change()
        await self.countersign.settle()
        await ask_and_vote(self.countersign, self.board, pull)
        assert await state(self.countersign, pull) == "scheduled"
        return pull

    async def to_its_window(self) -> datetime:
        """Let time pass until the planned window has been open for an hour."""
        [(start,)] = await self.countersign.rows("SELECT lower(planned) FROM change ORDER BY sequence LIMIT 1")
        assert isinstance(start, datetime)
        self.countersign.later(seconds=(start + timedelta(hours=1) - self.countersign.now()).total_seconds())
        return start

    async def say(self, pull: Any, who: str, text: str) -> str:
        """What is answered to a comment; empty when a reaction says enough."""
        before = len(said(pull))
        pull.comment(by=self.board.people[who], body=text)
        await self.countersign.settle()
        answered = said(pull)[before:]
        return answered[-1] if answered else ""

    async def merge(self, pull: Any, who: str = "rita") -> None:
        pull.merge(by=self.board.people[who])
        await self.countersign.settle()

    async def history(self) -> list[tuple[str, str | None, str]]:
        return [
            (act, login, why)
            for act, login, why in await self.countersign.rows(
                "SELECT act, actor ->> 'login', why FROM transition ORDER BY number, version"
            )
        ]


async def test_a_change_is_released_by_its_merge_and_verified_by_somebody_else(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = await ends.authorised()
    start = await ends.to_its_window()
    await ends.merge(pull)
    assert await state(countersign, pull) == "review"
    assert (await ends.history())[-2:] == [
        ("start", "rita", "The pull request was merged."),
        ("finish", "rita", "The pull request was merged."),
    ]
    for who, reason in (
        ("alice", "does not have the role verifier (northbank/verification)"),
        ("rita", "does not have the role verifier (northbank/verification)"),
    ):
        told = await ends.say(pull, who, "/change close successful It runs")
        assert reason in told
        assert "Somebody with the role verifier (northbank/verification) who neither contributed nor released" in told
    told = await ends.say(pull, "vera", "/change")
    assert "| released | " in told
    assert f"{start + timedelta(hours=1):%Y-%m-%d %H}" in told
    assert "by somebody with the role verifier (northbank/verification)" in told
    assert await ends.say(pull, "vera", "/change close with-issues Totals are right; it took an hour") == ""
    assert await state(countersign, pull) == "closed"
    told = await ends.say(pull, "alice", "/change")
    assert "| closed | as successful with issues on " in told
    assert "by `@vera`: Totals are right; it took an hour |" in told
    kinds = [kind for kind, about in await countersign.ledger() if about == "CHG-2026-0001"]
    assert kinds.count("countersign:change:moved") == 6


async def test_whoever_contributed_or_merged_never_verifies(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    ends = Ends.found(countersign, gh)
    org = gh.organisation("northbank")
    for name in ("alice", "rita"):
        org.teams["verification"].add(ends.board.people[name])
    pull = await ends.authorised()
    await ends.to_its_window()
    await ends.merge(pull)
    assert "@alice contributed to it" in await ends.say(pull, "alice", "/change close successful It runs")
    assert "@rita released it" in await ends.say(pull, "rita", "/change close successful It runs")
    assert await state(countersign, pull) == "review"
    # Carol approved it, which this policy does not keep apart from verifying it.
    assert await ends.say(pull, "carol", "/change close successful Looked at it with the tellers") == ""
    assert await state(countersign, pull) == "closed"


async def test_a_release_that_turns_out_to_be_bad_is_backed_out(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    ends = Ends.found(countersign, gh)
    pull = await ends.authorised()
    await ends.to_its_window()
    await ends.merge(pull)
    assert "A reason is needed." in await ends.say(pull, "alice", "/change close backed-out")
    told = await ends.say(pull, "zoe", "/change close backed-out I do not like it")
    assert "@zoe cannot say what came of CHG-2026-0001." in told
    assert "Who contributed, asked, approved, merged, decides, or verifies can." in told
    assert (
        await ends.say(pull, "alice", "/change close backed-out Totals differ by a cent; the image before runs") == ""
    )
    assert await state(countersign, pull) == "closed"
    assert [act for act, _, _ in (await ends.history())[-2:]] == ["back-out", "close"]
    assert "| backed out | yes |" in await ends.say(pull, "alice", "/change")


async def test_a_change_merged_outside_its_window_says_so(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    ends = Ends.found(countersign, gh)
    pull = await ends.authorised()
    await ends.merge(pull)
    assert await state(countersign, pull) == "review"
    told = await ends.say(pull, "alice", "/change")
    assert "| should have waited | The pull request was merged all the same: " in told
    assert [act for act, _, _ in (await ends.history())[-2:]] == ["overtake", "finish"]


async def test_what_nobody_authorised_is_never_taken_for_authorised(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = ends.board.change()
    await countersign.settle()
    pull.comment(by=ends.board.alice, body="/request-cab")
    await countersign.settle()
    await countersign.stop_worker()
    ends.board.vote(pull, "chris", "ida", "rick")
    pull.merge(by=ends.board.rita)
    await gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    # The last votes are read after the merge: they authorise nothing any more.
    assert await countersign.rows("SELECT state, unauthorised, authorised_at FROM change") == [
        ("cancelled", True, None)
    ]
    act, who, why = (await ends.history())[-1]
    assert (act, who) == ("bypass", "rita")
    assert why == "The pull request was merged without authorisation: CHG-2026-0001 was in state authorize."
    told = await ends.say(pull, "alice", "/change")
    assert "without authorisation, by `@rita` |" in told
    assert "nothing happens to it any more" in await ends.say(pull, "vera", "/change close successful It runs")


async def test_a_low_change_closes_by_itself_a_day_after_its_release(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = ends.board.site.open_pull_request(by=ends.board.alice, title="PAY-3 Text", files={"a": "2"})
    pull.review(by=ends.board.bob, state="APPROVED")
    pull.comment(by=ends.board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    await ends.merge(pull, "bob")
    subject = f"pull:{ends.board.site.id}:{pull.number}"
    [(due, finished)] = await countersign.rows(
        "SELECT extract(epoch FROM due - now()), finished FROM subject WHERE key = %s", subject
    )
    assert 23.9 * 3600 < due <= 24 * 3600, "the record wakes its pull request by itself"
    assert not finished
    assert "by itself on " in await ends.say(pull, "alice", "/change")
    countersign.later(hours=24)
    async with countersign.store.transaction() as connection:
        await connection.execute("UPDATE subject SET due = now() WHERE key = %s", [subject])
    await asyncio.sleep(0.3)
    await countersign.settle()
    assert await state(countersign, pull) == "closed"
    assert (await ends.history())[-1] == (
        "close",
        None,
        "Nobody has reported a problem within 24 hours of its release.",
    )
    [(finished,)] = await countersign.rows("SELECT finished FROM subject WHERE key = %s", subject)
    assert finished


async def test_a_problem_that_was_reported_in_time_counts_however_late_it_is_read(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = ends.board.site.open_pull_request(by=ends.board.alice, title="PAY-3 Text", files={"a": "2"})
    pull.review(by=ends.board.bob, state="APPROVED")
    pull.comment(by=ends.board.alice, body="/request-cab")
    await countersign.settle()
    await ends.merge(pull, "bob")
    await countersign.stop_worker()
    countersign.later(hours=20)
    pull.comment(by=ends.board.alice, body="/change close with-issues One page was in German")
    await gh.settle()
    countersign.later(hours=20)
    await countersign.start_worker()
    await countersign.settle()
    [(body,)] = await countersign.rows("SELECT convert_from(body, 'utf8')::jsonb ->> 'closure' FROM change")
    assert body == "successful with issues"


async def test_what_is_closed_without_a_merge_is_given_up_and_begins_anew(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = await ends.authorised()
    pull.close(by=ends.board.bob)
    await countersign.settle()
    assert await state(countersign, pull) == "cancelled"
    assert (await ends.history())[-1] == (
        "abandon",
        None,
        "The pull request was closed without a merge, by @bob.",
    )
    pull.reopen(by=ends.board.alice)
    await countersign.settle()
    assert await records(countersign) == [("CHG-2026-0001", "cancelled"), ("CHG-2026-0002", "draft")]
    assert shown(pull)[0] == "action_required"
    assert await countersign.rows("SELECT count(*) FROM vote WHERE number = 'CHG-2026-0002'") == [(0,)]


async def test_what_a_person_cancelled_stays_cancelled_when_it_is_opened_again(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    pull = await ends.authorised()
    await ends.say(pull, "alice", "/cancel Superseded by another one")
    pull.close(by=ends.board.alice)
    await countersign.settle()
    pull.reopen(by=ends.board.alice)
    await countersign.settle()
    assert await records(countersign) == [("CHG-2026-0001", "cancelled")]
    assert shown(pull)[0] == "failure"


async def test_where_there_are_environments_the_merge_is_not_the_release(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    deployed = VERIFIED.replace(
        "configuration_item: CI0012345}", "configuration_item: CI0012345, environments: {production: [prod]}}"
    )
    ends = Ends.found(countersign, gh, deployed)
    pull = await ends.authorised()
    await ends.to_its_window()
    await ends.merge(pull)
    assert await state(countersign, pull) == "scheduled"
    told = await ends.say(pull, "vera", "/change close successful It runs")
    assert "it is closed when it has been released" in told


async def test_a_release_is_begun_by_its_first_merge_and_ended_by_its_last(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    ends = Ends.found(countersign, gh)
    first, other = await together(countersign, ends.board)
    await ask_and_vote(countersign, ends.board, first)
    await ends.to_its_window()
    await ends.merge(first)
    assert (await records(countersign))[0] == ("CHG-2026-0001", "implement")
    assert shown(other)[0] == "success"
    await ends.merge(other, "carol")
    assert (await records(countersign))[0] == ("CHG-2026-0001", "review")
    # Carol merged one of them, and verifies none.
    assert "@carol released it" in await ends.say(first, "carol", "/change close successful It runs")
    assert await ends.say(other, "vera", "/change close successful Both run") == ""
    assert (await records(countersign))[0] == ("CHG-2026-0001", "closed")


@pytest.mark.parametrize("merger", ["alice", "rita"])
async def test_the_policy_can_keep_contributors_from_releasing(
    countersign: Rehearsal, gh: SimulatedGitHub, merger: str
) -> None:
    apart = VERIFIED.replace("separation:\n", "separation:\n  - {roles: [contributor, deployer]}\n")
    ends = Ends.found(countersign, gh, apart)
    pull = await ends.authorised()
    await ends.to_its_window()
    await ends.merge(pull, merger)
    told = await ends.say(pull, "vera", "/change")
    sentence = "@alice contributed to it, which the policy keeps apart from releasing it."
    assert (sentence.replace("@alice", "`@alice`") in told) == (merger == "alice"), told


async def test_an_emergency_is_closed_after_its_review(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    ends = Ends.found(countersign, gh)
    pull = ends.board.change()
    await countersign.settle()
    pull.comment(by=ends.board.rita, body="/emergency INC0012345 Payments are down since nine")
    await countersign.settle()
    pull.comment(by=ends.board.alice, body="/request-cab")
    await countersign.settle()
    ends.board.vote(pull, "chris")
    await countersign.settle()
    await ends.merge(pull)
    told = await ends.say(pull, "vera", "/change close successful Payments are back")
    assert "was an emergency and has not been reviewed" in told
    assert await ends.say(pull, "cleo", "/change review The cause was a lost index; it is monitored from now on.") == ""
    assert await ends.say(pull, "vera", "/change close successful Payments are back") == ""
    assert await state(countersign, pull) == "closed"
