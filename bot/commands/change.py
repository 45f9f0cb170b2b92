"""`/change`: shows the record, and does to it what has no command of its own."""

from bot.changes import clashes, evidence, plans, wording
from bot.changes.emergency import frozen_out, may_begin_until
from bot.changes.model import Act, Event
from bot.changes.model import Change as Record
from bot.commands import close, emergency, frame, link, plans_shown, votes
from bot.commands.model import Answer, Change, Command, Situation
from bot.facts.model import Permission
from bot.publish.markdown import sentence, table
from bot.words import dated, listed


def _show_or_do(situation: Situation) -> Answer:
    # Its own words may be written in any case, as those of every command.
    match tuple(each.lower() if place == 0 else each for place, each in enumerate(situation.arguments)):
        case ():
            return _show(frame.change_of(situation))
        case ("template",):
            return Answer(done=True, reply=f"```markdown\n{plans.template()}```")
        case ("type", "emergency", incident, *words) if words:
            late = frame.only_open(situation, "change type emergency")
            return late or emergency.declare(situation, incident, situation.words(3))
        case ("review", *words) if words:
            return frame.act(situation, Event(Act.REVIEW, situation.standing.account, situation.words(1)), frame.silent)
        case ("close", word, *_) if word.lower() in close.CLOSURES:
            return close.close(situation, word.lower())
        case ("link", number):
            return frame.only_open(situation, "change link") or link.link(situation, number)
        case ("unlink",):
            return link.unlink(situation)
        case _:
            return frame.usage(CHANGE.usage)


def _show(change: Change) -> Answer:
    if change.desk is None or change.desk.change is None:
        return frame.refused("There is no change record here: the policy needs none for a change of this tier.")
    record = change.desk.change
    contents = record.contents
    rows = [
        ("state", record.state.value),
        *close.shown(record, change.desk.context),
        ("type", contents.kind.value),
        ("risk", f"{contents.tier.label}: {' '.join(contents.tier_because)}"),
        ("application", contents.application or "none"),
        ("configuration item", contents.configuration_item or "none"),
        ("window", _window(record, change)),
        ("plans", plans_shown.row(contents)),
        ("test evidence", " ".join(evidence.summaries(contents.evidence)) or "no tool has reported anything"),
        ("board", _board(record)),
        *_asked(record),
        *votes.rounds(record),
        ("regulations", listed(list(contents.regulations)) if contents.regulations else "none named"),
    ]
    if in_the_way := clashes.row(contents):
        rows.append(("conflicts", in_the_way))
    if change.link:
        rows.append(("elsewhere", change.link))
    lines = [f"**{record.number}** {sentence(contents.title, quiet=True)}", ""]
    lines += table(("", ""), [(name, sentence(text, quiet=True)) for name, text in rows])
    lines += votes.shown(record, change.desk.context)
    lines += plans_shown.shown(contents)
    if wording.edited(record, change.desk.context):
        lines += ["", "<details><summary>The description that counts</summary>", ""]
        lines += [sentence(contents.description, quiet=True) or "(none)", "", "</details>"]
    if contents.evidence:
        lines += ["", "<details><summary>Test evidence</summary>", ""]
        lines += [f"- {sentence(each.removeprefix(evidence.ITEM), quiet=True)}" for each in contents.evidence]
        lines += ["", "</details>"]
    return Answer(done=True, reply="\n".join(lines))


def _window(record: Record, change: Change) -> str:
    if record.emergency is None:
        return frame.spoken(record.contents.window)
    now = frame.now_of(change)
    held = frozen_out(change.policy, now) if record.started_at is None and not record.state.over else None
    if held is not None:
        return f"at once. {held.what}"
    ends = may_begin_until(record, change.policy, now)
    return f"at once, and not after {dated(ends)}" if ends is not None else "at once"


def _asked(record: Record) -> list[tuple[str, str]]:
    """Who wants it, until when its board decides, and who authorised it."""
    rows = []
    declared, request, given = record.emergency, record.request, record.authorisation
    if declared is not None:
        said = f"{declared.incident}: {declared.reason}"
        rows.append(("declared an emergency", f"on {dated(declared.at)}, by @{declared.by.login}: {said}"))
    if request is not None and request.by is not None:
        rows.append(("board asked", f"on {dated(request.at)}, by @{request.by.login}"))
    if record.deadline is not None:
        rows.append(("to be decided", f"by {dated(record.deadline)}"))
    if given is not None:
        named = [f"@{each.login}" for each in given.by or given.reviewers]
        by = listed(named) if named else "the reviewers"
        rows.append(("authorised", f"on {dated(given.at)}, by {by}"))
    return rows


def _board(record: Record) -> str:
    routed = record.contents.routing
    if not routed.has_board:
        return "none decides"
    beside = record.escalation.roles if record.escalation is not None else ()
    roles = list(dict.fromkeys((*routed.voting, *beside)))
    signs = f", and a signature for each of {listed(list(routed.sign_off))}" if routed.sign_off else ""
    return f"{routed.quorum} of {listed(roles)}{signs}"


CHANGE = Command(
    name="change",
    usage=(
        "/change [template | link number | unlink | type emergency incident reason | review what-was-found "
        "| close successful|with-issues|unsuccessful|backed-out notes]"
    ),
    summary=(
        "Shows the change record, or the template of its plans. Ships the pull request with another record, or keeps "
        "its own as one that is in ServiceNow or Jira already. Makes it an emergency; reviews one afterwards. Says, "
        "when it has been released, what came of it: where the policy demands a verification, that is the verification."
    ),
    examples=(
        "/change",
        "/change template",
        "/change link CHG-2027-0012",
        "/change link CHG0030001",
        "/change type emergency INC0012345 Payments are down",
        "/change close successful Totals of the first night are right",
        "/change close backed-out Totals differed by a cent",
    ),
    permission=Permission.READ,
    run=_show_or_do,
    weighty=True,
)
