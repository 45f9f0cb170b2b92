"""What an event asks for: subjects to look at, and what it tells that nobody can read again later."""

import re
from dataclasses import dataclass, field, replace
from typing import assert_never

from bot.facts.model import Account
from bot.ingest.events import (
    ButtonPressed,
    CommandWritten,
    Event,
    Ignored,
    InstallationChanged,
    MergeGroupDropped,
    MergeGroupRequested,
    PullRequestTouched,
    Pushed,
    StandingChanged,
    Where,
)
from bot.queue.model import Subject, Urgency, Wish

PULL = "pull"
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
    """What a person asked for: a comment with commands, or a button. ``origin`` makes it unique."""

    subject: str
    origin: str
    actor: Account
    text: str
    comment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that a delivery asks for. ``ignored`` is the reason when it asks for nothing."""

    wishes: tuple[Wish, ...] = ()
    pushes: tuple[PushSeen, ...] = ()
    requests: tuple[Request, ...] = ()
    concerns: dict[str, Urgency] = field(default_factory=dict)
    installation: InstallationChanged | None = None
    ignored: str | None = None


def pull_key(repository_id: int, number: int) -> str:
    """The key of a pull request among the subjects."""
    return f"{PULL}:{repository_id}:{number}"


def pull_subject(where: Where, number: int) -> Subject:
    """A pull request as a subject."""
    about = {"owner": where.owner, "name": where.name, "repository_id": where.repository_id, "number": number}
    return Subject(pull_key(where.repository_id, number), PULL, where.installation_id, about)


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
        case PullRequestTouched(where, number, pushed, sender):
            push = PushSeen(where.repository_id, f"pull/{number}", pushed or "", sender, "synchronize")
            subject = pull_subject(where, number)
            # A group of the merge queue depends on its members.
            return Intake((_now(subject),), (push,) if pushed else (), concerns={subject.key: Urgency.PERSON})
        case CommandWritten(where, number, comment_id, sender, text):
            subject = pull_subject(where, number)
            request = Request(subject.key, f"comment:{comment_id}", sender, text, comment_id)
            return Intake((_now(subject),), requests=(request,))
        case ButtonPressed():
            return _pressed(event)
        case Pushed(where, branch, after, sender, to_default):
            push = PushSeen(where.repository_id, f"refs/heads/{branch}", after, sender, "push")
            concerns = {f"base:{where.repository_id}:{branch}": Urgency.TIMER}
            if to_default:
                concerns[f"policy:{where.owner}/{where.name}".lower()] = Urgency.TIMER
            return Intake(pushes=(push,), concerns=concerns)
        case MergeGroupRequested() | MergeGroupDropped():
            return _group(event)
        case StandingChanged(_, concerned):
            return Intake(concerns=dict.fromkeys(concerned, Urgency.TIMER))
        case InstallationChanged(installation_id, _, account, _):
            return Intake((_now(installation_subject(installation_id, account)),), installation=event)
        case Ignored(reason):
            return Intake(ignored=reason)
        case _:
            assert_never(event)


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
