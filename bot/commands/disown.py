"""``/disown``: somebody was named as co-author of what they did not write."""

from bot.commands.model import Answer, Command, Situation
from bot.decide.contributors import may_be_disowned
from bot.facts.model import Disowned, Permission

SHORTEST = 7
"""Characters of a commit's id that git itself shows."""


def _run(situation: Situation) -> Answer:
    account = situation.standing.account
    if situation.change is None or not situation.arguments:
        return Answer(done=False, reply="Say which commit: `/disown 1a2b3c4`.")
    wanted = situation.arguments[0].lower()
    found = [each for each in situation.change.facts.commits if each.oid.startswith(wanted)]
    if len(wanted) < SHORTEST or len(found) != 1:
        return Answer(done=False, reply="That is no commit of this change: give seven characters of its id at least.")
    commit = found[0]
    if may_be_disowned(commit, account):
        return Answer(
            done=True,
            reply=f"It is on record that @{account.login} is no co-author of {commit.oid[:7]}, as its message claims.",
            deed=Disowned(commit.oid, account),
        )
    return Answer(
        done=False,
        reply=f"Only who is named as co-author in the message of {commit.oid[:7]}, and by nothing else, can disown it. "
        "An author, and whom GitHub itself named when a suggestion was applied, cannot.",
    )


COMMAND = Command(
    name="disown",
    usage="/disown commit",
    summary="Says that you are no co-author of a commit whose message names you as one. It goes on record.",
    examples=("/disown 1a2b3c4",),
    permission=Permission.READ,
    run=_run,
    whom="who is named in a `Co-authored-by` line of the commit",
    weighty=True,
)
