"""The demanded people approved."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict

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
            headline=f"{given} of {needed} approvals",
            what=f"{given} of {needed} demanded approvals are given.",
            controls=CONTROLS,
        )
    missing = [demand for demand in tally.demands if demand.given < demand.needed]
    first = missing[0]
    short = f"{first.needed - first.given} approval{'s' if first.needed - first.given > 1 else ''}"
    listed = "; ".join(f"{demand.needed - demand.given} from {demand.label}" for demand in missing)
    return Finding(
        id="approvals",
        verdict=Verdict.WAIT,
        headline=f"{short} from {first.label.partition(' (')[0]}",
        what=f"{given} of {needed} demanded approvals are given. Missing: {listed}.",
        remedy="Ask for a review from " + ", and from ".join(demand.from_whom for demand in missing) + ".",
        controls=CONTROLS,
    )
