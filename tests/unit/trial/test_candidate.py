"""Another policy, tried on what was decided: which one would have been in force, and what would differ."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.decide.verdict import Decision, Finding, Verdict
from bot.errors import Refusal
from bot.facts.model import MergeGroupFacts, PullRequestFacts, Repository
from bot.ledger.decisions import Made
from bot.policy.assemble import Source, assemble
from bot.policy.default import default
from bot.policy.model import Layer, Mode, Policy, Tier
from bot.trial.candidate import Candidate, NotKnownThen, Trial, difference
from bot.trial.model import Difference
from tests.unit.builders import NOON, account, approved, decided, demand, oid, pull_request

ORGANISATIONS, OWN = "acme/.github:countersign.yml", "acme/ledger:.github/countersign.yml"
FILE = """\
version: 1
mode: enforce
applications:
  - {name: ledger, repositories: [ledger], tier: medium}
  - {name: gold, properties: {tier: gold}, tier: low}
tiers:
  low: {approvals: [{count: 1, from: [write]}]}
  medium: {approvals: [{count: 2, from: [write]}]}
"""
LOOSER = FILE.replace("count: 2", "count: 1")
STRICTER_OWN = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [write]}]}}\n"
TEXTS = {(ORGANISATIONS, "one"): FILE, (OWN, "two"): STRICTER_OWN}
HERE = pull_request(reviews=[approved("ben")])
ELSEWHERE = replace(HERE, repository=Repository(78, "acme", "vault"))


def then(facts: PullRequestFacts = HERE, *, own: bool = False, organisation: bool = True) -> Policy:
    """The policy that was in force."""
    return assemble(
        default(),
        organisation=Source(ORGANISATIONS, "one", FILE) if organisation else None,
        repository=Source(OWN, "two", STRICTER_OWN) if own else None,
        last_good={},
        repository_name=facts.repository.name,
        properties=facts.properties,
    ).policy


def tried(
    text: str, facts: PullRequestFacts = HERE, before: Policy | None = None, repository: str | None = None
) -> Policy:
    candidate = Candidate(text, "new.yml", repository)
    return Trial(candidate, TEXTS).policy_for(facts, (before or then(facts)).layers)


def needed(found: Policy, tier: Tier = Tier.MEDIUM) -> int:
    return sum(each.count for each in found.tiers[tier].approvals)


# The policy that would have been in force.


def test_the_same_text_is_the_same_policy() -> None:
    assert replace(tried(FILE), layers=()) == replace(then(), layers=())


def test_the_organisations_file_takes_the_place_of_the_one_that_was_in_force() -> None:
    assert (needed(then()), needed(tried(LOOSER))) == (2, 1)
    assert tried(LOOSER).layers == (Layer("built-in", ""), Layer("new.yml", "candidate"))


def test_what_the_repository_says_stays_over_the_organisations_file() -> None:
    found = tried(LOOSER, before=then(own=True))
    assert demand(3, "write") in found.tiers[Tier.MEDIUM].approvals
    assert found.layers[-1] == Layer(OWN, "two")


def test_a_repositorys_file_takes_the_place_of_its_own() -> None:
    own = STRICTER_OWN.replace("count: 3", "count: 4")
    for name in ("acme/ledger", "Acme/Ledger"):
        found = tried(own, before=then(own=True), repository=name)
        assert needed(found) >= 4
        assert found.layers == (Layer("built-in", ""), Layer(ORGANISATIONS, "one"), Layer(OWN, "candidate"))


def test_a_repositorys_file_is_nothing_to_another_one() -> None:
    before = then(ELSEWHERE)
    assert tried(STRICTER_OWN, ELSEWHERE, before, "acme/ledger") == before
    assert tried(STRICTER_OWN, HERE, then(own=True), "acme/vault") == then(own=True)


def test_a_repositorys_file_cannot_loosen() -> None:
    found = tried("version: 1\nmode: observe\n", repository="acme/ledger")
    assert found.mode is Mode.ENFORCE
    assert found.problems


def test_without_an_organisations_file_a_repositorys_stands_on_the_built_in_policy() -> None:
    found = tried("version: 1\nmode: enforce\n", before=then(organisation=False), repository="acme/ledger")
    assert found.mode is Mode.ENFORCE
    assert found.layers == (Layer("built-in", ""), Layer(OWN, "candidate"))


def test_the_inventory_is_asked_with_the_properties_of_then() -> None:
    gold = replace(HERE, properties=(("tier", "gold"),), repository=Repository(78, "acme", "vault"))
    trial = Trial(Candidate(FILE, "new.yml"), TEXTS)
    assert decided(gold, trial.policy_for(gold, then(gold).layers)).tier is Tier.LOW
    assert decided(ELSEWHERE, trial.policy_for(ELSEWHERE, then(ELSEWHERE).layers)).tier is Tier.HIGH


def test_policies_that_come_out_the_same_are_made_once() -> None:
    trial = Trial(Candidate(LOOSER, "new.yml"), TEXTS)
    first = trial.policy_for(HERE, then().layers)
    assert trial.policy_for(replace(HERE, number=8), then().layers) is first
    assert trial.policy_for(HERE, then(own=True).layers) is not first
    assert trial.policy_for(ELSEWHERE, then().layers) is not first
    assert trial.policy_for(replace(HERE, properties=(("tier", "gold"),)), then().layers) is not first
    assert trial.policy_for(HERE, then(organisation=False).layers) is not first


def test_a_candidate_that_cannot_be_used_is_refused_with_its_lines() -> None:
    broken = Candidate("version: 1\nmoed: enforce\n", "new.yml")
    assert broken.problems() == "new.yml:2:1: `moed` is not known here. Did you mean `mode`?"
    assert Candidate(FILE, "new.yml").problems() == ""
    for repository in (None, "acme/ledger"):
        with pytest.raises(Refusal, match=r"new\.yml cannot be used") as refused:
            tried(broken.text, repository=repository)
        assert refused.value.remedy == "2:1: `moed` is not known here. Did you mean `mode`?"


def test_a_file_that_names_what_was_not_known_then_could_not_be_used_then() -> None:
    newer = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [auditor]}]}}\n"
    trial = Trial(Candidate(newer, "new.yml", "acme/ledger"), TEXTS)
    for _ in range(2):
        with pytest.raises(NotKnownThen) as refused:
            trial.policy_for(HERE, then().layers)
        assert refused.value.remedy.startswith("2:48: There is no role `auditor`.")
    assert trial.policy_for(ELSEWHERE, then(ELSEWHERE).layers) == then(ELSEWHERE)


# What would have been decided.


def made(facts: PullRequestFacts, rules: Policy) -> Made:
    return Made("pull:77:7", facts, rules, decided(facts, rules), NOON)


def test_what_was_decided_is_decided_again_at_the_same_moment() -> None:
    before = made(HERE, then())
    assert before.decision.verdict is Verdict.WAIT
    assert Trial(Candidate(FILE, "n"), TEXTS).decide(before) == before.decision
    assert Trial(Candidate(LOOSER, "n"), TEXTS).decide(before).verdict is Verdict.PASS


def test_groups_of_the_merge_queue_are_not_tried() -> None:
    group = MergeGroupFacts(HERE.repository, "main", oid("group"))
    with pytest.raises(AssertionError):
        Trial(Candidate(FILE, "n"), TEXTS).decide(replace(made(HERE, then()), facts=group))


# How two decisions differ.

BASE = decided(HERE)


def differs(before: Decision, after: Decision) -> Difference | None:
    return difference("pull:77:7", HERE, before, after)


def with_findings(*findings: Finding, verdict: Verdict = Verdict.PASS) -> Decision:
    return replace(BASE, findings=findings, verdict=verdict)


def of(name: str, verdict: Verdict, headline: str = "the headline") -> Finding:
    return Finding(name, verdict, headline, "What.")


def how(before: Sequence[Finding], after: Sequence[Finding]) -> tuple[str, ...]:
    found = differs(with_findings(*before), with_findings(*after))
    return () if found is None else found.how


def test_the_same_decision_in_other_words_is_no_difference() -> None:
    assert differs(BASE, BASE) is None
    reworded = with_findings(*(replace(each, what="Otherwise.", headline="h") for each in BASE.findings))
    assert differs(BASE, reworded) is None


def test_mode_and_tier_that_would_be_others_are_told() -> None:
    found = differs(BASE, replace(BASE, mode=Mode.OBSERVE, tier=Tier.HIGH))
    assert found is not None
    assert found.how == ("mode enforce would be observe", "tier low would be high")
    assert (found.subject, found.repository, found.number) == ("pull:77:7", "acme/ledger", 7)
    assert (found.was, found.would) == (Verdict.PASS, Verdict.PASS)


def test_findings_that_would_be_others_are_told_by_name() -> None:
    assert how([of("b", Verdict.PASS), of("a", Verdict.FAIL)], [of("b", Verdict.WAIT), of("a", Verdict.PASS)]) == (
        "a: fail would be pass (the headline)",
        "b: pass would be wait (the headline)",
    )


def test_a_finding_that_is_new_or_gone_is_one_that_would_have_passed() -> None:
    assert how([], [of("a", Verdict.FAIL)]) == ("a: pass would be fail (the headline)",)
    assert how([of("a", Verdict.FAIL)], []) == ("a: fail would be pass",)
    assert how([], [of("a", Verdict.PASS)]) == ()
    assert how([of("a", Verdict.PASS)], []) == ()


def test_what_would_only_be_observed_does_not_block() -> None:
    blocking = of("a", Verdict.FAIL)
    assert how([blocking], [replace(blocking, observed=True)]) == ("a: fail would be pass (the headline)",)


@pytest.mark.parametrize("was", Verdict)
@pytest.mark.parametrize("would", Verdict)
def test_it_loosens_when_what_was_stopped_would_not_be(was: Verdict, would: Verdict) -> None:
    found = differs(with_findings(of("a", was), verdict=was), with_findings(of("a", would), verdict=would))
    passes = {Verdict.PASS, Verdict.WAIVED}
    assert (found is not None and found.loosens) is (was not in passes and would in passes)


@pytest.mark.parametrize(
    ("was", "would", "loosens"),
    [
        (Mode.ENFORCE, Mode.OBSERVE, True),
        (Mode.OBSERVE, Mode.ENFORCE, False),
    ],
)
def test_who_is_only_observed_is_not_stopped(was: Mode, would: Mode, loosens: bool) -> None:
    waiting = with_findings(of("a", Verdict.WAIT), verdict=Verdict.WAIT)
    found = differs(replace(waiting, mode=was), replace(waiting, mode=would))
    assert found is not None
    assert found.loosens is loosens


def test_who_contributed_is_told_and_nobody_else() -> None:
    one_person = decided(pull_request(reviews=[approved("ben")]))
    found = differs(one_person, replace(one_person, tier=Tier.HIGH))
    assert found is not None
    assert found.contributors == (account("ana"),)
    assert [each.login for each in found.contributors] == ["ana"]
