"""Standing conflicts: who could hold two roles at all that the policy keeps apart in a change.

It is the report for the access review. In a single change nobody holds both, whatever they could: that is held on each
change. Here stands what the memberships would let through if it were not (static separation of duty, ANSI INCITS 359).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from bot.decide.approvals import Roles
from bot.facts import codec, standing
from bot.facts.model import Account, Permission, PullRequestFacts, Standing
from bot.facts.people import People
from bot.github.client import GitHub, InstallationClient, route
from bot.github.lanes import Lane
from bot.policy import digest as policies
from bot.policy.model import Policy, Role, Separation
from bot.queue.model import Urgency
from bot.reports.form import Format, as_json, objects, sheet, table
from bot.store import Store

LANE = Lane(Urgency.SWEEP)
_PERMISSIONS = {permission.name.lower(): permission for permission in Permission}
_LATEST = """
    SELECT DISTINCT ON (split_part(decision.subject, ':', 2))
        subject.installation_id, facts.body, policy.body
    FROM decision
    JOIN subject ON subject.key = decision.subject
    JOIN facts ON facts.digest = decision.facts
    JOIN policy ON policy.digest = decision.policy
    WHERE decision.subject LIKE 'pull:%'
    ORDER BY split_part(decision.subject, ':', 2), decision.decided_at DESC
"""


@dataclass(frozen=True, slots=True)
class StandingConflict:
    """A person who could hold two roles that are kept apart, and through what."""

    repository: str
    person: str
    roles: tuple[str, str]
    through: tuple[str, str]
    tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read: what is not known is no clean bill."""

    repository: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every standing conflict that was found, and what could not be looked at."""

    conflicts: tuple[StandingConflict, ...]
    gaps: tuple[Gap, ...]


def conflicts(facts: PullRequestFacts, policy: Policy, able: Sequence[Standing]) -> tuple[StandingConflict, ...]:
    """Who of those ``able`` to do anything in the repository could hold two separated roles there. Pure."""
    roles, nobody = Roles(facts.names, policy), People({}, {})
    persons: dict[frozenset[int], list[Standing]] = {}
    for each in sorted(able, key=lambda one: one.account):
        person = nobody.named(each.account, policy.people, facts.names)
        known = next((other for other in persons if other & person), person)
        persons.setdefault(known, []).append(each)
    found = []
    for standings in persons.values():
        could = {role: way for role in Role if (way := _way(role, standings, roles))}
        name = ", ".join(f"@{each.account.login}" for each in standings)
        for pair in policy.separation:
            first, second = sorted(pair.roles)
            if first in could and second in could:
                found.append(
                    StandingConflict(
                        facts.repository.full_name,
                        name,
                        (first.value, second.value),
                        (could[first], could[second]),
                        _tiers(pair),
                    )
                )
    return tuple(sorted(found, key=lambda each: (each.repository, each.roles, each.person)))


def _tiers(pair: Separation) -> tuple[str, ...]:
    return tuple(tier.label for tier in sorted(pair.tiers))


def _way(role: Role, standings: Iterable[Standing], roles: Roles) -> str:
    """Through what somebody could hold ``role``; empty when they could not."""
    groups = groups_of(role, roles.policy)
    for each in standings:
        held = next((group for group in groups if roles.holds(each, group)), None)
        if held is not None:
            through = "write access" if held == "write" else f"the role {held}" if held in roles.policy.roles else held
            return f"{through} of @{each.account.login}"
    return ""


def groups_of(role: Role, policy: Policy) -> tuple[str, ...]:
    """The groups whose members could hold a role: permissions in the repository, and roles of the policy.

    Whoever can write can push, open, ask, merge and start a deployment.
    """
    rules = policy.tiers.values()
    match role:
        case Role.AUTHOR | Role.CONTRIBUTOR | Role.REQUESTER | Role.MERGER | Role.DEPLOYER:
            return ("write",)
        case Role.APPROVER:
            demands = (*(demand for each in rules for demand in each.approvals), *policy.emergency.approvals)
            return tuple(dict.fromkeys(group for demand in demands for group in demand.groups))
        case Role.CAB:
            return tuple(group for group in ("cab",) if group in policy.roles)
        case Role.VERIFIER:
            return tuple(
                dict.fromkeys(group for each in rules if each.verification for group in each.verification.groups)
            )
        case Role.POLICY_OWNER:
            return ("admin",)
        case _:
            assert_never(role)


async def gather(store: Store, github: GitHub) -> Report:
    """The report about every repository that a decision was ever made for, from what GitHub says now.

    Raises:
        Transient: GitHub could not answer.

    """
    async with store.transaction() as connection:
        rows = await (await connection.execute(_LATEST)).fetchall()
    found: list[StandingConflict] = []
    gaps: list[Gap] = []
    teams: dict[str, frozenset[int] | None] = {}
    for installation_id, facts_body, policy_body in rows:
        facts, policy = codec.load(bytes(facts_body)), policies.load(bytes(policy_body))
        if not isinstance(facts, PullRequestFacts):
            continue
        client = github.installation(installation_id)
        teams |= await standing.members(store, client, policy.teams - teams.keys(), LANE)
        able = await _able(client, facts, {team: teams[team] or frozenset() for team in policy.teams})
        name = facts.repository.full_name
        gaps += [Gap(name, f"the team {team}") for team in sorted(policy.teams) if teams[team] is None]
        gaps += [Gap(name, "its collaborators")] if able is None else []
        found += conflicts(facts, policy, able or ())
    return Report(tuple(found), tuple(gaps))


async def _able(
    github: InstallationClient, facts: PullRequestFacts, teams: Mapping[str, frozenset[int]]
) -> list[Standing] | None:
    """Everybody with any access to the repository; None when the list cannot be read whole."""
    path = route("/repos/{owner}/{repo}/collaborators", owner=facts.repository.owner, repo=facts.repository.name)
    page = await github.get_pages(path, key=None, lane=LANE, most_pages=110)
    return None if page.truncated else [_standing(each, teams) for each in page.items]


def _standing(listed: Mapping[str, Any], teams: Mapping[str, frozenset[int]]) -> Standing:
    number, levels = int(listed["id"]), listed.get("permissions") or {}
    old = {"pull": "read", "push": "write"}
    held = [_PERMISSIONS[old.get(name, name)] for name, given in levels.items() if given]
    member_of = tuple(sorted(team for team, there in teams.items() if number in there))
    return Standing(Account(number, str(listed["login"])), max(held, default=Permission.NONE), member_of)


COLUMNS = ("repository", "person", "role", "through", "other role", "other through", "tiers")


def _row(each: StandingConflict) -> tuple[str, ...]:
    (first, second), (one, other) = each.roles, each.through
    return each.repository, each.person, first, one, second, other, " ".join(each.tiers)


def written(report: Report, form: Format) -> str:
    """The report as text. In a table and in CSV, what could not be read stands in lines of its own."""
    rows = [_row(each) for each in report.conflicts]
    rows += [(each.repository, "", "not known", each.what, "", "", "") for each in report.gaps]
    match form:
        case Format.JSON:
            found = objects(COLUMNS, [_row(each) for each in report.conflicts])
            return as_json(
                {
                    "conflicts": found,
                    "not_known": [{"repository": each.repository, "what": each.what} for each in report.gaps],
                }
            )
        case Format.CSV:
            return sheet(COLUMNS, rows)
        case Format.TABLE:
            return table(COLUMNS, rows)
        case _:
            assert_never(form)
