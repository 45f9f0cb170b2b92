"""Nobody holds two roles that the policy keeps apart."""

from collections.abc import Sequence

from bot.decide.context import Context
from bot.decide.contributors import humans
from bot.decide.duties import kept_apart
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import ReviewState
from bot.facts.people import Person
from bot.policy.model import Role
from bot.words import listed


def look(context: Context) -> Finding | None:
    """Say who contributed and that none of them counts as approver, nor who asked where the policy says so.

    An approval by any of them is never counted, so that this cannot fail; it names who tried, since that is what an
    auditor asks for.
    """
    if not kept_apart(Role.CONTRIBUTOR, Role.APPROVER, context.policy.separation, context.tier):
        return None
    people = context.people
    contributing = humans(context.contributors, people)
    approving = {
        people.person(review.author)
        for review in context.facts.reviews
        if review.author is not None and review.state is ReviewState.APPROVED
    }
    tried = sorted(approving & {*contributing}, key=sorted)
    asked = sorted((approving & {*context.asking}) - {*tried}, key=sorted)
    approved = _number(len(context.tally.approvers), "other", "others") if context.tally.approvers else "nobody else"
    asking = f"{_number(len(context.asking), 'person', 'people')} asked for it, " if context.asking else ""
    what = f"{_number(len(contributing), 'person', 'people')} contributed, {asking}and {approved} approved."
    denied = [f"@{each.account.login} ({each.commit[:7]})" for each in context.contributors.disowned]
    if denied:
        what += f" Named as co-author and disowned by the person named: {listed(denied)}."
    return Finding(
        id="separation",
        verdict=Verdict.PASS,
        headline=f"no contributor {'or requester ' if context.asking else ''}counts as approver",
        what=what,
        why=f"{_refused(context, tried, 'contributed')} {_refused(context, asked, 'asked for it')}".strip(),
        remedy=_disowning(context, tried),
        who=tuple(account for person in (*tried, *asked) for account in people.accounts_of(person)),
        controls=("SOX-404", "PCI-DSS-6.5.1", "NIST-800-53-AC-5", "ISO-27001-A.5.3"),
    )


def _refused(context: Context, tried: Sequence[Person], why: str) -> str:
    if not tried:
        return ""
    subject = "The approval of {} is" if len(tried) == 1 else "The approvals of {} are"
    named = listed([context.people.name(person) for person in tried])
    return f"{subject.format(named)} not counted, since they {why}."


def _disowning(context: Context, tried: Sequence[Person]) -> str:
    """What somebody can do who was named as co-author by somebody else: nobody but they can say that it is not so."""
    reasons = context.contributors.because
    claimed = [each for each in tried if all(reason.startswith("co-author of ") for reason in reasons[each])]
    if not claimed:
        return ""
    named = listed([context.people.name(person) for person in claimed])
    return f"If the message of a commit names {named} wrongly, they comment `/disown COMMIT`."


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
