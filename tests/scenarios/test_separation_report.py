"""The report for the access review, from what GitHub says now."""

from bot.reports.separation import Format, gather, written
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank


async def test_who_can_write_could_contribute_and_approve_and_a_team_that_is_gone_is_told(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.change()
    await countersign.settle()
    assert countersign.parts.github is not None
    report = await gather(countersign.store, countersign.parts.github)
    assert {each.person for each in report.conflicts} >= {"@alice", "@bob", "@carol", "@dana", "@erin"}
    assert {each.roles for each in report.conflicts} == {("approver", "contributor")}
    assert report.gaps == ()
    bank.ledger.revoke(bank.carol)
    bank.appsec.delete()
    report = await gather(countersign.store, countersign.parts.github)
    assert "@carol" not in {each.person for each in report.conflicts}
    assert "the team northbank/appsec" in written(report, Format.TABLE)
