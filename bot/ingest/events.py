"""GitHub's JSON becomes one of these events once, and is never seen again.

Translation is lenient: keys that are missing, null or unknown are never an error. A payload that lacks what its event
needs becomes ``Ignored``, which is counted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.facts.model import Account, AccountKind

MOST_COMMAND_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Where:
    """The repository of an event."""

    installation_id: int
    repository_id: int
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class PullRequestTouched:
    """Something about a pull request changed. ``pushed`` is the head that ``sender`` just pushed, if that happened."""

    where: Where
    number: int
    pushed: str | None = None
    sender: Account | None = None


@dataclass(frozen=True, slots=True)
class CommandWritten:
    """A person created a comment on a pull request that has a line beginning with a slash."""

    where: Where
    number: int
    comment_id: int
    sender: Account
    text: str


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed a button of our check run, or asked GitHub to run it again (``rerun``).

    ``external_id`` is what we wrote into the run: GitHub names no pull request there for forks and merge groups.
    """

    where: Where
    head: str
    external_id: str
    sender: Account
    button: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A branch got a new tip. ``sender`` is None for a deploy key or an account that GitHub does not name."""

    where: Where
    branch: str
    after: str
    sender: Account | None
    to_default: bool


@dataclass(frozen=True, slots=True)
class MergeGroupRequested:
    """The merge queue asks for a check of a group."""

    where: Where
    base: str
    head: str
    head_ref: str


@dataclass(frozen=True, slots=True)
class MergeGroupDropped:
    """The merge queue has no use for a group any more: it was merged, or has to be made anew."""

    where: Where
    base: str
    head: str
    head_ref: str


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """What people may do changed: teams, members, collaborators. ``concerns`` are the facts that it makes stale."""

    installation_id: int
    concerns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstallationChanged:
    """The App was installed, removed, suspended or given other repositories."""

    installation_id: int
    account_id: int
    account: str
    state: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that Countersign looks at; ``reason`` is a word for the statistics."""

    reason: str


Event = (
    PullRequestTouched
    | CommandWritten
    | ButtonPressed
    | Pushed
    | MergeGroupRequested
    | MergeGroupDropped
    | StandingChanged
    | InstallationChanged
    | Ignored
)
Payload = Mapping[str, Any]

NOT_WATCHED = Ignored("not-watched")
INCOMPLETE = Ignored("incomplete")


_UNKEPT = re.compile("[\x00\ud800-\udfff]")


class _Lacking(Exception):
    """The payload lacks what its event needs."""


def translate(name: str, payload: Payload) -> Event:
    """The event of a delivery named ``name`` (``X-GitHub-Event``). Never raises, whatever the payload is."""
    reader = _READERS.get(name)
    if reader is None:
        return NOT_WATCHED
    try:
        return reader(payload)
    except _Lacking:
        return INCOMPLETE


def _mapping(value: object) -> Payload:
    return value if isinstance(value, Mapping) else {}


def _text(holder: Payload, key: str) -> str:
    value = _word(holder, key)
    if not value:
        raise _Lacking
    return value


def _word(holder: Payload, key: str) -> str:
    """A text that may be missing."""
    value = holder.get(key)
    # No database keeps NUL or half a character, and GitHub names nothing so.
    return value if isinstance(value, str) and not _UNKEPT.search(value) else ""


def _number(holder: Payload, key: str) -> int:
    value = holder.get(key)
    # A boolean is an int to Python, and an id beyond the database's bigint is nobody's.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise _Lacking
    return value


def _account(value: object) -> Account | None:
    holder = _mapping(value)
    kinds = {"User": AccountKind.USER, "Bot": AccountKind.BOT}
    try:
        return Account(
            _number(holder, "id"), _text(holder, "login"), kinds.get(str(holder.get("type")), AccountKind.OTHER)
        )
    except _Lacking:
        return None


def _sender(payload: Payload) -> Account:
    sender = _account(payload.get("sender"))
    if sender is None:
        raise _Lacking
    return sender


def _where(payload: Payload) -> Where:
    repository = _mapping(payload.get("repository"))
    owner, _, name = _text(repository, "full_name").partition("/")
    if not name:
        raise _Lacking
    return Where(_number(_mapping(payload.get("installation")), "id"), _number(repository, "id"), owner, name)


def _pull_request(payload: Payload) -> Event:
    pull = _mapping(payload.get("pull_request"))
    pushed = (_word(_mapping(pull.get("head")), "sha") or None) if payload.get("action") == "synchronize" else None
    return PullRequestTouched(_where(payload), _number(pull, "number"), pushed, _account(payload.get("sender")))


