"""What an event asks for: subjects to look at, and what it tells that nobody can read again later."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from bot.facts.model import Account
from bot.ingest.events import (
    ButtonPressed,
    CommandWritten,
    Event,
    GateBypassed,
    Ignored,
    InstallationChanged,
    MergeGroupDropped,
    MergeGroupRequested,
    PullRequestTouched,
    Pushed,
    StandingChanged,
    Tagged,
    Where,
)
from bot.queue.model import Subject, Urgency, Wish
from bot.unauthorised.model import concern

PULL = "pull"
BRANCH = "branch"
TAG = "tag"
MERGE_GROUP = "merge_group"
INSTALLATION = "installation"

_OUR_PULL = re.compile(rf"{PULL}:([0-9]{{1,19}}):([1-9][0-9]{{0,8}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PushSeen:
    """Somebody put ``after`` at the tip of ``ref``; ``via`` says how it is known."""

    repository_id: int
    ref: str
    after: str
    actor: Account | None
    via: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for: a comment with commands, or a button. ``origin`` makes it unique.

    ``written_at`` is when the comment was written, which can be long before it reaches us.
    """

    subject: str
    origin: str
    actor: Account
    text: str
    comment_id: int | None = None
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that a delivery asks for. ``ignored`` is the reason when it asks for nothing.

    ``watched`` has, for the key of a branch, the tip from which on everything that lands there is looked at.
    """

    wishes: tuple[Wish, ...] = ()
    pushes: tuple[PushSeen, ...] = ()
    requests: tuple[Request, ...] = ()
    concerns: dict[str, Urgency] = field(default_factory=dict)
    found: tuple[GateBypassed, ...] = ()
    watched: tuple[tuple[str, str], ...] = ()
    joined: tuple[tuple[str, int], ...] = ()
    left: tuple[tuple[str, int], ...] = ()
    installation: InstallationChanged | None = None
    ignored: str | None = None


def pull_key(repository_id: int, number: int) -> str:
    """The key of a pull request among the subjects."""
    return f"{PULL}:{repository_id}:{number}"


def pull_subject(where: Where, number: int) -> Subject:
    """A pull request as a subject."""
    about = {"owner": where.owner, "name": where.name, "repository_id": where.repository_id, "number": number}
    return Subject(pull_key(where.repository_id, number), PULL, where.installation_id, about)


def branch_subject(where: Where, branch: str) -> Subject:
    """A branch as a subject: what landed on it since it was last looked at."""
    about = {"owner": where.owner, "name": where.name, "repository_id": where.repository_id, "branch": branch}
    return Subject(f"{BRANCH}:{where.repository_id}:{branch}", BRANCH, where.installation_id, about)


def tag_subject(event: Tagged) -> Subject:
    """A tag as a subject, with who put it where it is."""
    where, sender = event.where, event.sender
    about = {
        "owner": where.owner,
        "name": where.name,
        "repository_id": where.repository_id,
        "tag": event.tag,
        "after": event.after,
        "moved": event.moved,
        "sender": [sender.id, sender.login, sender.kind.value] if sender else None,
    }
    return Subject(f"{TAG}:{where.repository_id}:{event.tag}", TAG, where.installation_id, about)


def merge_group_subject(where: Where, base: str, head: str, head_ref: str) -> Subject:
    """A group of the merge queue as a subject."""
    about = {
        "owner": where.owner,
        "name": where.name,
        "repository_id": where.repository_id,
        "base": base,
        "head": head,
        "head_ref": head_ref,
    }
    return Subject(f"{MERGE_GROUP}:{where.repository_id}:{head}", MERGE_GROUP, where.installation_id, about)


def installation_subject(installation_id: int, account: str) -> Subject:
    """An installation as a subject: its open pull requests are listed when it is looked at."""
    return Subject(f"{INSTALLATION}:{installation_id}", INSTALLATION, installation_id, {"account": account})


def intake(event: Event) -> Intake:
    """What ``event`` asks for."""
    match event:
        case PullRequestTouched():
            return _touched(event)
        case CommandWritten(where, number, comment_id, sender, text, written_at):
            subject = pull_subject(where, number)
            request = Request(subject.key, f"comment:{comment_id}", sender, text, comment_id, written_at)
            return Intake((_now(subject),), requests=(request,))
        case ButtonPressed():
            return _pressed(event)
        case Pushed() | Tagged() | GateBypassed():
            return _around_the_gate(event)
        case MergeGroupRequested() | MergeGroupDropped():
            return _group(event)
        case StandingChanged(_, concerned, joined, left):
            return Intake(concerns=dict.fromkeys(concerned, Urgency.TIMER), joined=joined, left=left)
        case InstallationChanged(installation_id, _, account, _):
            return Intake((_now(installation_subject(installation_id, account)),), installation=event)
        case Ignored(reason):
            return Intake(ignored=reason)
        case _:
            assert_never(event)


def _touched(event: PullRequestTouched) -> Intake:
    """The pull request; and whatever lands on the branch that it is aimed at now, before anybody has looked at it."""
    where, subject = event.where, pull_subject(event.where, event.number)
    push = PushSeen(where.repository_id, f"pull/{event.number}", event.pushed or "", event.sender, "synchronize")
    branch, tip = event.onto or ("", "")
    onto = branch_subject(where, branch)
    return Intake(
        (_now(subject), *([Wish(onto, Urgency.TIMER)] if branch else ())),
        (push,) if event.pushed else (),
        # A group of the merge queue depends on its members.
        concerns={subject.key: Urgency.PERSON},
        watched=((onto.key, tip),) if branch else (),
    )


def _around_the_gate(event: Pushed | Tagged | GateBypassed) -> Intake:
    match event:
        case Pushed():
            return _pushed(event)
        case Tagged():
            return Intake((Wish(tag_subject(event), Urgency.TIMER),))
        case GateBypassed(installation_id, repository_id):
            return Intake(found=(event,), concerns={concern(installation_id, repository_id): Urgency.TIMER})
        case _:
            assert_never(event)


def _pushed(event: Pushed) -> Intake:
    """Whatever depends on the branch; the default branch is looked at in any case, since policies are read from it."""
    where = event.where
    push = PushSeen(where.repository_id, f"refs/heads/{event.branch}", event.after, event.sender, "push")
    concerns = {f"base:{where.repository_id}:{event.branch}": Urgency.TIMER}
    if not event.to_default:
        return Intake(pushes=(push,), concerns=concerns)
    concerns[f"policy:{where.owner}/{where.name}".lower()] = Urgency.TIMER
    subject = branch_subject(where, event.branch)
    watched = ((subject.key, event.before or event.after),)
    return Intake((Wish(subject, Urgency.TIMER),), pushes=(push,), concerns=concerns, watched=watched)


def _group(event: MergeGroupRequested | MergeGroupDropped) -> Intake:
    subject = merge_group_subject(event.where, event.base, event.head, event.head_ref)
    if isinstance(event, MergeGroupDropped):
        # It stays dropped, also when the request for its check arrives late.
        subject = replace(subject, about={**subject.about, "dropped": True})
    return Intake((_now(subject),))


def _now(subject: Subject) -> Wish:
    return Wish(subject, Urgency.PERSON)


def _pressed(event: ButtonPressed) -> Intake:
    """The check run says itself what it belongs to: GitHub names no pull request for forks and merge groups."""
    where, key = event.where, event.external_id.partition("@")[0]
    pull = _OUR_PULL.fullmatch(key)
    if pull is not None and int(pull[1]) == where.repository_id:
        subject = pull_subject(where, int(pull[2]))
    elif key == f"{MERGE_GROUP}:{where.repository_id}:{event.head}":
        subject = Subject(key, MERGE_GROUP, where.installation_id, {"head": event.head})
    else:
        return Intake(ignored="not-our-check")
    return Intake((_now(subject),), requests=(Request(subject.key, "", event.sender, event.button),))
