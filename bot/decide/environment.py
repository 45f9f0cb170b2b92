"""What expressions of a policy can speak of, worked out of the facts; `policy.vocabulary` says what each means."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.decide.contributors import Contributors
from bot.facts.model import ChangedFile, FileChange, PullRequestFacts
from bot.facts.people import People, Person
from bot.policy.expressions import Subject, subject
from bot.policy.model import Application, ChangeType, Policy, Tier

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FILES = re.compile(r"\bfiles\b")


def environment(
    facts: PullRequestFacts,
    policy: Policy,
    now: datetime,
    *,
    application: Application | None,
    tier: Tier,
    people: People,
    involved: Contributors,
    approvers: Iterable[Person] = (),
) -> Subject:
    """What is true of the change at the moment ``now``."""
    texts = [rule.when for rule in policy.risk] + [text for rule in policy.rules for text in (rule.when, rule.require)]
    # Two thousand files are worth describing only to somebody who asks about them.
    files = facts.files if any(_FILES.search(text) for text in texts) else ()
    return subject(
        {
            "change": _change(facts, policy.tiers[tier].change, tier),
            "application": _application(application),
            "people": {
                "author": facts.author.login if facts.author else "",
                "contributors": _logins(involved.because, people),
                "approvers": _logins(approvers, people),
                "unknown": len(involved.unknown),
            },
            "paths": list(facts.paths),
            "files": [each for file in files for each in _file(file)],
            "lines": {"added": facts.additions, "deleted": facts.deletions, "changed": facts.lines_changed},
            "lines_changed": facts.lines_changed,
            "labels": facts.labels,
            "evidence": [],
            "deployment": {"environment": "", "kind": "", "commits": 0},
            "time": _time(now, policy.calendar.timezone),
        }
    )


def _file(file: ChangedFile) -> Iterable[Mapping[str, Any]]:
    """The file; and what a move does to the place where it was."""
    yield _entry(file.path, file.change, file.additions, file.deletions)
    if file.previous:
        yield _entry(file.previous, FileChange.DELETED, 0, 0)


def _entry(path: str, change: FileChange, additions: int, deletions: int) -> Mapping[str, Any]:
    return {"path": path, "change": change.value.lower(), "additions": additions, "deletions": deletions}


def _change(facts: PullRequestFacts, kind: ChangeType, tier: Tier) -> Mapping[str, Any]:
    return {
        "title": facts.title,
        "body": facts.body,
        "number": facts.number,
        "base": facts.base.name,
        "head": facts.head.name,
        "draft": facts.draft,
        "from_fork": facts.from_fork,
        "commits": len(facts.commits),
        "tier": tier.label,
        "type": kind.value,
        "repository": facts.repository.full_name,
        "created": facts.created_at,
    }


def _application(application: Application | None) -> Mapping[str, Any]:
    if application is None:
        return {"name": "", "tier": Tier.HIGH.label, "data": [], "configuration_item": "", "known": False}
    return {
        "name": application.name,
        "tier": application.tier.label,
        "data": list(application.data),
        "configuration_item": application.configuration_item,
        "known": True,
    }


def _logins(persons: Iterable[Person], people: People) -> list[str]:
    return sorted({account.login for person in persons for account in people.accounts_of(person)})


def _time(now: datetime, timezone: str) -> Mapping[str, Any]:
    local = now.astimezone(ZoneInfo(timezone))
    return {"now": now, "day": _DAYS[local.weekday()], "hour": local.hour, "timezone": timezone}
