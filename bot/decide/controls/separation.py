"""Nobody holds two roles that the policy keeps apart."""

from bot.decide.context import Context
from bot.decide.contributors import humans
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import ReviewState
from bot.facts.people import Person
from bot.policy.model import Role
from bot.words import listed

_PAIR = frozenset({Role.CONTRIBUTOR, Role.APPROVER})


def look(context: Context) -> Finding | None:
    """Say who contributed and that none of them counts as approver.

    An approval by a contributor is never counted, so that this cannot fail; it names who tried, since that is what an
    auditor asks for.
    """
    applies = any(pair.roles == _PAIR and context.tier in pair.tiers for pair in context.policy.separation)
    if not applies:
        return None
    people = context.people
    contributing = humans(context.contributors, people)
    tried = {
        people.person(review.author)
        for review in context.facts.reviews
        if review.author is not None and review.state is ReviewState.APPROVED
    } & set(contributing)
    named = [people.name(person) for person in sorted(tried, key=sorted)]
    approved = _number(len(context.tally.approvers), "other", "others") if context.tally.approvers else "nobody else"
    what = f"{_number(len(contributing), 'person', 'people')} contributed, and {approved} approved."
    denied = [f"@{each.account.login} ({each.commit[:7]})" for each in context.contributors.disowned]
    if denied:
        what += f" Named as co-author and disowned by the person named: {listed(denied)}."
    return Finding(
        id="separation",
        verdict=Verdict.PASS,
        headline="no contributor counts as approver",
        what=what,
        why=_refused(named) if named else "",
        remedy=_disowning(context, tried),
        who=tuple(account for person in sorted(tried, key=sorted) for account in people.accounts_of(person)),
        controls=("SOX-404", "PCI-DSS-6.5.1", "NIST-800-53-AC-5", "ISO-27001-A.5.3"),
    )


def _refused(named: list[str]) -> str:
    subject = "The approval of {} is" if len(named) == 1 else "The approvals of {} are"
    return f"{subject.format(listed(named))} not counted, since they contributed."


def _disowning(context: Context, tried: set[Person]) -> str:
    """What somebody can do who was named as co-author by somebody else: nobody but they can say that it is not so."""
    reasons = context.contributors.because
    claimed = [each for each in tried if all(reason.startswith("co-author of ") for reason in reasons[each])]
    if not claimed:
        return ""
    named = listed([context.people.name(person) for person in sorted(claimed, key=sorted)])
    return f"If the message of a commit names {named} wrongly, they comment `/disown COMMIT`."


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
