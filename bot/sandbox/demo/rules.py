"""A change of the policy itself: what it would mean, and who may not approve it."""

from bot.publish.preview import NAME
from bot.sandbox.demo.bank import ONE_IS_ENOUGH, Bank
from bot.sandbox.demo.stage import Stage
from bot.sandbox.pulls import PullRequest


async def play(stage: Stage, bank: Bank, waiting: PullRequest) -> None:
    """Looser rules are held against what was decided; whose own change would pass with them cannot approve them."""
    stage.chapter("4. The rules are changed like everything else")
    stage.scene("Carol approves Alice's change that waits.")
    waiting.review(by=bank["carol"], state="APPROVED")
    await stage.shows(waiting, "action_required", "Waiting")
    stage.scene("Bob proposes to do without application security, and Alice approves that.")
    pull = bank.policy.open_pull_request(
        by=bank["bob"], title="One approval is enough", files={"countersign.yml": ONE_IS_ENOUGH}
    )
    pull.review(by=bank["alice"], state="APPROVED")
    check = await stage.shows(pull, "action_required", "Waiting")
    preview = stage.check(pull, f"{NAME} (organisation)")
    stage.must("would differ" in (preview.title or ""), f"{pull.url} must say what would differ.")
    stage.reviews(pull, check)
