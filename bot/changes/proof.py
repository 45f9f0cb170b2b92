"""What the ledger says of a transition of a change record: enough to show years later who authorised what, and how.

Whatever the record says is named by its digest: the SHA-256 of the canonical JSON (RFC 8785) of its ``contents``, and
of the text of each plan. Whoever has the record or the text can show that it is the one.
"""

import hashlib
from typing import Any

import rfc8785

from bot.changes import codec, rounds
from bot.changes.model import Act, Authorisation, Change, Contents, Declaration, Request, Round, Transition
from bot.facts.codec import plain
from bot.ledger.entries import Entry, Kind, moment

_RELEASES = {Act.START, Act.OVERTAKE, Act.BYPASS, Act.FINISH, Act.BACK_OUT}
"""What says when a change was really made."""


def entry(change: Change, told: Transition) -> Entry:
    """The entry for the ledger of what happened to a record; ``change`` is the record after it."""
    contents = change.contents
    body: dict[str, Any] = {
        "change": told.number,
        "version": told.version,
        "act": told.act.value,
        "before": told.before.value,
        "after": told.after.value,
        "actor": codec.told(told.who) if told.who is not None else None,
        "why": told.why,
        "diff": contents.diff,
        "head": contents.head,
        "round": change.round,
        "window": contents.window.iso if contents.window is not None else None,
        "contents": digest(contents),
        **_of_act(change, told.act),
    }
    if told.act in _RELEASES and change.started_at is not None:
        # The entry is written when it is heard of, which can be later.
        ended = {"ended_at": moment(change.ended_at)} if change.ended_at is not None else {}
        body |= {"started_at": moment(change.started_at), **ended}
    if change.closure is not None:
        body["closure"] = change.closure.value
    if change.is_unauthorised:
        body["unauthorised"] = True
    if told.act not in {Act.VOTE, Act.WITHDRAW}:
        return Entry(Kind.CHANGE_MOVED, told.number, body)
    vote = change.votes[-1]
    body |= {"choice": vote.choice.value, "said_at": moment(vote.at), "review": vote.review, "place": vote.place}
    if told.act is Act.VOTE:
        return Entry(Kind.VOTE_CAST, told.number, body)
    return Entry(Kind.VOTE_WITHDRAWN, told.number, {**body, "voter": codec.told(vote.by)})


def digest(contents: Contents) -> str:
    """SHA-256 of what the record says of the change, in hexadecimal."""
    return hashlib.sha256(rfc8785.dumps(plain(contents))).hexdigest()


def _of_act(change: Change, act: Act) -> dict[str, Any]:
    """What is told of one act besides: who was asked, what was decided, or on which terms it is authorised."""
    match act:
        case Act.DECLARE if change.emergency is not None:
            return {"emergency": _declared(change.emergency)}
        case Act.SUBMIT | Act.ASSESS if change.request is not None:
            return {"asked": _asked(change.request), **_until(change)}
        case Act.ESCALATE if change.escalation is not None:
            return {"asked": _asked(change.escalation), **_until(change)}
        case Act.EXTEND:
            return _until(change)
        case Act.AUTHORIZE if change.authorisation is not None:
            return {"authorisation": _authorised(change, change.authorisation), **_decision(change)}
        case Act.REJECT | Act.DEFER:
            return _decision(change)
        case _:
            return {}


def _until(change: Change) -> dict[str, Any]:
    return {"deadline": moment(change.deadline)} if change.deadline is not None else {}


def _declared(declared: Declaration) -> dict[str, Any]:
    return {"incident": declared.incident, "reason": declared.reason, "by": codec.told(declared.by)}


def _asked(request: Request) -> dict[str, Any]:
    """Who was asked, and for which roles each of them."""
    members = [{**codec.told(each), "roles": list(request.roles_of(each))} for each in request.members]
    by = codec.told(request.by) if request.by is not None else None
    return {"by": by, "at": moment(request.at), "roles": list(request.roles), "members": members}


def _authorised(change: Change, given: Authorisation) -> dict[str, Any]:
    contents = change.contents
    return {
        "at": moment(given.at),
        "by": [codec.told(each) for each in given.by],
        "reviewers": [codec.told(each) for each in given.reviewers],
        "routing": plain(given.routing),
        "template": given.template,
        "policy": given.policy,
        "type": contents.kind.value,
        "tier": contents.tier.label,
        "plans": {plan.value: hashlib.sha256(text.encode()).hexdigest() for plan, text in contents.plans},
    }


def _decision(change: Change) -> dict[str, Any]:
    """What the board decided in this round, with each vote as it was counted; nothing where none decides."""
    last = change.decided[-1] if change.decided else None
    return {"decision": _decided(change, last)} if last is not None and last.number == change.round else {}


def _decided(change: Change, decided: Round) -> dict[str, Any]:
    votes = [
        {
            "voter": codec.told(each.vote.by),
            "choice": each.vote.choice.value,
            "said_at": moment(each.vote.at),
            "not_counted": each.reason,
            "signs": each.signs,
        }
        for each in rounds.counted(change, decided)
    ]
    until = moment(decided.deadline) if decided.deadline is not None else None
    return {"outcome": decided.outcome.name.lower(), "deadline": until, "why": decided.why, "votes": votes}
