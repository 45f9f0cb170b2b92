"""Packs of controls: what stands in ours, and what the loader refuses."""

import re
import subprocess
from pathlib import Path

import pytest

from bot.decide.catalogue import CATALOGUE
from bot.errors import Refusal
from bot.policy import packs
from bot.policy.check import explain
from bot.policy.controls import Basis, Control, Pack, Retention, Start, controls_for
from bot.policy.packs import available, check, load
from bot.policy.schema import PolicyFile
from tests.unit.decide.test_catalogue import every_finding

ROOT = Path(__file__).parents[3]
DEMANDED = ("sox", "pci-dss", "gdpr", "ccpa", "basel-iii", "mifid-ii", "dora", "nist-800-53", "iso-27001", "ffiec")
OURS = [load(name) for name in available()]
CONTROLS = [pytest.param(pack, control, id=control.id) for pack in OURS for control in pack.controls]

SMALL = """\
pack: small
title: A small standard
edition: First edition
source: {document: The standard, publisher: Its publisher}
retention: {period: 7 years, laid_down: false, because: It is long enough.}
controls:
  - {id: SMALL-1, title: Two people look, source: Article 1, basis: text, satisfied_by: [approvals]}
"""


def told(text: str, name: str = "small") -> str:
    pack, problems = check(text, "p", name)
    assert (pack is None) is bool(problems)
    return explain(problems)


def small(text: str = SMALL) -> Pack:
    pack, problems = check(text, "p", "small")
    assert pack is not None, explain(problems)
    return pack


# What stands in ours.


def test_every_demanded_pack_is_there() -> None:
    assert set(available()) == set(DEMANDED)
    assert [pack.name for pack in OURS] == sorted(DEMANDED)


def test_no_id_is_there_twice_in_any_two_packs() -> None:
    ids = [control.id for pack in OURS for control in pack.controls]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("pack", "control"), CONTROLS)
def test_a_control_belongs_to_its_pack_and_is_kept_for_a_time_with_a_reason(pack: Pack, control: Control) -> None:
    assert control.id.startswith(pack.prefix)
    assert control.retention.months >= 12
    assert control.retention.because
    assert not control.title.endswith(".")
    assert "|" not in control.title + control.source + control.remainder + control.not_judged


@pytest.mark.parametrize(("pack", "control"), CONTROLS)
def test_a_control_claims_evidence_or_disclaims_it(pack: Pack, control: Control) -> None:
    assert bool(control.satisfied_by) is not bool(control.not_judged)
    assert not (control.remainder and not control.satisfied_by)
    assert set(control.satisfied_by) <= CATALOGUE.keys()


@pytest.mark.parametrize("name", available())
def test_a_pack_promises_nothing(name: str) -> None:
    text = (ROOT / "config" / "packs" / f"{name}.yml").read_text(encoding="utf-8").lower()
    assert not re.search(r"\bcompl(?:y|ies|iant)\b|\bguarante|\bcertified\b|\bfulfil", text)


