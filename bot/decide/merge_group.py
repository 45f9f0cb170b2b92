"""The decision about a group of the merge queue: every member passes, and the whole group is known."""

from collections.abc import Iterable
from datetime import datetime

from bot.decide.evaluate import decide, worst_first
from bot.decide.verdict import Decision, Finding, Verdict, worst
from bot.facts.model import MergeGroupFacts
from bot.policy.model import Mode, Policy, Tier
from bot.words import listed, quoted


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
    if decision.verdict is Verdict.WAIVED and not observed:
        return _waived(number, decision)
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


def _waived(number: int, decision: Decision) -> Finding:
    """A member that passes as long as what it lacks is waived: each of that, by whom, and until when."""
    found = [each for each in decision.findings if each.blocks is Verdict.WAIVED]
    names = listed([quoted(each.id) for each in found])
    lacks = f"{names}, which {'is' if len(found) == 1 else 'are'} waived"

    def told(sentences: Iterable[str]) -> str:
        pairs = zip(found, sentences, strict=True)
        return " ".join(f"{quoted(each.id)}: {said}" if len(found) > 1 else said for each, said in pairs if said)

    return Finding(
        id=f"pull-request:{number}",
        verdict=Verdict.WAIVED,
        headline=f"what #{number} lacks",
        what=f"#{number} has everything that the policy demands of it but {lacks}. {told(each.what for each in found)}",
        why=told(each.why for each in found),
        remedy=told(each.remedy for each in found),
        until=min((each.until for each in found if each.until), default=None),
        parts=decision.findings,
    )
