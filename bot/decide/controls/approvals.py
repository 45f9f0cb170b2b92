"""The demanded people approved."""

from bot.decide.approvals import PERMISSIONS
from bot.decide.context import Context
from bot.decide.verdict import Demand, Finding, Verdict
from bot.policy.model import Approvals
from bot.words import listed

CONTROLS = ("SOX-404", "PCI-DSS-6.2.3.1", "PCI-DSS-6.5.1", "NIST-800-53-CM-3", "ISO-27001-A.8.32")


def look(context: Context) -> Finding:
    """Wait for what is missing. A tier without demands fails: an empty rule is no pass."""
    tally = context.tally
    needed = sum(demand.needed for demand in tally.demands)
    given = sum(demand.given for demand in tally.demands)
    if not tally.demands:
        return Finding(
            id="approvals",
            verdict=Verdict.FAIL,
            headline="the policy demands no approval",
            what=f"The policy demands no approval for tier {context.tier.label}.",
            why="An empty rule is no pass.",
            remedy=f"The owners of the policy say in `tiers.{context.tier.label}.approvals` who must approve.",
            controls=CONTROLS,
        )
    if tally.met:
        return Finding(
            id="approvals",
            verdict=Verdict.PASS,
            headline=f"{given} of {_approvals(needed)}",
            what=f"The policy demands {_approvals(needed)}, and {'it is' if needed == 1 else 'all are'} given.",
            controls=CONTROLS,
        )
    rules = context.policy.tiers[context.tier].approvals
    missing = [
        (demand, rule) for demand, rule in zip(tally.demands, rules, strict=True) if demand.given < demand.needed
    ]
    apart = "contributed to the change, or asked for it," if context.asking else "contributed to the change"
    whom = listed([_people(demand) for demand, _ in missing])
    return Finding(
        id="approvals",
        verdict=Verdict.WAIT,
        headline=_headline(missing),
        what=f"The policy demands {_approvals(needed)}; {_so_far(given)} given so far. Missing: {whom}.",
        remedy=f"Ask {whom} to review the latest commit. Whoever {apart} does not count.",
        controls=CONTROLS,
    )


def _approvals(count: int) -> str:
    return f"{count} approval{'' if count == 1 else 's'}"


def _so_far(count: int) -> str:
    return {0: "none is", 1: "1 is"}.get(count, f"{count} are")


def _people(demand: Demand) -> str:
    missing = demand.needed - demand.given
    return f"{missing} {'person' if missing == 1 else 'people'} with {demand.label}"


def _headline(missing: list[tuple[Demand, Approvals]]) -> str:
    if len(missing) > 1:
        total = sum(demand.needed - demand.given for demand, _ in missing)
        return f"{_approvals(total)} ({', '.join(_groups(rule) for _, rule in missing)})"
    ((demand, rule),) = missing
    who = "someone with " if demand.needed - demand.given == 1 else "people with "
    return f"{_approvals(demand.needed - demand.given)} from {_groups(rule, who)}"


def _groups(rule: Approvals, who: str = "") -> str:
    return " or ".join(f"{who}{group} access" if group in PERMISSIONS else group for group in rule.groups)
