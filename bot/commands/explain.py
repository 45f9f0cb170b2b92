"""``/explain``: what was decided and why."""

from rapidfuzz import process

from bot.commands.model import WHILE_OPEN, Answer, Command, Situation
from bot.facts.model import Permission
from bot.publish.render import explanation
from bot.words import listed


def _run(situation: Situation) -> Answer:
    if not situation.arguments:
        return Answer(done=True, reply=explanation(situation.decision))
    known = [finding.id for finding in situation.decision.findings]
    wanted = situation.arguments[0].lower()
    if wanted in known:
        return Answer(done=True, reply=explanation(situation.decision, wanted))
    near = process.extractOne(wanted, known, score_cutoff=60)
    suggestion = f" Did you mean `/explain {near[0]}`?" if near else ""
    names = listed([f"`{each}`" for each in known])
    return Answer(done=False, reply=f"This change has no such finding.{suggestion} There are {names}.")


COMMAND = Command(
    name="explain",
    usage="/explain [finding]",
    summary="Says what was decided about this change and why, or about one finding.",
    examples=("/explain", "/explain approvals"),
    permission=Permission.READ,
    run=_run,
    states=WHILE_OPEN,
)