@pytest.mark.parametrize("pack", OURS, ids=lambda each: each.name)
def test_the_id_of_a_pack_is_gits(pack: Pack) -> None:
    path = ROOT / "config" / "packs" / f"{pack.name}.yml"
    answer = subprocess.run(["git", "hash-object", "--no-filters", path], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == pack.blob


def test_every_control_that_a_finding_names_is_in_a_pack_and_says_so() -> None:
    named = {(finding.id, control) for finding in every_finding() for control in finding.controls}
    assert named
    assert not {(name, control) for name, control in named if control not in controls_for(name, OURS)}


def test_where_a_pack_tightens_it_speaks_the_language_of_policies() -> None:
    tightening = {pack.name for pack in OURS if pack.policy}
    assert tightening == set(DEMANDED) - {"gdpr", "ccpa"}
    for pack in OURS:
        assert pack.policy.keys() <= PolicyFile.model_fields.keys()
        assert bool(pack.policy) is bool(pack.policy_because)
        if pack.policy:
            assert {"roles": ["contributor", "approver"]} in pack.policy["separation"]


def test_a_pair_of_a_pack_that_holds_for_a_tier_holds_for_the_higher_ones() -> None:
    """A repository that raises its tier must not leave a pair behind."""
    order = ["low", "medium", "high"]
    for pack in OURS:
        for pair in pack.policy.get("separation", ()):
            tiers = pair.get("tiers") or order
            assert tiers == order[order.index(tiers[0]) :], (pack.name, pair)


def test_a_retention_that_is_laid_down_is_that_of_a_control_whose_source_names_it() -> None:
    laid_down = {each.id: each.retention.period for pack in OURS for each in pack.controls if each.retention.laid_down}
    assert laid_down == {
        "BASEL-III-OPE25": "10 years",
        "CCPA-11-CCR-7101": "24 months",
        "PCI-DSS-10.5.1": "12 months",
    }


def test_only_records_of_an_audit_are_kept_from_its_end() -> None:
    assert {pack.name for pack in OURS if pack.retention.starts is Start.AUDIT_CONCLUDED} == {"sox"}


# What is asked of them.


def test_a_finding_gives_evidence_for_the_controls_of_every_pack_in_their_order() -> None:
    found = controls_for("objections", [load("sox"), load("pci-dss")])
    assert found == ("SOX-ITGC-CM-1", "PCI-DSS-6.2.3", "PCI-DSS-6.2.3.1")
    assert controls_for("objections:7", [load("pci-dss")]) == ("PCI-DSS-6.2.3", "PCI-DSS-6.2.3.1")


def test_without_a_pack_or_without_a_control_there_is_none() -> None:
    assert controls_for("approvals", []) == ()
    assert controls_for("draft", OURS) == ()


def test_evidence_is_what_this_version_finds() -> None:
    retention = Retention("1 year", 12, Start.RECORD, laid_down=False, because="Because.")
    one = Control("X-1", "t", "s", Basis.TEXT, retention, satisfied_by=("range", "approvals"))
    other = Control("X-2", "t", "s", Basis.TEXT, retention, satisfied_by=("range",))
    assert one.evidenced
    assert not other.evidenced


def test_a_pack_is_read_once() -> None:
    assert load("sox") is load("sox")
    assert len({hash(pack) for pack in OURS}) == len(OURS)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("pci", "Did you mean `pci-dss`?"),
        ("SOX ", "Did you mean `sox`?"),
        ("../default-policy", "Known are `basel-iii`, `ccpa`, `dora`, `ffiec`, `gdpr`, `iso-27001`, `mifid-ii`, `nist-800-53`, `pci-dss` and `sox`."),
    ],
)  # fmt: skip
def test_an_unknown_pack_is_refused_with_the_nearest_name(name: str, remedy: str) -> None:
    with pytest.raises(Refusal) as refused:
        load(name)
    assert refused.value.what == f"There is no pack `{name.strip()}`."
    assert refused.value.remedy == remedy


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "controls.md").read_text(encoding="utf-8") == packs.documentation()


def test_every_row_of_the_page_has_the_cells_of_its_table() -> None:
    width = 0
    rows = 0
    for line in packs.documentation().splitlines():
        cells = line.count("|")
        assert cells in {0, width} or not width, line
        width = cells
        rows += line.startswith("| `")
    assert rows == len(OURS) + len(CATALOGUE) + sum(len(pack.controls) for pack in OURS)


def test_the_page_names_the_evidence_of_every_control_or_why_there_is_none() -> None:
    page = packs.documentation()
    for pack in OURS:
        for control in pack.controls:
            [row] = [line for line in page.splitlines() if line.startswith(f"| `{control.id}`<br>")]
            assert all(f"`{name}`" in row for name in control.satisfied_by)
            assert control.not_judged in row
            assert control.remainder in row
            if control.satisfied_by and not control.evidenced:
                assert "| Not built into this version:" in row


# What is refused.


def test_a_sound_file_is_a_pack() -> None:
    pack = small()
    assert (pack.name, pack.edition, pack.document, pack.publisher) == (
        "small",
        "First edition",
        "The standard",
        "Its publisher",
    )
    assert (pack.note, pack.policy, pack.policy_because) == ("", {}, "")
    assert pack.retention == Retention("7 years", 84, Start.RECORD, laid_down=False, because="It is long enough.")
    assert pack.controls == (
        Control("SMALL-1", "Two people look", "Article 1", Basis.TEXT, pack.retention, satisfied_by=("approvals",)),
    )


def test_a_control_may_be_kept_longer_than_its_pack_says() -> None:
    own = "retention: {period: 18 months, starts: audit-concluded, laid_down: true, because: It says so.}}"
    [control] = small(SMALL.replace("[approvals]}", f"[approvals], {own}")).controls
    assert control.retention == Retention("18 months", 18, Start.AUDIT_CONCLUDED, laid_down=True, because="It says so.")


