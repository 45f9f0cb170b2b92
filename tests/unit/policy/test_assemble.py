"""Which policy is in force: the newest files that work, and those that worked before."""

from dataclasses import replace

from bot.decide.evaluate import decide
from bot.decide.verdict import Verdict
from bot.policy.assemble import Assembled, Source, assemble, checked_under, from_defaults, lay
from bot.policy.default import default
from bot.policy.model import Application, Cab, Layer, Mode, Policy, Role, Tier
from bot.policy.schema import PolicyFile
from bot.policy.shelf import folder
from tests.unit.builders import NOON, approved, demand, pull_request

ORGANISATION = "acme/.github:countersign.yml"
REPOSITORY = "acme/ledger:.github/countersign.yml"


def source(text: str, origin: str = ORGANISATION, blob: str = "new") -> Source:
    return Source(origin, blob, text)


GOOD = source("version: 1\nmode: enforce\ntiers: {low: {approvals: [{count: 3, from: [write]}]}}", blob="old")
BROKEN = source("version: 1\nmod: enforce")


def put_together(
    organisation: Source | None = None, repository: Source | None = None, *before: Source
) -> tuple[object, ...]:
    made = assemble(
        default(),
        organisation=organisation,
        repository=repository,
        last_good={each.origin: each for each in before},
        repository_name="ledger",
    )
    return made.policy, made.good, made.broken


def test_without_files_the_built_in_policy_observes() -> None:
    rules, good, broken = put_together()
    assert rules == default()
    assert default().mode is Mode.OBSERVE
    assert default().layers == (Layer("built-in", ""),)
    assert (good, broken) == ((), ())


def test_the_built_in_policy_separates_contributors_from_approvers_in_every_tier() -> None:
    [pair] = from_defaults(PolicyFile(version=1)).separation
    assert pair.roles == {Role.CONTRIBUTOR, Role.APPROVER}
    assert pair.tiers == set(Tier)


def test_the_organisations_file_is_laid_over_it() -> None:
    made = assemble(default(), organisation=GOOD, repository=None, last_good={}, repository_name="ledger")
    assert made.policy.mode is Mode.ENFORCE
    assert made.policy.tiers[Tier.LOW].approvals == (demand(3, "write"),)
    assert made.policy.layers[-1] == Layer(ORGANISATION, "old")
    assert made.good == (GOOD,)


def test_a_broken_file_is_replaced_by_its_last_good_version_and_told() -> None:
    made = assemble(
        default(), organisation=BROKEN, repository=None, last_good={ORGANISATION: GOOD}, repository_name="ledger"
    )
    assert made.policy.tiers[Tier.LOW].approvals == (demand(3, "write"),)
    assert not made.policy.undecidable
    assert [each.message for each in made.policy.problems] == ["`mod` is not known here. Did you mean `mode`?"]
    assert (made.good, made.broken) == ((), (BROKEN,))


def test_an_organisations_file_that_never_worked_blocks() -> None:
    made = assemble(default(), organisation=BROKEN, repository=None, last_good={}, repository_name="ledger")
    assert made.policy.undecidable
    assert made.policy.mode is Mode.ENFORCE


def test_a_last_good_version_that_does_not_work_any_more_is_none() -> None:
    same = assemble(
        default(), organisation=BROKEN, repository=None, last_good={ORGANISATION: BROKEN}, repository_name="ledger"
    )
    older = source("version: 0", blob="older")
    worse = assemble(
        default(), organisation=BROKEN, repository=None, last_good={ORGANISATION: older}, repository_name="ledger"
    )
    assert same.policy.undecidable
    assert worse.policy.undecidable
    assert len(worse.policy.problems) == 1


def over(text: str, own: Source, *before: Source) -> Assembled:
    """A repository's file over that of the organisation."""
    return assemble(
        default(),
        organisation=source(text),
        repository=own,
        last_good={each.origin: each for each in before},
        repository_name="ledger",
    )


STRICT = (
    "version: 1\nmode: enforce\n"
    "tiers: {low: {approvals: [{count: 3, from: [security]}], sign_off: [security], windows: [weekend]}}"
)
WINDOW = "calendar: {windows: {weekend: {rrule: FREQ=WEEKLY, duration: 1 hour}}}"


def test_what_a_repository_demands_is_demanded_when_the_organisation_takes_its_names_away() -> None:
    own = source(STRICT, REPOSITORY)
    made = over(f"version: 1\nmode: observe\nroles: {{security: [acme/appsec]}}\n{WINDOW}", own)
    assert (made.good[-1], made.policy.mode, made.policy.problems) == (own, Mode.ENFORCE, ())
    renamed = over("version: 1\nmode: observe\nroles: {appsec: [acme/appsec]}", own, own)
    assert renamed.policy.tiers == made.policy.tiers
    assert (renamed.policy.mode, renamed.policy.unusable) == (Mode.ENFORCE, "")
    assert renamed.policy.layers[-1] == Layer(REPOSITORY, "new")
    assert renamed.broken == (own,)
    assert [each.message.partition(".")[0] for each in renamed.policy.problems] == [
        "There is no role `security`",
        "There is no role `security`",
        "There is no window `weekend`",
    ]
    entry = (Application("payments", ("ledger",), Tier.LOW),)
    decision = decide(pull_request(reviews=[approved("ben")]), replace(renamed.policy, applications=entry), NOON)
    assert "the role security (held by nobody)" in [each.label for each in decision.demands]
    assert decision.verdict is Verdict.WAIT


def test_a_version_that_names_nobody_known_counts_where_none_ever_worked() -> None:
    made = over("version: 1", source(STRICT, REPOSITORY))
    assert made.policy.tiers[Tier.LOW].sign_off == ("security",)
    assert (made.policy.mode, made.good[-1].origin) == (Mode.ENFORCE, ORGANISATION)


