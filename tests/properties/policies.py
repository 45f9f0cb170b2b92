"""Policy files and changes of every kind that can be, as hypothesis strategies: plain values, as YAML gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from bot.changes.model import Choice
from bot.facts.model import (
    Account,
    ChangedFile,
    FileChange,
    Instructed,
    Instruction,
    Mergeability,
    Named,
    Permission,
    PullRequestFacts,
    RecordFacts,
    RecordFinding,
    Review,
    ReviewState,
    Standing,
    Unauthorised,
    Waived,
)
from bot.policy.model import Role
from bot.policy.packs import control_ids
from bot.policy.shelf import available
from tests.unit.builders import NOON, account, commit, oid, pull_request, pushed

Plain = dict[str, Any]

TIERS = ("low", "medium", "high")
ROLES = ("security", "risk", "cab")
PERMISSIONS = ("write", "maintain", "admin")
PEOPLE = ("ana", "ben", "cem", "dee", "eva")
TEAMS = ("acme/appsec", "acme/risk", "acme/cab")
HOLDERS = (*TEAMS, *PEOPLE, "ana-admin")
THINGS = ("cards", "CI1", "CI2")
WINDOWS = ("weekend", "nights")
PROPERTIES = {"unit": "retail", "zone": "core"}
EXPRESSIONS = (
    "true",
    "false",
    "lines_changed > 100",
    "lines_changed < 100",
    'paths.exists(p, p.matches("^db/"))',
    'paths.all(p, p.startsWith("docs/"))',
    'files.exists(f, f.change == "deleted")',
    'change.tier == "low"',
    'change.tier != "high"',
    'change.tier == "high"',
    'application.tier == "low"',
    'application.data.exists(d, d == "personal")',
    'application.name == "two"',
    "size(people.contributors) > 1",
    "people.unknown == 0",
    'labels.exists(l, l == "urgent")',
    "1 / lines_changed > 0",
)


def listed(each: st.SearchStrategy[Any], most: int = 3, least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(each, min_size=least, max_size=most)


def some(names: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=len(names), unique=True)


def mapping(needed: Mapping[str, Any] | None = None, **maybe: st.SearchStrategy[Any]) -> st.SearchStrategy[Plain]:
    """A mapping with what is needed and some of what may be there; a trailing underscore is no part of a name."""
    return st.fixed_dictionaries(
        dict(needed or {}), optional={name.rstrip("_"): strategy for name, strategy in maybe.items()}
    )


durations = st.builds(
    lambda count, unit: f"{count} {unit}{'' if count == 1 else 's'}",
    st.integers(1, 60),
    st.sampled_from(["minute", "hour", "day", "week"]),
)
counts = st.integers(1, 4)
expressions = st.sampled_from(EXPRESSIONS)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
modes = st.sampled_from(["observe", "enforce"])
tiers = st.sampled_from(TIERS)
boards = st.one_of(
    mapping(
        {"quorum": counts},
        timeout=durations,
        on_timeout=st.sampled_from(["reject", "extend"]),
        reviews=st.booleans(),
    ),
    mapping(
        {"quorum": counts, "on_timeout": st.just("escalate")},
        timeout=durations,
        reviews=st.booleans(),
        escalate_to=some(ROLES),
    ),
)


def tier_rules(roles: tuple[str, ...]) -> st.SearchStrategy[Plain]:
    """What a change of a tier needs, of people who have one of ``roles``."""
    groups = some((*PERMISSIONS, *roles), least=1)
    return mapping(
        change=st.sampled_from(["standard", "normal"]),
        approvals=listed(mapping({"count": counts, "from": groups}), least=1),
        sign_off=some(roles),
        cab=boards,
        plans=some(("implementation", "test", "backout", "impact")),
        windows=some(WINDOWS),
        deployments=mapping({"at_most": counts, "per": durations}),
        cool_down=durations,
        verification=mapping({"from": groups, "within": durations}),
        pairing=st.booleans(),
    )


recurrences = st.sampled_from(
    ["FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", "FREQ=DAILY;BYHOUR=22;BYMINUTE=0", "FREQ=MONTHLY;BYMONTHDAY=1"]
)
windows = st.fixed_dictionaries({"rrule": recurrences, "duration": durations})
excepted = some(("standard", "normal", "emergency"))
freezes = st.one_of(
    mapping({"name": words, "rrule": recurrences, "duration": durations}, except_=excepted),
    mapping({"name": words, "from": st.just("2027-01-24"), "to": st.just("2027-02-01")}, except_=excepted),
)
checks = mapping(
    secrets=mapping(config=words),
    infrastructure=mapping(
        retention_days=st.integers(0, 4000), encryption=st.booleans(), access_logging=st.booleans(), tags=listed(words)
    ),
    dependencies=mapping(deny=listed(words), licences=mapping(deny=listed(words))),
    workflows=mapping(pin=st.just("sha"), allow=some(("actions/*", "acme/*"))),
    signatures=mapping(required=some(TIERS)),
)
evidence = mapping(
    {"kind": st.sampled_from(["sonarqube", "sarif", "dependency-check", "zap", "junit", "cyclonedx", "spdx"])},
    tool=words,
    name=words,
    require=words,
    at_most=st.dictionaries(words, st.floats(0, 10), max_size=2),
    suppressions=words,
    rules=words,
    stage=st.sampled_from(["merge", "deployment"]),
    not_older_than=durations,
)
separation = mapping(
    {"roles": some(tuple(role.value for role in Role), least=2).map(lambda pair: pair[:2])}, tiers=some(TIERS, least=1)
)
applications = mapping(
    {"name": st.sampled_from(["one", "two", "three"]), "tier": tiers},
    data=some(("personal", "cardholder")),
    configuration_item=words,
    environments=st.dictionaries(st.sampled_from(["production", "test"]), listed(words), max_size=2),
    mode=modes,
).flatmap(
    lambda entry: st.one_of(
        st.fixed_dictionaries({"repositories": some(("ledger", "led*", "other"), least=1)}),
        st.fixed_dictionaries({"properties": st.sampled_from([{"unit": "retail"}, PROPERTIES])}),
    ).map(lambda where: {**entry, **where})
)
named_people = st.lists(st.sampled_from((*PEOPLE, "ana-admin")), min_size=2, max_size=3, unique=True)


def ruled(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Plain]]:
    """A list of rules, each with an id of its own."""
    each = st.fixed_dictionaries({"id": st.sampled_from(["first", "second", "third"]), **parts})
    return st.lists(each, max_size=2, unique_by=lambda rule: str(rule["id"]))


def files(roles: st.SearchStrategy[Plain], known: tuple[str, ...]) -> st.SearchStrategy[Plain]:
    """A policy file that has no problem; ``roles`` says which roles it has, of ``known`` ones it speaks."""
    rules = tier_rules(known)
    return mapping(
        {"version": st.just(1), "roles": roles},
        mode=modes,
        observe=some(("approvals", "rule:first", "objections")),
        packs=some(available()),
        people=st.lists(named_people, max_size=1),
        applications=st.lists(applications, max_size=2, unique_by=lambda entry: str(entry["name"])),
        risk=st.fixed_dictionaries({"raise": ruled(to=tiers, when=expressions)}),
        tiers=mapping(low=rules, medium=rules, high=rules),
        reviews=mapping(
            carry_over=st.sampled_from(["never", "same-diff"]),
            member_for=durations,
            quick=durations,
            large=st.integers(1, 900),
            pair=st.integers(2, 20),
        ),
        separation=listed(separation),
        calendar=mapping(
            {"windows": st.fixed_dictionaries(dict.fromkeys(WINDOWS, windows))},
            timezone=st.sampled_from(["UTC", "Europe/London"]),
            holidays=st.sampled_from(["DE", "GB-ENG"]),
            freezes=listed(freezes, most=2),
        ),
        checks=checks,
        evidence=listed(evidence, most=2),
        emergency=mapping(
            {"from": some((*PERMISSIONS, *known), least=1)},
            ecab=st.fixed_dictionaries({"quorum": counts}),
            review_within=durations,
            lasts=durations,
            approvals=listed(mapping({"count": counts, "from": some((*PERMISSIONS, *known), least=1)}), least=1),
        ),
        waivers=mapping({"from": some(known, least=1)}, at_most=durations),
        acknowledge=some(known),
        exclusive=listed(some(THINGS, least=2), most=1),
        records=mapping(
            {"system": st.sampled_from(["register", "servicenow", "jira"])},
            carry_votes=st.just(False),
            fields=st.dictionaries(words, words, max_size=1),
            extra=st.dictionaries(words, words, max_size=1),
            values=st.dictionaries(words, st.dictionaries(words, words, max_size=1), max_size=1),
        ),
        standard=ruled(
            title=words,
            paths=st.just(["^docs/"]),
            lines=st.integers(1, 500),
            expires=st.just("2027-06-30"),
        ),
        audit=st.fixed_dictionaries({"retention_days": st.integers(1, 4000)}),
        rules=ruled(
            controls=listed(st.sampled_from(control_ids()), most=1),
            when=expressions,
            require=expressions,
            message=st.just("Do it."),
        ),
    )


holders = some(HOLDERS)
organisations = files(mapping(dict.fromkeys(ROLES, holders), ecab=holders), ROLES)
repositories = files(
    mapping({"own": holders}, security=holders, risk=holders, cab=holders, ecab=holders), (*ROLES, "own")
)


def raised_to(tier: str) -> Instruction:
    """The word of a person that a change is riskier than it looks."""
    return Instruction(Instructed.RAISE, tier, account("ana"), "It touches the ledger.", NOON)


WENT_AROUND = Unauthorised(1, "push", "Somebody pushed to main.", account("ben"), NOON - timedelta(days=1))
hour = timedelta(hours=1)
waived = st.builds(
    Waived,
    st.sampled_from(["rule:first", "inventory", "plans:test"]),
    st.just("It is known."),
    st.just(account("ana")),
    st.just(account("ben")),
    st.just(NOON - hour),
    st.sampled_from([NOON - hour, NOON + hour]),
)
said_of_record = st.builds(
    RecordFinding,
    st.sampled_from(["change-record", "plans:test", "cab"]),
    st.sampled_from(["pass", "wait", "fail"]),
    *[st.just("The record says so.")] * 4,
    st.none(),
)
records = st.builds(
    RecordFacts,
    st.just("CHG-2026-0001"),
    st.just("authorize"),
    st.lists(said_of_record, max_size=2, unique_by=lambda each: each.id).map(tuple),
)


@dataclass(frozen=True, slots=True)
class Session:
    """What happens at a board: who asks it, in an emergency or not, and what is said one after the other."""

    asked_by: Account
    emergency: bool
    votes: tuple[tuple[Account, Choice], ...]


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """A board at which most approve: by chance alone hardly anything would ever be approved."""
    first = [(who, Choice.APPROVE) for who in draw(st.permutations(PEOPLE))]
    choices = st.sampled_from([Choice.APPROVE, Choice.APPROVE, Choice.REJECT, Choice.DEFER])
    said = draw(st.lists(st.tuples(st.sampled_from(PEOPLE), choices), max_size=6))
    votes = [*said, *first] if draw(st.booleans()) else [*first, *said]
    asked_by = account(draw(st.sampled_from(["zoe", "zoe", *PEOPLE])))
    return Session(asked_by, draw(st.booleans()), tuple((account(who), choice) for who, choice in votes))


@st.composite
def changes(draw: st.DrawFn) -> PullRequestFacts:
    """A pull request to the repository ``ledger``, with reviewers of every standing."""
    reviews = [
        Review(
            number,
            account(draw(st.sampled_from(PEOPLE))),
            draw(st.sampled_from(ReviewState)),
            oid(draw(st.sampled_from(["head", "head", "head", "before"]))),
            NOON + timedelta(minutes=number),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    facts = pull_request(
        commits=[commit(author=draw(st.sampled_from(PEOPLE)))],
        pushes=draw(st.sampled_from([[pushed("ana")], []])),
        mergeability=draw(st.sampled_from([Mergeability.MERGEABLE] * 3 + [Mergeability.CONFLICTING])),
        files=draw(
            st.lists(
                st.builds(
                    ChangedFile,
                    st.sampled_from(["db/1.sql", "docs/a.md", "bot.py"]),
                    st.sampled_from([FileChange.DELETED, FileChange.ADDED]),
                    st.just(1),
                    st.just(0),
                ),
                max_size=3,
            )
        ),
    )
    return replace(
        facts,
        reviews=tuple(reviews),
        standings=tuple(
            Standing(account(login), draw(st.sampled_from(Permission)), tuple(sorted(draw(some(TEAMS)))))
            for login in PEOPLE
        ),
        additions=draw(st.sampled_from([0, 20, 400])),
        deletions=0,
        labels=tuple(draw(some(("urgent",)))),
        instructions=draw(st.one_of(st.just(()), tiers.map(lambda tier: (raised_to(tier),)))),
        properties=tuple(PROPERTIES.items()) if draw(st.booleans()) else (),
        unauthorised=(WENT_AROUND,) if draw(st.booleans()) else (),
        waivers=tuple(draw(listed(waived, most=2))),
        record=draw(st.none() | records),
        # Eva had another login when the policy was written.
        names=(Named("ana-admin", account("eva").id),) if draw(st.booleans()) else (),
    )
