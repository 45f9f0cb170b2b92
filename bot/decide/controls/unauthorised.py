"""Nothing went around the gate that nobody has answered for."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.words import listed

ID = "unauthorised-change"
SHOWN = 3


def look(context: Context) -> Finding | None:
    """Block until each is acknowledged, where the policy says who may do that; only say so where it does not."""
    found = context.facts.unauthorised
    if not found:
        return None
    shown = " ".join(f"No. {each.id}: {each.what}" for each in found[:SHOWN])
    more = f" And {len(found) - SHOWN} more." if len(found) > SHOWN else ""
    roles = context.policy.acknowledging
    who = listed([f"the role {role}" for role in roles], "or") if roles else ""
    return Finding(
        id=ID,
        verdict=Verdict.FAIL if roles else Verdict.PASS,
        headline="an unauthorised change is open",
        what=f"Something went around the gate here. {shown}{more}",
        why="Until somebody has answered for it, nobody can say that what is on the branches was approved."
        if roles
        else "It does not block, since the policy names nobody who may acknowledge it.",
        remedy=f"Somebody with {who}, who is not the one who did it, comments `/acknowledge {found[0].id} REASON`."
        if roles
        else "The owners of the policy say under `acknowledge` who may acknowledge it.",
        who=tuple({each.actor.id: each.actor for each in found if each.actor is not None}.values()),
        controls=("SOX-404", "NIST-800-53-CM-5"),
    )
