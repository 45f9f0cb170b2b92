"""A policy as a file would say it, and what no file can say: the round trip is in tests/properties/test_written.py."""

from dataclasses import replace
from datetime import timedelta

from bot.policy.model import (
    Approvals,
    Cab,
    Calendar,
    Checks,
    Emergency,
    Evidence,
    OnTimeout,
    Policy,
    Rate,
    RiskRule,
    Tier,
    TierRules,
    Waivers,
    Window,
)
from bot.policy.written import unsaid, written
from tests.unit.builders import policy

DAILY, WEEKLY = "FREQ=DAILY;BYHOUR=2;BYMINUTE=0", "FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0"
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def with_tier(**rules: object) -> Policy:
    base = policy()
    return replace(base, tiers={**base.tiers, Tier.HIGH: replace(base.tiers[Tier.HIGH], **rules)})  # type: ignore[arg-type]


def test_what_one_file_can_say_needs_no_sentence() -> None:
    assert unsaid(policy()) == []
    assert "emergency" not in written(policy())
    assert "waivers" not in written(policy())


def test_a_second_window_or_rate_has_no_place_in_a_file() -> None:
    found = with_tier(
        windows=(("weekend",), ("nights", "noon")), deployments=(Rate(1, WEEK), Rate(2, 26 * HOUR)), heard=("write",)
    )
    assert written(found)["tiers"]["high"]["windows"] == ["weekend"]
    assert written(found)["tiers"]["high"]["deployments"] == {"at_most": 1, "per": "1 week"}
    assert unsaid(found) == [
        "`tiers.high.windows`: `nights` or `noon` is open as well.",
        "`tiers.high.deployments`: at most 2 per 26 hours as well.",
        "`tiers.high.approvals`: what `write` object to stands, too.",
    ]


def test_a_window_that_is_narrower_than_the_organisations_is_told() -> None:
    calendar = Calendar(windows=(("weekend", (Window(WEEKLY, 4 * HOUR), Window(DAILY, timedelta(minutes=90)))),))
    found = replace(policy(), calendar=calendar)
    assert written(found)["calendar"]["windows"] == {"weekend": {"rrule": WEEKLY, "duration": "4 hours"}}
    assert unsaid(found) == [f"`calendar.windows.weekend`: only while `{DAILY}` for 90 minutes is open, too."]


def test_what_a_repository_says_of_itself_is_told() -> None:
    found = replace(
        policy(),
        raised=Tier.MEDIUM,
        risk=(RiskRule("mine", Tier.HIGH, "true", own=True), RiskRule("all", Tier.HIGH, "true")),
        own_roles=("leads", "owners"),
        dropped=("acme/risk",),
    )
    assert unsaid(found) == [
        "Changes of this repository are of tier medium at least.",
        "`risk.raise`: `mine` is the repository's own.",
        "`roles`: `leads` and `owners` are the repository's own.",
        "`roles`: what `acme/risk` object to stands, though they do not approve any more.",
    ]


def test_who_is_nobody_any_more_is_told() -> None:
    assert unsaid(replace(policy(), emergency=Emergency((), quorum=2))) == ["Nobody may declare an emergency."]
    assert "waivers" not in written(replace(policy(), waivers=Waivers((), HOUR)))


def test_a_policy_that_nobody_could_read_says_so() -> None:
    [sentence] = unsaid(replace(policy(), undecidable=True))
    assert sentence.startswith("Nothing passes")


def test_nobody_is_escalated_to_where_the_board_rejects() -> None:
    board = Cab(2, timedelta(days=1), OnTimeout.REJECT, escalate_to=("risk",))
    assert written(with_tier(cab=board))["tiers"]["high"]["cab"] == {
        "quorum": 2,
        "timeout": "1 day",
        "on_timeout": "reject",
    }
    escalated = written(with_tier(cab=replace(board, on_timeout=OnTimeout.ESCALATE)))
    assert escalated["tiers"]["high"]["cab"]["escalate_to"] == ["risk"]


def test_more_approvals_than_one_demand_can_have_are_several() -> None:
    found = replace(policy(), tiers=dict.fromkeys(Tier, TierRules((Approvals(43, ("write",)),))))
    assert [each["count"] for each in written(found)["tiers"]["low"]["approvals"]] == [20, 20, 3]


def test_what_is_checked_proven_and_done_in_an_emergency_stands_as_in_a_file() -> None:
    emergency = Emergency(("on-call",), 2, timedelta(days=2), 6 * HOUR, approvals=(Approvals(1, ("on-call",)),))
    found = written(
        replace(
            policy(),
            checks=Checks(actions_pinned=True, actions_allowed=()),
            evidence=(Evidence("tests", "junit", at_most=(("failed", 0),), not_older_than=timedelta(days=1)),),
            emergency=emergency,
        )
    )
    assert found["checks"] == {"workflows": {"pin": "sha", "allow": []}}
    assert found["evidence"] == [
        {"kind": "tests", "tool": "junit", "at_most": {"failed": 0}, "stage": "merge", "not_older_than": "1 day"}
    ]
    assert found["emergency"] == {
        "from": ["on-call"],
        "ecab": {"quorum": 2},
        "review_within": "2 days",
        "lasts": "6 hours",
        "approvals": [{"count": 1, "from": ["on-call"]}],
    }
