"""The words of a change that its board has read: what stays, and what is told of an edit."""

from dataclasses import replace

import pytest

from bot.changes import findings
from bot.changes.lifecycle import advance, noticed
from bot.changes.model import Act, Change, Contents, Event, Part, State
from bot.changes.wording import are_read, edited
from bot.policy.model import Tier
from tests.unit.changes.builders import MONDAY, approved, asked, authorised, context, done, draft, started, vote

OTHER = {"title": "Settle once a day", "description": "Everything goes to one account."}


def now_says(change: Change, title: str = OTHER["title"]) -> Contents:
    return replace(change.contents, title=title, description=OTHER["description"])


def with_part(contents: Contents) -> Part:
    return Part("pull:77:7", contents)


def test_until_somebody_has_voted_the_record_says_what_the_pull_request_says() -> None:
    for change in (draft(), asked()):
        event = noticed(change, now_says(change), context())
        assert event is not None
        assert event.act is (Act.REVISE if change.state is State.DRAFT else Act.REFRESH)
        assert done(change, event).contents.title == OTHER["title"]
        assert not are_read(change)


@pytest.mark.parametrize("change", [done(asked(), vote("ida")), approved(), authorised()])
def test_from_the_first_vote_on_it_keeps_the_words_that_were_read(change: Change) -> None:
    assert noticed(change, now_says(change), context()) is None
    tested = noticed(change, replace(now_says(change), evidence=("Tested.",)), context())
    assert tested is not None
    assert tested.act is Act.REFRESH
    assert tested.contents == replace(change.contents, evidence=("Tested.",))


def test_what_has_to_be_decided_anew_is_described_anew() -> None:
    change = done(asked(), vote("ida"))
    event = noticed(change, replace(now_says(change), diff="second"), context())
    assert event is not None
    assert event.act is Act.REVISE
    assert done(change, event).contents.title == OTHER["title"]


def test_a_vote_of_an_earlier_round_has_read_nothing_of_this_one() -> None:
    change = done(asked(), vote("ida"))
    assert not are_read(replace(change, round=2))


def test_what_was_edited_since_is_told_and_takes_nothing_back() -> None:
    change = approved()
    where = context(parts=(with_part(now_says(change)),))
    assert edited(change, where) == ("title", "description")
    [told] = [each for each in findings.said_of(change, where, (), ()) if each.id == "change-record:words"]
    assert told.verdict == "pass"
    assert told.what == (
        "The title and description of the pull request were edited after the board had begun to vote. CHG-2027-0001 keeps "
        "the words of then; `/change` shows them."
    )
    assert done(change, Event(Act.AUTHORIZE), where).contents.title == "Settle twice a day"
    one = context(parts=(with_part(now_says(change, title=change.contents.title)),))
    assert edited(change, one) == ("description",)


def test_what_was_edited_after_it_was_authorised_by_reviewers_alone_is_told_without_a_board() -> None:
    change = advance(draft(Tier.LOW), context())[-1].change
    where = context(parts=(with_part(now_says(change)),))
    [told] = [each for each in findings.said_of(change, where, (), ()) if each.id == "change-record:words"]
    assert told.what.endswith(
        "were edited after it was authorised. CHG-2027-0001 keeps the words of then; `/change` shows them."
    )
    assert not told.remedy


@pytest.mark.parametrize("change", [asked(), approved(), started()])
def test_nothing_is_told_where_nobody_has_read_other_words(change: Change) -> None:
    same, none = context(MONDAY, parts=(with_part(change.contents),)), context(parts=(Part("pull:77:7"),))
    for where in (same, none):
        assert edited(change, where) == ()
        assert "change-record:words" not in {each.id for each in findings.said_of(change, where, (), ())}
    unread = context(parts=(with_part(now_says(change)),))
    assert bool(edited(change, unread)) == (change.state is State.AUTHORIZE and bool(change.votes))