def test_what_a_pack_tightens_is_a_plain_mapping() -> None:
    pairs = "[{roles: [cab, deployer], tiers: [high]}, {roles: [policy-owner, contributor]}]"
    pack = small(SMALL + f"policy: {{separation: {pairs}}}\npolicy_because: Article 2 asks for it.\n")
    assert pack.policy == {
        "separation": [{"roles": ["cab", "deployer"], "tiers": ["high"]}, {"roles": ["policy-owner", "contributor"]}]
    }
    assert pack.policy_because == "Article 2 asks for it."


@pytest.mark.parametrize(
    ("was", "now", "sentence"),
    [
        (SMALL, "[1]", "p:1:1: A pack is a mapping of names to values, beginning with `pack:` and its name."),
        (SMALL, "a: [", "p:1:5: This is not valid YAML: expected the node content, but found '<stream end>'."),
        ("pack: small", "pack: large", "p:1:1: The file is that of the pack `small`, not of `large`."),
        ("edition: First edition\n", "", "p:1:1: `edition` is missing."),
        ("edition:", "editon:", "p:1:1: `edition` is missing.\np:3:1: `editon` is not known here. Did you mean `edition`?"),
        ("title: A small standard", "title: ''", "p:2:1: `title` must not be empty."),
        ("laid_down: false", "laid_down: 'no'", "p:5:30: `laid_down` must be true or false, not `no`."),
        ("7 years", "2555 days", "p:5:13: `2555 days` is not a period: a number of years or of months, such as `7 years`."),
        ("It is long enough.", "It is long", "p:5:48: `It is long` is not a sentence: it ends with a full stop."),
        ("SMALL-1", "OTHER-1", "p:7:6: `OTHER-1` must begin with `SMALL-`."),
        ("SMALL-1", "SMALL 1", "p:7:6: `SMALL 1` is not a control's id: letters and digits, joined by hyphens and dots."),
        ("basis: text", "basis: guess", "p:7:62: `basis` must be `text`, `commentary` or `practice`, not `guess`."),
        ("[approvals]", "[aprovals]", "p:7:90: There is no finding `aprovals`. Did you mean `approvals`?"),
        ("[approvals]", "[approvals, plans, approvals]", "p:7:108: `approvals` is there twice."),
        ("[approvals]", "[]", "p:7:75: `satisfied_by` has too few entries: at least 1."),
        (", satisfied_by: [approvals]", "", "p:7:5: `SMALL-1` needs either `satisfied_by` or `not_judged`; what findings leave open is `remainder`."),
        ("[approvals]", "[approvals], not_judged: It is judged elsewhere.", "p:7:5: `SMALL-1` needs either `satisfied_by` or `not_judged`; what findings leave open is `remainder`."),
        ("satisfied_by: [approvals]", "not_judged: No., remainder: All.", "p:7:92: There is a remainder only where `satisfied_by` names findings."),
        ("controls:", "policy: {separation: [{roles: [cab, cab]}]}\npolicy_because: So.\ncontrols:", "p:6:24: A role cannot be separated from itself."),
        ("controls:", "policy: {separation: [{roles: [cab, boss]}]}\npolicy_because: So.\ncontrols:", "p:6:37: An entry of `roles` must be `contributor`, `approver`, `requester`, `cab`, `merger`, `deployer`, `verifier` or `policy-owner`, not `boss`."),
        ("controls:", "policy: {tiers: {}}\npolicy_because: So.\ncontrols:", "p:6:1: `separation` is missing.\np:6:10: `tiers` is not known here. Known are `separation`."),
        ("controls:", "policy: {separation: [{roles: [cab, merger]}]}\ncontrols:", "p:6:1: `policy` and `policy_because` stand together: what is tightened, and where that is asked for."),
        ("controls:", "policy_because: So.\ncontrols:", "p:1:1: `policy` and `policy_because` stand together: what is tightened, and where that is asked for."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(was: str, now: str, sentence: str) -> None:
    assert was in SMALL
    assert told(SMALL.replace(was, now)) == sentence


def test_two_controls_of_one_id_are_told_twice() -> None:
    line = SMALL.splitlines()[-1]
    assert told(f"{SMALL}{line}\n") == (
        "p:7:6: There are 2 controls `SMALL-1`.\np:8:6: There are 2 controls `SMALL-1`."
    )


def test_a_broken_pack_of_ours_is_a_defect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "broken.yml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setattr(packs, "folder", lambda: tmp_path)
    monkeypatch.setattr(packs, "available", lambda: ("broken",))
    with pytest.raises(AssertionError, match=r"packs/broken\.yml:1:1: The file is that of the pack `broken`"):
        load("broken")
