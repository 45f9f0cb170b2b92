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
        case (kind,) if (kind := kind.lower()) in _PLANS and _said(situation, _PLANS[kind]):
            return frame.lay_down(situation, _PLANS[kind], "", "taken back: the description counts")
        case (kind, _, *_) if (kind := kind.lower()) in _PLANS:
            text = situation.lines()[: plans.LONGEST]
        case _:
            return frame.usage(PLAN.usage)
    if not plans.says_something(text):
        return frame.refused(f"That says nothing as a plan. It should say: {plans.PLANS[Plan(kind)].prompt}")
    # Whoever edits that section afterwards has the last word.
    instead = plans.mark(plans.read(frame.change_of(situation).facts.body).plan(Plan(kind)))
    return frame.lay_down(situation, _PLANS[kind], text, "written in a comment", instead=instead)


def _said(situation: Situation, kind: Instructed) -> bool:
    return frame.change_of(situation).facts.instructed(kind) is not None


PLAN = Command(
    name="plan",
    usage="/plan backout | test | implementation | impact [text]",
    summary=(
        "Writes a plan of the change record, in place of the section of the description, up to the next command; until "
        "somebody edits that section. Without a text, what was written so is taken back, and the description counts."
    ),
    examples=(
        "/plan backout",
        "/plan backout Deploy the image before this one; the schema is compatible. Ten minutes.",
    ),
    permission=Permission.WRITE,
    run=_plan,
    weighty=True,
    states=WHILE_OPEN,
)
