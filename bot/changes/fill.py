"""Fills a change record from what is known anyway: the pull request, the decision about it, and the policy."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.changes import evidence, plans
from bot.changes.cab import routing
from bot.changes.model import CommitLine, Contents
from bot.decide.contributors import contributors
from bot.decide.verdict import Decision
from bot.deployments.windows import problem
from bot.facts.model import Account, Commit, FileChange, PullRequestFacts
from bot.facts.people import Person, people_of
from bot.policy.inventory import application_of
from bot.policy.model import ChangeType, Policy, Template, Tier
from bot.policy.patterns import matches
from bot.words import shortened, visible

LONGEST_TITLE = 100
LONGEST_DESCRIPTION = 4_000


def contents_of(
    facts: PullRequestFacts,
    decision: Decision,
    policy: Policy,
    now: datetime,
    *,
    diff: str,
    emergency: bool = False,
) -> Contents:
    """What the record of a pull request says.

    ``diff`` names what the change does, whatever it is based on. When it is planned is said for the whole record, by
    ``planning``.
    """
    sections = plans.read(facts.body)
    policy = decision.under(policy)
    application = application_of(policy, facts)
    fitting = template_of(facts, decision.tier, policy, now)
    kind = _kind(fitting, emergency=emergency)
    routed = routing(policy, decision.tier, kind)
    people = people_of(facts, policy.people)
    touched = (application.name, application.configuration_item) if application else ("", "")
    return Contents(
        title=shortened(visible(facts.title), LONGEST_TITLE),
        kind=kind,
        tier=decision.tier,
        repository=facts.repository.full_name,
        pulls=(facts.number,),
        head=facts.head.oid,
        base=facts.base.name,
        diff=diff,
        description=shortened(sections.opening, LONGEST_DESCRIPTION),
        justification=sections.justification,
        tier_because=decision.tier_because,
        application=touched[0],
        configuration_item=touched[1],
        commits=tuple(_line(commit) for commit in facts.commits),
        contributors=_accounts(contributors(facts, people).because, people.accounts),
        plans=sections.plans,
        evidence=evidence.lines(facts),
        apart=apart(*touched, policy),
        routing=routed,
        template=fitting.id if fitting and kind is ChangeType.STANDARD else "",
        regulations=policy.packs,
        retention_days=policy.retention_days,
        raised_from=decision.raised_from,
    )


def affected(policy: Policy, facts: PullRequestFacts) -> tuple[str, int]:
    """The application that a change affects, empty when it is in none, and the number of the repository."""
    application = application_of(policy, facts)
    return application.name if application else "", facts.repository.id


def template_of(facts: PullRequestFacts, tier: Tier, policy: Policy, now: datetime) -> Template | None:
    """The standard change that this is: every file in its paths, no larger, and not expired.

    What was not read whole fits no template, nor does a renamed file, whose old place is not known.
    """
    if policy.tiers[tier].change is not ChangeType.STANDARD or facts.incomplete or not facts.files:
        return None
    if any(file.change is FileChange.RENAMED for file in facts.files):
        return None
    today = _today(policy, now)
    return next(
        (
            each
            for each in policy.templates
            if today is not None
            and today <= each.expires
            and facts.lines_changed <= each.lines
            and all(any(matches(file.path, pattern) for pattern in each.paths) for file in facts.files)
        ),
        None,
    )


def is_in_force(template: str, policy: Policy, now: datetime) -> bool:
    """Whether the policy still has that template, and it has not expired."""
    today = _today(policy, now)
    return today is not None and any(each.id == template and today <= each.expires for each in policy.templates)


def apart(application: str, configuration_item: str, policy: Policy) -> tuple[str, ...]:
    """What is not to be changed at the same time: the same thing, and what the policy keeps apart from it."""
    own = {application, configuration_item} - {""}
    return tuple(sorted(own.union(*(names for names in policy.exclusive if own & {*names}))))


def _kind(template: Template | None, *, emergency: bool) -> ChangeType:
    """The type of the change: without a template that fits, nothing is standard, nor urgent but by somebody's word."""
    if emergency:
        return ChangeType.EMERGENCY
    return ChangeType.STANDARD if template is not None else ChangeType.NORMAL


def _today(policy: Policy, now: datetime) -> date | None:
    """The day in the calendar's time zone; None when nobody knows it."""
    return None if problem(policy.calendar) else now.astimezone(ZoneInfo(policy.calendar.timezone)).date()


def _line(commit: Commit) -> CommitLine:
    names = [each.account.login if each.account else each.email or each.name for each in commit.authors]
    return CommitLine(commit.oid, shortened(visible(commit.headline), LONGEST_TITLE), tuple(dict.fromkeys(names)))


def _accounts(persons: Iterable[Person], known: Mapping[int, Account]) -> tuple[Account, ...]:
    numbers = sorted({number for person in persons for number in person})
    return tuple(known[number] for number in numbers if number in known)
