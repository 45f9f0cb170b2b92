"""The decision about a group of the merge queue: every member passes, and the whole group is known."""

from datetime import datetime

from bot.decide.evaluate import decide, worst_first
from bot.decide.verdict import Decision, Finding, Verdict, worst
from bot.facts.model import MergeGroupFacts
from bot.policy.model import Mode, Policy, Tier


def decide_group(facts: MergeGroupFacts, policy: Policy, now: datetime) -> Decision:
    """Decide about a group's head: all of its members go to one branch, so one policy holds for them.

    A group that nobody could look into fails, whatever the policy's mode.
    """
    members = {member.number: decide(member, policy, now) for member in facts.members}
    findings = [_member(number, decision) for number, decision in members.items()]
    if facts.incomplete or not members:
        listed = "; ".join(f"{gap.what} ({gap.why})" for gap in facts.incomplete) or "it has no pull request"
        findings.append(
            Finding(
                id="facts",
                verdict=Verdict.FAIL,
                headline="the group could not be read",
                what=f"The group of the merge queue could not be read whole: {listed}.",
                why="What is not known cannot be passed.",
                remedy="Take the pull request out of the queue and put it in again.",
            )
        )
    return Decision(
        head=facts.head,
        mode=_mode(list(members.values())),
        tier=max((decision.tier for decision in members.values()), default=Tier.HIGH),
        tier_because=tuple(f"#{number}: {' '.join(each.tier_because)}" for number, each in members.items()),
        verdict=worst(finding.verdict for finding in findings),
        findings=worst_first(findings),
        next_at=min((each.next_at for each in members.values() if each.next_at), default=None),
    )


def _mode(members: list[Decision]) -> Mode:
    """Observed only where every member is; a group that nobody could look into is not."""
    observed = bool(members) and all(each.mode is Mode.OBSERVE for each in members)
    return Mode.OBSERVE if observed else Mode.ENFORCE


def _member(number: int, decision: Decision) -> Finding:
    # A member that is only observed does not hold up the others.
    observed = decision.mode is Mode.OBSERVE
    first = decision.findings[0]
    if decision.verdict is Verdict.PASS:
        what = f"#{number} has everything that the policy demands of it."
        return Finding(f"pull-request:{number}", Verdict.PASS, f"#{number} passes", what, parts=decision.findings)
    return Finding(
        id=f"pull-request:{number}",
        verdict=Verdict.PASS if observed else decision.verdict,
        headline=f"#{number} is observed only" if observed else f"#{number}: {first.headline}",
        what=f"#{number} is observed only: {first.what}" if observed else f"#{number}: {first.what}",
        why=first.why,
        remedy=first.remedy,
        minutes=first.minutes,
        until=first.until,
        parts=decision.findings,
    )
