"""Facts survive being written down, and equal facts have equal bytes."""

import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
import rfc8785

from bot.facts.codec import digest, dump, load, plain
from bot.facts.model import Account, FactsIncomplete, Mergeability, MergeGroupFacts, Sibling
from tests.unit.builders import (
    BY_GITHUB,
    NOON,
    REPOSITORY,
    approved,
    commit,
    file,
    oid,
    pull_request,
    pushed,
    stranger,
    web_flow,
)

FACTS = replace(
    pull_request(
        commits=[
            commit("first", co_authors=[stranger("x@y.example", "Zoë 😀")]),
            commit(committer=web_flow(), signature=BY_GITHUB, merges="base"),
        ],
        reviews=[replace(approved("ben"), edited_at=NOON, edited_by=Account(5, "ed")), approved(None, on=None)],
        pushes=[pushed(None), pushed("ana")],
        teams={"ben": ["acme/appsec"]},
        files=[file("db/migrations/1.sql")],
        incomplete=[FactsIncomplete("the list of commits", "GitHub lists 250 of 312")],
    ),
    labels=("urgent",),
    siblings=(Sibling(8, passes=True, enforced=False, author=Account(6, "mal")),),
)


def test_facts_are_read_back_as_they_were_written() -> None:
    assert load(dump(FACTS)) == FACTS
    # Accounts are equal by number alone; the bytes have their names, too.
    assert dump(load(dump(FACTS))) == dump(FACTS)


def test_a_group_is_read_back_as_it_was_written() -> None:
    group = MergeGroupFacts(REPOSITORY, "main", oid("group"), (FACTS,), (FactsIncomplete("#9", "gone"),))
    assert load(dump(group)) == group
    assert digest(group) != digest(FACTS)


def test_the_same_moment_in_another_zone_has_the_same_digest() -> None:
    there = FACTS.created_at.astimezone(timezone(timedelta(hours=5)))
    assert digest(replace(FACTS, created_at=there)) == digest(FACTS)


def test_any_other_fact_has_another_digest() -> None:
    assert digest(replace(FACTS, draft=True)) != digest(FACTS)


def test_facts_of_an_unknown_format_are_refused() -> None:
    envelope = json.loads(dump(FACTS)) | {"format": 2}
    with pytest.raises(ValueError, match="facts of format 2; this version reads 1"):
        load(json.dumps(envelope).encode())


def test_facts_that_were_written_before_anybody_noted_who_asked_are_read() -> None:
    envelope = json.loads(dump(FACTS))
    for name in ("requesters", "waiving"):
        del envelope["facts"][name]
    assert load(json.dumps(envelope).encode()) == FACTS


def test_a_value_within_values_is_written_with_its_names() -> None:
    assert plain([FactsIncomplete("the list", "why")]) == [{"what": "the list", "why": "why"}]
    assert plain({Mergeability.UNKNOWN: Account(5, "ed")}) == {"UNKNOWN": {"id": 5, "login": "ed", "kind": "user"}}


def test_what_has_no_form_in_json_is_not_written() -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        rfc8785.dumps(plain(object()))


def test_sets_are_written_in_order() -> None:
    assert plain({"b", "a"}) == ["a", "b"]
    assert plain(frozenset({2, 1})) == [1, 2]
    assert plain(None) is None
