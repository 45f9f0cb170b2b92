"""`/risk`: a person knows more of the risk than the rules do."""

from bot.commands import frame
from bot.commands.model import WHILE_OPEN, Answer, Command, Situation
from bot.facts.model import Instructed, Permission
from bot.policy.model import Tier


def _raise(situation: Situation) -> Answer:
    tier, why = frame.keyword(situation, 1), frame.reason(situation, 2)
    if frame.keyword(situation) != "raise" or tier not in {each.label for each in Tier} or not why:
        return frame.usage(RISK.usage)
    wanted = Tier[tier.upper()]
    if wanted <= situation.decision.tier:
        return frame.refused(
            f"The change is of tier {situation.decision.tier.label} already; risk is raised, never lowered."
        )
    return frame.lay_down(situation, Instructed.RAISE, tier, why)


RISK = Command(
    name="risk",
    usage="/risk raise tier reason",
    summary="Raises the risk of the change, which then needs what both tiers demand; nobody can lower it.",
    examples=("/risk raise high It touches the interest calculation",),
    permission=Permission.WRITE,
    run=_raise,
    weighty=True,
    states=WHILE_OPEN,
)
