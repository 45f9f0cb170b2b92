"""The smallest list of effects between what GitHub shows and what it should show."""

from dataclasses import replace

from bot.decide.verdict import Annotation
from bot.publish.effects import CheckRunContent, CreateCheckRun, Published, UpdateCheckRun
from bot.publish.plan import NEW_RUN, plan
from tests.unit.builders import oid

PLAIN = CheckRunContent(
    head=oid("head"),
    external_id="pull:77:7",
    status="completed",
    conclusion="success",
    title="Passed",
    summary="All of it.",
    text="",
    details_url="https://github.example/acme/ledger",
)


def remarks(count: int) -> tuple[Annotation, ...]:
    return tuple(Annotation("a.yml", line, line, "Policy", "Wrong.") for line in range(1, count + 1))


def noted(count: int) -> CheckRunContent:
    return replace(PLAIN, annotations=remarks(count))


def test_nothing_is_sent_when_nothing_changed() -> None:
    assert plan(PLAIN, Published(1, PLAIN.digest, 0)) == ()
    assert plan(noted(60), Published(1, noted(60).digest, 60)) == ()


def test_what_is_not_there_is_made() -> None:
    assert plan(PLAIN, None) == (CreateCheckRun(PLAIN),)


def test_what_changed_is_updated() -> None:
    assert plan(PLAIN, Published(1, "other", 0)) == (UpdateCheckRun(1, PLAIN),)


def test_annotations_are_sent_by_fifties() -> None:
    wanted = noted(120)
    assert plan(wanted, None) == (
        CreateCheckRun(wanted),
        UpdateCheckRun(NEW_RUN, wanted, wanted.annotations[50:100]),
        UpdateCheckRun(NEW_RUN, wanted, wanted.annotations[100:]),
    )
    assert plan(wanted, Published(1, "other", 0)) == (
        UpdateCheckRun(1, wanted, wanted.annotations[:50]),
        UpdateCheckRun(1, wanted, wanted.annotations[50:100]),
        UpdateCheckRun(1, wanted, wanted.annotations[100:]),
    )


def test_annotations_that_a_crash_left_over_are_sent_and_no_others() -> None:
    wanted = noted(120)
    assert plan(wanted, Published(1, wanted.digest, 100)) == (UpdateCheckRun(1, wanted, wanted.annotations[100:]),)


def test_annotations_cannot_be_taken_back_so_that_other_ones_get_a_new_run() -> None:
    wanted = noted(2)
    assert plan(PLAIN, Published(1, "other", 3)) == (CreateCheckRun(PLAIN),)
    assert plan(wanted, Published(1, "other", 3)) == (CreateCheckRun(wanted),)
    assert plan(wanted, Published(1, "other", 1)) == (CreateCheckRun(wanted),)


def test_a_run_of_which_nobody_knows_what_it_shows_is_updated() -> None:
    assert plan(PLAIN, Published(1, "", 0)) == (UpdateCheckRun(1, PLAIN),)


def test_the_digest_is_of_everything_that_people_see() -> None:
    assert PLAIN.digest == replace(PLAIN).digest
    for change in ({"title": "x"}, {"summary": "x"}, {"conclusion": None}, {"annotations": remarks(1)}):
        assert replace(PLAIN, **change).digest != PLAIN.digest
