"""Three ways around the separation of duties, and what becomes of each."""

from bot.sandbox.demo.bank import Bank
from bot.sandbox.demo.stage import Stage
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rules import Refused


async def play(stage: Stage, bank: Bank) -> PullRequest:
    """A second account, a push by an approver, a merge over the red check; answers the change that waits then."""
    stage.chapter("2. Three ways around that, and what becomes of them")
    pull = await _second_account(stage, bank)
    await _approver_pushes(stage, bank, pull)
    return await _merged_anyway(stage, bank, pull)


async def _second_account(stage: Stage, bank: Bank) -> PullRequest:
    stage.scene("Alice approves her own change, with her second account.")
    pull = bank.interest.open_pull_request(by=bank["alice"], title="Fee of two cents", files={"fees.py": "FEE = 2\n"})
    pull.review(by=bank["alice-admin"], state="APPROVED")
    stage.says(pull, await stage.shows(pull, "action_required", "Waiting"), "The approval of @alice")
    return pull


async def _approver_pushes(stage: Stage, bank: Bank, pull: PullRequest) -> None:
    stage.scene("Bob approves, pushes a change of his own to Alice's branch, and approves again.")
    pull.review(by=bank["bob"], state="APPROVED")
    await stage.running.settle()
    pull.push(by=bank["bob"], files={"fees.py": "FEE = 3\n"})
    pull.review(by=bank["bob"], state="APPROVED")
    stage.reviews(pull, await stage.shows(pull, "action_required", "Waiting"))


async def _merged_anyway(stage: Stage, bank: Bank, pull: PullRequest) -> PullRequest:
    alice, erin, rick = (bank[name] for name in ("alice", "erin", "rick"))
    stage.scene("Alice presses the button Merge.")
    try:
        pull.merge(by=alice)
        stage.must(holds=False, what="GitHub must refuse to merge what the check does not pass.")
    except Refused as refusal:
        stage.line(f"GitHub: {refusal}")

    stage.scene("Erin, an administrator, merges it over the red check. The next change shows it.")
    pull.merge(by=erin, bypass=True)
    await stage.running.settle()
    following = bank.interest.open_pull_request(by=alice, title="Fee by country", files={"country.py": "FEES = {}\n"})
    check = await stage.shows(following, "failure", "unauthorised change")
    stage.says(following, check, "Something went around the gate here.", "Somebody with the role it-manager")
    ((number,),) = await stage.running.rows("SELECT max(id) FROM unauthorised_change")

    stage.scene(f"Erin, an IT manager too, answers herself: /acknowledge {number} It was urgent for us")
    await stage.answers(following.comment(by=erin, body=f"/acknowledge {number} It was urgent for us"), "confused")

    stage.scene(f"Rick, a risk officer, answers: /acknowledge {number} Reviewed; the fee is right")
    said = following.comment(by=rick, body=f"/acknowledge {number} Reviewed; the fee is right")
    await stage.answers(said, "+1")
    await stage.shows(following, "action_required", "Waiting")
    return following
