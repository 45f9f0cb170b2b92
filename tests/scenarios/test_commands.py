"""What people can ask for in a comment or with a button, and what they cannot."""

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank, shown

OURS = "countersign[bot]"


def replies(pull: object) -> list[str]:
    return [comment.body for comment in pull.comments if comment.author.login == OURS]  # type: ignore[attr-defined]


async def test_help_lists_every_command(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.comment(by=bank.bob, body="/help")
    await countersign.settle()
    (reply,) = replies(pull)
    assert all(name in reply for name in ("/help", "/explain", "/recheck"))
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "+1"]


async def test_explain_says_what_is_missing(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.comment(by=bank.alice, body="/explain approvals")
    await countersign.settle()
    (reply,) = replies(pull)
    assert "The policy demands 2 approvals" in reply


async def test_recheck_is_acknowledged_by_a_reaction_alone(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.comment(by=bank.alice, body="/recheck")
    await countersign.settle()
    assert replies(pull) == []
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "+1"]


async def test_a_near_miss_gets_a_suggestion(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.comment(by=bank.alice, body="/rechek")
    await countersign.settle()
    (reply,) = replies(pull)
    assert "/recheck" in reply
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "confused"]


async def test_paths_and_talk_are_no_commands(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comments = [
        pull.comment(by=bank.alice, body=body)
        for body in ("/etc/passwd is a file", "> /help", "```\n/help\n```", "<!-- /help -->", "say `/help`")
    ]
    await countersign.settle()
    assert replies(pull) == []
    assert all(not comment.reactions for comment in comments)


async def test_an_edited_comment_changes_nothing(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.comment(by=bank.alice, body="Good morning.")
    await countersign.settle()
    comment.edit(by=bank.alice, body="/help")
    await countersign.settle()
    assert replies(pull) == []


async def test_what_was_written_counts_not_what_somebody_made_of_it(countersign: Rehearsal, bank: Bank) -> None:
    await countersign.stop_worker()
    pull = bank.change()
    comment = pull.comment(by=bank.alice, body="/explain approvals")
    comment.edit(by=bank.erin, body="/help")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    (reply,) = replies(pull)
    assert "The policy demands 2 approvals" in reply


async def test_a_stranger_is_refused_and_that_is_on_record(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    mallory = gh.stranger("mallory")
    pull = bank.change()
    comment = pull.comment(by=mallory, body="/explain")
    await countersign.settle()
    (reply,) = replies(pull)
    assert "mallory" in reply
    assert "read access" in reply
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "confused"]
    assert "person:command:refused" in [kind for kind, _ in await countersign.ledger()]


async def test_a_bot_gives_no_commands(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.comment(by=gh.bot("renovate[bot]"), body="/help")
    await countersign.settle()
    assert replies(pull) == []
    assert not comment.reactions


async def test_the_button_explain_answers_who_pressed_it(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    pull.check(CHECK).press("explain", by=bank.bob)
    await countersign.settle()
    (reply,) = replies(pull)
    assert "The policy demands 2 approvals" in reply


async def test_a_button_pressed_by_a_stranger_is_refused(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pull = bank.change()
    await countersign.settle()
    pull.check(CHECK).press("explain", by=gh.stranger("mallory"))
    await countersign.settle()
    assert "person:command:refused" in [kind for kind, _ in await countersign.ledger()]
    assert all("The policy demands" not in reply for reply in replies(pull))


async def test_re_run_makes_the_check_anew(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    first = pull.check(CHECK)
    first.rerequest(by=bank.alice)
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert pull.check(CHECK).id != first.id


async def test_several_commands_in_a_comment_get_one_answer(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.comment(by=bank.alice, body="/help\n/explain\n/recheck")
    await countersign.settle()
    assert len(replies(pull)) == 1