def _review(payload: Payload) -> Event:
    return PullRequestTouched(_where(payload), _number(_mapping(payload.get("pull_request")), "number"))


def _comment(payload: Payload) -> Event:
    issue, comment = _mapping(payload.get("issue")), _mapping(payload.get("comment"))
    if payload.get("action") != "created":
        # Anybody who can write can edit other people's comments: only what was said first counts.
        return Ignored("comment-edited")
    if not isinstance(issue.get("pull_request"), Mapping):
        return NOT_WATCHED
    text = comment.get("body")
    if not isinstance(text, str) or not any(line.lstrip().startswith("/") for line in text.splitlines()):
        return Ignored("no-command")
    sender, author = _sender(payload), _account(comment.get("user"))
    if sender.kind is not AccountKind.USER or author is None or author.id != sender.id:
        return Ignored("not-a-person")
    if comment.get("performed_via_github_app"):
        return Ignored("not-a-person")
    where, number = _where(payload), _number(issue, "number")
    shown = _UNKEPT.sub("\ufffd", text)
    return CommandWritten(where, number, _number(comment, "id"), sender, shown[:MOST_COMMAND_TEXT])


def _check_run(payload: Payload) -> Event:
    action, run = _word(payload, "action"), _mapping(payload.get("check_run"))
    if action not in {"rerequested", "requested_action"}:
        return NOT_WATCHED
    button = "rerun" if action == "rerequested" else _text(_mapping(payload.get("requested_action")), "identifier")
    where, external_id = _where(payload), _word(run, "external_id")
    return ButtonPressed(where, _text(run, "head_sha"), external_id, _sender(payload), button)


def _push(payload: Payload) -> Event:
    ref, after = _text(payload, "ref"), _text(payload, "after")
    branch = ref.removeprefix("refs/heads/")
    if branch == ref or not after.strip("0"):
        # A tag, or a branch that ends: git says so with a commit of zeros.
        return NOT_WATCHED
    default = _mapping(payload.get("repository")).get("default_branch")
    sender = _account(payload.get("sender"))
    pusher = _mapping(payload.get("pusher"))
    by_key = "email" not in pusher and pusher.get("name") == "deploy_key"
    return Pushed(_where(payload), branch, after, None if by_key else sender, branch == default)


def _merge_group(payload: Payload) -> Event:
    action = _word(payload, "action")
    if action not in {"checks_requested", "destroyed"}:
        return NOT_WATCHED
    group = _mapping(payload.get("merge_group"))
    base = _text(group, "base_ref").removeprefix("refs/heads/")
    kind = MergeGroupRequested if action == "checks_requested" else MergeGroupDropped
    return kind(_where(payload), base, _text(group, "head_sha"), _text(group, "head_ref"))


def _installation_id(payload: Payload) -> int:
    return _number(_mapping(payload.get("installation")), "id")


def _team_concerns(payload: Payload) -> set[str]:
    """The team and the teams above it, which its members belong to as well."""
    team = _mapping(payload.get("team"))
    if not team:
        return set()
    organization = _text(_mapping(payload.get("organization")), "login")
    slugs = {_text(team, "slug"), _word(_mapping(team.get("parent")), "slug")}
    return {f"team:{organization}/{slug}".lower() for slug in slugs if slug}


def _standing(payload: Payload) -> Event:
    concerns = _team_concerns(payload)
    membership = _mapping(payload.get("membership"))
    people = map(_account, (payload.get("member"), payload.get("user"), membership.get("user")))
    concerns |= {f"account:{person.id}" for person in people if person is not None}
    repository = _mapping(payload.get("repository"))
    concerns |= {f"repository:{_number(repository, 'id')}"} if repository else set()
    if not concerns:
        return INCOMPLETE
    return StandingChanged(_installation_id(payload), tuple(sorted(concerns)))


def _repository(payload: Payload) -> Event:
    where = _where(payload)
    return StandingChanged(where.installation_id, (f"repository:{where.repository_id}",))


def _installation(payload: Payload) -> Event:
    installation = _mapping(payload.get("installation"))
    account = _mapping(installation.get("account"))
    states = {"deleted": "deleted", "suspend": "suspended"}
    state = states.get(str(payload.get("action")), "active")
    return InstallationChanged(_number(installation, "id"), _number(account, "id"), _text(account, "login"), state)


_READERS: Mapping[str, Callable[[Payload], Event]] = {
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "issue_comment": _comment,
    "check_run": _check_run,
    "push": _push,
    "merge_group": _merge_group,
    "membership": _standing,
    "team": _standing,
    "team_add": _standing,
    "member": _standing,
    "organization": _standing,
    "repository": _repository,
    "installation": _installation,
    "installation_repositories": _installation,
}
