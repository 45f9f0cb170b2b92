"""A change of high risk: its plans, its board, its window."""

from bot.sandbox.demo.bank import Bank
from bot.sandbox.demo.stage import Stage

PLANS = """\
Interest is paid out once a day from now on.

## Justification

The regulator asks for daily interest from January on.

## Implementation plan

Deploy the ledger, then the scheduler; Carol does it in twenty minutes.

## Test plan

The suite ran on the staging ledger with last year's accounts; Dana accepted it.

## Backout plan

If totals differ by a cent, Carol deploys the image before; the schema fits both.

## Impact

Customers see interest once a day; nothing else changes for them.
"""


async def play(stage: Stage, bank: Bank) -> None:
    """Refused without plans, called with them, voted on, authorised and planned for the weekend."""
    alice, bob, carol = (bank[name] for name in ("alice", "bob", "carol"))
    stage.chapter("3. A change of high risk goes to the board")

    stage.scene("Alice and Bob change how payments are scheduled. Carol approves.")
    pull = bank.payments.open_pull_request(
        by=alice,
        title="Pay out interest every day",
        files={"schedule.py": 'EVERY = "day"\n'},
        body="Interest is paid daily.",
        co_authors=[bob],
    )
    pull.review(by=carol, state="APPROVED")
    await stage.shows(pull, "action_required", "Waiting")

    stage.scene("Alice asks for the board: /request-cab")
    await stage.answers(pull.comment(by=alice, body="/request-cab"), "confused")

    stage.scene("CI tests the commit. She adds the plans to the description, and asks again.")
    ci = stage.gh.world.other_app("builds")
    for test in ("unit", "settlement-simulation"):
        bank.payments.report_as(ci, test, pull.head_sha, conclusion="success")
    pull.edit(by=alice, body=PLANS)
    await stage.answers(pull.comment(by=alice, body="/request-cab"), "+1")

    stage.scene("Bob is a member of the board, and votes: /cab approve")
    await stage.answers(pull.comment(by=bob, body="/cab approve"), "confused")

    stage.scene("Chris votes for the board, Ida signs off for IT, Rick for risk: /cab approve")
    for name in ("chris", "ida"):
        pull.comment(by=bank[name], body="/cab approve")
        await stage.running.settle()
    await stage.answers(pull.comment(by=bank["rick"], body="/cab approve"), "+1")
    await stage.shows(pull, "action_required", "Waiting: its window")

    stage.scene("Saturday comes, and its window opens. Nobody does anything.")
    [(opens,)] = await stage.running.rows("SELECT lower(planned) FROM change")
    await stage.running.until(opens)
    await stage.shows(pull, "success", "Passed: by its board")
