"""What the facts say of themselves."""

from dataclasses import replace

from bot.facts.model import Branch
from tests.unit.builders import REPOSITORY, commit, oid, pull_request


def test_a_repository_is_written_as_people_write_it() -> None:
    assert REPOSITORY.full_name == "acme/ledger"


def test_lines_changed_are_those_added_and_those_deleted() -> None:
    assert pull_request().lines_changed == 4


def test_a_head_in_another_repository_or_in_one_that_is_gone_is_from_a_fork() -> None:
    here = pull_request()
    assert not here.from_fork
    assert replace(here, head=Branch("settle", oid("head"), 78)).from_fork
    assert replace(here, head=Branch("settle", oid("head"), None)).from_fork


def test_a_commit_with_two_parents_is_a_merge() -> None:
    assert commit(merges="base").is_merge
    assert not commit().is_merge