def test_the_last_version_that_worked_comes_before_a_newer_one_with_errors() -> None:
    older = source("version: 1\ntiers: {low: {approvals: [{count: 4, from: [security]}]}}", REPOSITORY, "old")
    made = over("version: 1", source(STRICT, REPOSITORY), older)
    assert made.policy.tiers[Tier.LOW].approvals[-1] == demand(4, "security")
    assert made.policy.layers[-1] == Layer(REPOSITORY, "old")
    nonsense = source("version: 0", REPOSITORY, "nonsense")
    again = over("version: 1", source(STRICT, REPOSITORY), nonsense)
    assert again.policy.tiers[Tier.LOW].approvals[-1] == demand(3, "security")


def test_every_place_of_a_file_may_name_what_nobody_knows_any_more() -> None:
    everywhere = (
        "version: 1\nacknowledge: [a]\nwaivers: {from: [b]}\nemergency: {from: [c]}\n"
        "tiers: {high: {cab: {quorum: 1}, verification: {from: [d], within: 1 hour}}}"
    )
    made = over("version: 1", source(everywhere, REPOSITORY))
    assert made.policy.unusable == ""
    assert made.policy.tiers[Tier.HIGH].cab == Cab(1)
    assert {each.message.partition(".")[0] for each in made.policy.problems} >= {
        *(f"There is no role `{role}`" for role in "abcd"),
        "A board needs members: name them in `roles` as `cab`",
    }


def test_a_repositorys_file_that_never_worked_blocks_with_the_organisations_rule() -> None:
    broken = source("version: 1\nmod: 1", REPOSITORY)
    made = assemble(default(), organisation=GOOD, repository=broken, last_good={}, repository_name="ledger")
    assert not made.policy.undecidable
    assert (made.policy.unusable, made.policy.mode) == (REPOSITORY, Mode.ENFORCE)
    assert made.policy.tiers[Tier.LOW].approvals == (demand(3, "write"),)
    assert [each.origin for each in made.policy.problems] == [REPOSITORY]
    assert made.broken == (broken,)


def test_a_repositorys_file_knows_the_organisations_roles() -> None:
    organisation = source("version: 1\nroles: {security: [acme/appsec]}")
    own = source("version: 1\ntiers: {low: {approvals: [{count: 1, from: [security]}]}}", REPOSITORY)
    made = assemble(default(), organisation=organisation, repository=own, last_good={}, repository_name="ledger")
    assert made.policy.problems == ()
    assert made.policy.tiers[Tier.LOW].approvals == (demand(1, "write"), demand(1, "security"))


def test_a_repositorys_file_knows_the_organisations_inventory() -> None:
    above = source(
        "version: 1\napplications:\n  - {name: ledger, repositories: [ledger], tier: low}\n"
        "  - {name: vault, repositories: [vault], tier: high, configuration_item: CI1}\n"
    )
    own = source("version: 1\nexclusive: [[ledger, CI1]]", REPOSITORY)
    rules, _, broken = put_together(above, own)
    assert isinstance(rules, Policy)
    assert (rules.exclusive, broken) == ((("ledger", "CI1"),), ())
    made = put_together(above, source("version: 1\nexclusive: [[ledger, CI2]]", REPOSITORY))
    assert made[2] == (source("version: 1\nexclusive: [[ledger, CI2]]", REPOSITORY),)


def test_what_would_loosen_is_told_at_its_line_each_time_the_policy_is_put_together() -> None:
    own = source("version: 1\nmode: observe", REPOSITORY)
    for _ in range(2):
        made = assemble(default(), organisation=GOOD, repository=own, last_good={}, repository_name="ledger")
        [problem] = made.policy.problems
        assert (problem.origin, problem.line) == (REPOSITORY, 2)
        assert problem.message == (
            "The organisation enforces its policy; a repository cannot only observe. "
            "The organisation's rule stays in force."
        )
        assert made.policy.mode is Mode.ENFORCE
        assert own in made.good


def test_the_policy_above_is_the_one_without_the_repositorys_file() -> None:
    own = source("version: 1\nroles: {owners: [acme/owners]}\npacks: [sox]", REPOSITORY)
    alone = assemble(default(), organisation=GOOD, repository=None, last_good={}, repository_name="ledger")
    made = assemble(default(), organisation=GOOD, repository=own, last_good={}, repository_name="ledger")
    assert made.above == alone.above
    assert made.above.layers[-1] == Layer(ORGANISATION, "old")
    assert "owners" in made.policy.roles
    assert "owners" not in made.above.roles


def test_above_an_organisations_file_that_never_worked_everything_is_enforced() -> None:
    made = assemble(default(), organisation=BROKEN, repository=None, last_good={}, repository_name="ledger")
    assert made.above == replace(default(), mode=Mode.ENFORCE, undecidable=True)


def test_what_is_not_let_through_has_its_key_and_its_place() -> None:
    above = assemble(default(), organisation=GOOD, repository=None, last_good={}, repository_name="ledger").above
    own = source("version: 1\nmode: observe\nobserve: [identity, separation]\n", REPOSITORY)
    _, refused = lay(checked_under(own, above), above, "ledger")
    assert sorted((each.key, each.problem.line, each.problem.column) for each in refused) == [
        ("mode", 2, 1),
        ("observe", 3, 11),
        ("observe", 3, 21),
    ]


def test_a_file_that_cannot_be_used_is_laid_over_nothing() -> None:
    assert lay(checked_under(BROKEN, default()), default(), "ledger") == (default(), ())


def test_the_built_in_policy_is_a_file_that_people_can_copy() -> None:
    assert (folder() / "default-policy.yml").is_file()
