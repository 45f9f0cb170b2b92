"""A release: one change of many pull requests that ship together. Pure.

What is demanded of the riskiest is demanded of all, every reviewer of every pull request is waited for, and whatever
blocks one of them blocks the release. A change of one pull request is the same with one part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.changes import plans
from bot.changes.cab import routing
from bot.changes.context import Context
from bot.changes.fill import LONGEST_TITLE
from bot.changes.model import Contents, Part
from bot.decide.verdict import Demand
from bot.policy.model import ChangeType, Plan, Policy
from bot.words import shortened


def contents_of(parts: Sequence[Part], policy: Policy) -> Contents | None:
    """What the record of these parts says, but for when it is planned; None while none of them has been looked at."""
    known = [part.contents for part in parts if part.contents is not None]
    if len(parts) == 1 or not known:
        return known[0] if known else None
    return _together(known, policy)


def context_of(parts: Sequence[Part], context: Context) -> Context:
    """The context of the whole release: what blocks any part, and what the reviewers of each have given."""
    if len(parts) == 1:
        return replace(context, parts=tuple(parts))
    blocking = [found for part in parts for found in _blocking(part)]
    demands = [_named(each, part) for part in parts for each in part.demands]
    approvers = dict.fromkeys(account for part in parts for account in part.approvers)
    return replace(
        context,
        parts=tuple(parts),
        blocking=tuple(blocking),
        demands=tuple(demands),
        approvers=tuple(dict.fromkeys((*context.approvers, *approvers))),
    )


def wished(parts: Sequence[Part], since: datetime | None = None) -> str:
    """The window that somebody wished for last, as an instruction holds it; empty when nobody did ``since``."""
    wishes = [part.wish for part in parts if part.wish is not None and (since is None or part.wish.at > since)]
    return max(wishes, key=lambda each: each.at).value if wishes else ""


def _blocking(part: Part) -> list[str]:
    if part.contents is None:
        return [f"the first look at #{part.number}"]
    # Every pull request is approved by reviewers of its own: an empty rule is no pass.
    unasked = [] if part.demands else ["a demand for approvals"]
    return [f"{name} of #{part.number}" for name in (*part.blocking, *unasked)]


def _named(demand: Demand, part: Part) -> Demand:
    return replace(demand, label=f"{demand.label} for #{part.number}")


def _together(parts: Sequence[Contents], policy: Policy) -> Contents:
    """One record for several changes of one repository: the riskiest says what is demanded of all.

    Of several that are as risky, one that was raised is, from the lowest tier. A plan that one of them lacks is missing
    from the release. It is standard only when all are by the same template.
    """
    riskiest = max(parts, key=lambda each: (each.tier, -(each.raised_from or each.tier)))
    kind = _kind(parts)
    routed = routing(riskiest.under(policy), riskiest.tier, kind)
    lead, others = parts[0], len(parts) - 1
    return Contents(
        title=shortened(f"{lead.title} (and {others} more)", LONGEST_TITLE),
        kind=kind,
        tier=riskiest.tier,
        repository=lead.repository,
        pulls=tuple(dict.fromkeys(number for each in parts for number in each.pulls)),
        head=lead.head,
        base=_base(parts),
        diff=hashlib.sha256("\n".join(sorted(each.diff for each in parts)).encode()).hexdigest(),
        description=_joined(parts, [each.description for each in parts]),
        justification=_all(parts, [each.justification for each in parts]),
        tier_because=riskiest.tier_because,
        application=riskiest.application,
        configuration_item=riskiest.configuration_item,
        commits=tuple(dict.fromkeys(line for each in parts for line in each.commits)),
        contributors=tuple(sorted({account for each in parts for account in each.contributors})),
        plans=tuple((plan, text) for plan in Plan if (text := _all(parts, [each.plan(plan) for each in parts]))),
        evidence=tuple(dict.fromkeys(line for each in parts for line in each.evidence)),
        apart=tuple(sorted({name for each in parts for name in each.apart})),
        routing=routed,
        template=lead.template if kind is ChangeType.STANDARD else "",
        regulations=policy.packs,
        retention_days=policy.retention_days,
        raised_from=riskiest.raised_from,
        said=tuple(said for each in parts for said in each.said),
    )


def _kind(parts: Sequence[Contents]) -> ChangeType:
    kinds = {each.kind for each in parts}
    if ChangeType.EMERGENCY in kinds:
        return ChangeType.EMERGENCY
    if ChangeType.NORMAL in kinds:
        return ChangeType.NORMAL
    return ChangeType.STANDARD if len({each.template for each in parts}) == 1 else ChangeType.NORMAL


def _base(parts: Sequence[Contents]) -> str:
    """The branch that all of it goes to; where one has been retargeted since it joined, that of each."""
    names = {each.base for each in parts}
    return names.pop() if len(names) == 1 else "; ".join(_lines(parts, [each.base for each in parts]))


def _joined(parts: Sequence[Contents], texts: Sequence[str]) -> str:
    return shortened("\n\n".join(_lines(parts, texts)), plans.LONGEST)


def _lines(parts: Sequence[Contents], texts: Sequence[str]) -> list[str]:
    """What each part says, under its numbers; nothing of those that say nothing."""
    return [
        f"{', '.join(f'#{number}' for number in part.pulls)}: {text}"
        for part, text in zip(parts, texts, strict=True)
        if text
    ]


def _all(parts: Sequence[Contents], texts: Sequence[str]) -> str:
    """What every part says; nothing when one of them says nothing."""
    return _joined(parts, texts) if all(texts) else ""
