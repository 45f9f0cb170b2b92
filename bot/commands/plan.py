"""`/plan`: a plan of the record, written in a comment."""

from bot.changes import plans
from bot.commands import frame
from bot.commands.model import WHILE_OPEN, Answer, Command, Situation
from bot.facts.model import Instructed, Permission
from bot.policy.model import Plan

_PLANS = {
    "implementation": Instructed.PLAN_IMPLEMENTATION,
    "test": Instructed.PLAN_TEST,
    "backout": Instructed.PLAN_BACKOUT,
    "impact": Instructed.PLAN_IMPACT,
}


def _plan(situation: Situation) -> Answer:
    match situation.arguments:
        case (kind, _, *_) if (kind := kind.lower()) in _PLANS:
            text = situation.text[len(kind) :].strip()[: plans.LONGEST]
        case _:
            return frame.usage(PLAN.usage)
    if not plans.says_something(text):
        return frame.refused(f"That says nothing as a plan. It should say: {plans.PLANS[Plan(kind)].prompt}")
    return frame.lay_down(situation, _PLANS[kind], text, "written in a comment")


PLAN = Command(
    name="plan",
    usage="/plan backout | test | implementation | impact text",
    summary="Writes a plan of the change record, in place of the section of the description, up to the next command.",
    examples=("/plan backout Deploy the image before this one; the schema is compatible. Ten minutes.",),
    permission=Permission.WRITE,
    run=_plan,
    weighty=True,
    states=WHILE_OPEN,
)
