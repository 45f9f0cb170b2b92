"""A change that needs two approvals, from the pull request to the merge."""

from bot.sandbox.demo.bank import Bank
from bot.sandbox.demo.stage import Stage


async def play(stage: Stage, bank: Bank) -> None:
    """A co-author is refused, a push takes approvals away, and what was looked at is merged."""
    alice, bob, carol, dana = (bank[name] for name in ("alice", "bob", "carol", "dana"))
    stage.chapter("1. A change needs two people who did not write it")

    stage.scene("Alice opens a pull request; Bob is co-author of its commit, and approves it.")
    pull = bank.interest.open_pull_request(
        by=alice, title="Round interest to the cent", files={"interest.py": "RATE = 0.0310\n"}, co_authors=[bob]
    )
    pull.review(by=bob, state="APPROVED", body="Looks good to me!")
    stage.reviews(pull, await stage.shows(pull, "action_required", "Waiting"))

    stage.scene("Carol approves for the developers, Dana for application security.")
    pull.review(by=carol, state="APPROVED")
    pull.review(by=dana, state="APPROVED")
    stage.reviews(pull, await stage.shows(pull, "success", "Passed"))

    stage.scene("Alice pushes one more commit. It is not what they approved.")
    pull.push(by=alice, files={"interest.py": "RATE = 0.03100\n"})
    stage.reviews(pull, await stage.shows(pull, "action_required", "Waiting"))

    stage.scene("Bob asks what is missing: /explain approvals")
    await stage.answers(pull.comment(by=bob, body="/explain approvals"), "+1")

    stage.scene("Carol and Dana look at the new commit and approve it. Alice merges.")
    pull.review(by=carol, state="APPROVED")
    pull.review(by=dana, state="APPROVED")
    stage.reviews(pull, await stage.shows(pull, "success", "Passed"))
    pull.merge(by=alice)
    await stage.running.settle()
    stage.line(f"{bank.interest.full_name}#{pull.number} is merged.")
