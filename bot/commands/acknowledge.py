"""``/acknowledge``: somebody answers for an unauthorised change."""

from bot.commands.model import Acknowledgement, Answer, Change, Command, Situation
from bot.decide.approvals import Roles
from bot.decide.duties import may_answer_for
from bot.facts.model import Account, Permission, Unauthorised
from bot.facts.people import is_human, people_of
from bot.words import listed

FEWEST_WORDS = 3


def _run(situation: Situation) -> Answer:
    change, reason = situation.change, situation.words(1)
    if change is None or sum(any(map(str.isalnum, word)) for word in reason.split()) < FEWEST_WORDS:
        return Answer(
            done=False, reply="Say which one and why, in a few words: `/acknowledge 12 Hotfix of incident 4711`."
        )
    number = situation.arguments[0]
    found = next((each for each in change.facts.unauthorised if str(each.id) == number.lstrip("#")), None)
    if found is None:
        return Answer(done=False, reply="No unauthorised change of that number is open here.")
    refusal = _refusal(situation, change, found)
    if refusal:
        return Answer(done=False, reply=refusal)
    deed = Acknowledgement(found.id, reason)
    return Answer(done=True, reply=f"No. {found.id} is acknowledged, with this reason on record.", deed=deed)


def _refusal(situation: Situation, change: Change, found: Unauthorised) -> str:
    roles, standing = change.policy.acknowledging, situation.standing
    if not roles:
        return "The policy names nobody who may acknowledge an unauthorised change."
    able = f"somebody with {listed([f'the role {role}' for role in roles], 'or')}"
    if not is_human(standing.account) or not any(
        Roles(change.facts.names, change.policy).holds(standing, role) for role in roles
    ):
        return f"Only {able} may acknowledge it."
    if found.actor is not None and _same_person(change, standing.account, found.actor):
        return f"Whoever went around the gate cannot acknowledge that. Only {able} who did not do it may."
    return ""


def _same_person(change: Change, first: Account, second: Account) -> bool:
    people = people_of(change.facts, change.policy.people)
    mine = people.person(first) | people.named(first, change.policy.people, change.facts.names)
    theirs = people.person(second) | people.named(second, change.policy.people, change.facts.names)
    return not may_answer_for(mine, [theirs])


COMMAND = Command(
    name="acknowledge",
    usage="/acknowledge number reason",
    summary="Answers for an unauthorised change, with a reason that goes on record.",
    examples=("/acknowledge 12 Hotfix of incident 4711, reviewed afterwards in #88",),
    permission=Permission.READ,
    run=_run,
    whom="a role that the policy names under `acknowledge`, and not who did it",
    weighty=True,
)
