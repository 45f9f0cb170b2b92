"""GitHub's JSON becomes an event once, and is never seen again.

Translation is lenient: keys that are missing, null or unknown are never an error. A payload that lacks what its event
needs becomes ``Ignored``, which is counted.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.facts.model import Account, AccountKind
from bot.ingest.events import (
    INCOMPLETE,
    NOT_WATCHED,
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
from bot.publish.effects import CHECK
from bot.unauthorised.model import EVERYWHERE, Kind
from bot.words import listed, quoted

Payload = Mapping[str, Any]

MOST_COMMAND_TEXT = 64 * 1024

_UNKEPT = re.compile("[\x00\ud800-\udfff]")


class _Lacking(Exception):
    """The payload lacks what its event needs."""


def translate(name: str, payload: Payload, *, app_id: int | None = None) -> Event:
    """The event of a delivery named ``name`` (``X-GitHub-Event``). Never raises, whatever the payload is.

    ``app_id`` is our own App, whose reports are no news.
    """
    reader = _READERS.get(name)
    if reader is None:
        return NOT_WATCHED
    try:
        event = reader(payload)
    except _Lacking:
        return INCOMPLETE
    ours = isinstance(event, GateBypassed) and event.app_id is not None and event.app_id == app_id
    return NOT_WATCHED if ours else event


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
    base, sender = _mapping(pull.get("base")), _account(payload.get("sender"))
    retargeted = "base" in _mapping(payload.get("changes"))
    onto = (_text(base, "ref"), _text(base, "sha")) if retargeted else None
    return PullRequestTouched(_where(payload), _number(pull, "number"), pushed, sender, onto)


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
    shown, written_at = _UNKEPT.sub("\ufffd", text), _moment(_word(comment, "created_at"))
    return CommandWritten(where, number, _number(comment, "id"), sender, shown[:MOST_COMMAND_TEXT], written_at)


def _check_run(payload: Payload) -> Event:
    action, run = _word(payload, "action"), _mapping(payload.get("check_run"))
    if action in {"created", "completed"} and _word(run, "name") == CHECK:
        return _named_alike(payload, run)
    if action not in {"rerequested", "requested_action"}:
        return NOT_WATCHED
    button = "rerun" if action == "rerequested" else _text(_mapping(payload.get("requested_action")), "identifier")
    where, external_id = _where(payload), _word(run, "external_id")
    return ButtonPressed(where, _text(run, "head_sha"), external_id, _sender(payload), button)


def _named_alike(payload: Payload, run: Payload) -> Event:
    """A check run that goes by the name of ours; whose it is says the App's number, which nobody can choose."""
    where, head, app = _where(payload), _text(run, "head_sha"), _mapping(run.get("app"))
    number = _number(app, "id")
    slug = quoted(_word(app, "slug"))
    what = f"The App {slug} reported a check {quoted(CHECK)} on {head[:7]}, which only Countersign does."
    reference = f"check:{head}:{number}"
    sender = _account(payload.get("sender"))
    return _around(where, Kind.IMPOSTOR, reference, what, sender, app_id=number)


def _status(payload: Payload) -> Event:
    """A commit status that goes by the name of our check: we never set one, and anybody who can write can."""
    if _word(payload, "context").lower() != CHECK:
        return NOT_WATCHED
    where, head, sender = _where(payload), _text(payload, "sha"), _sender(payload)
    what = f"@{sender.login} set a status {quoted(CHECK)} on {head[:7]}, which Countersign never does."
    return _around(where, Kind.IMPOSTOR, f"status:{head}:{sender.id}", what, sender)


def _around(
    where: Where, kind: Kind, reference: str, what: str, sender: Account | None, *, app_id: int | None = None
) -> GateBypassed:
    return GateBypassed(where.installation_id, where.repository_id, kind, reference, what, sender, app_id=app_id)


def _ruleset(payload: Payload) -> Event:
    """A ruleset that protects less than before. One of the organisation concerns every repository."""
    rules, changes = _mapping(payload.get("repository_ruleset")), _mapping(payload.get("changes"))
    action = _word(payload, "action")
    weaker = _weaker(rules, changes) if action == "edited" else ["deleted"] if action == "deleted" else []
    if not weaker:
        return NOT_WATCHED
    name, stamp = quoted(_word(rules, "name")), _word(rules, "updated_at")
    repository, sender = _mapping(payload.get("repository")), _sender(payload)
    return GateBypassed(
        _installation_id(payload),
        _number(repository, "id") if repository else EVERYWHERE,
        Kind.PROTECTION,
        f"ruleset:{_number(rules, 'id')}:{action}:{stamp}:{','.join(sorted(map(str, changes)))}",
        f"@{sender.login} changed the ruleset {name}: {listed(weaker)}.",
        sender,
        _moment(stamp),
    )


def _weaker(rules: Payload, changes: Payload) -> list[str]:
    """What of a change to a ruleset may let through what was held back before."""
    found = []
    was, now = _word(_mapping(changes.get("enforcement")), "from"), _word(rules, "enforcement")
    if was == "active" and now != "active":
        found.append(f"its enforcement went from active to {now or 'nothing'}")
    for part, words in (("rules", "rules"), ("conditions", "conditions")):
        changed = _mapping(changes.get(part))
        if changed.get("deleted") or changed.get("updated") or (part == "conditions" and changed.get("added")):
            found.append(f"its {words} were changed or taken away")
    return found


def _branch_protection(payload: Payload) -> Event:
    """A rule of branch protection that was deleted, or changed in what it enforces."""
    rule, action = _mapping(payload.get("rule")), _word(payload, "action")
    changes = sorted(str(each) for each in _mapping(payload.get("changes")))
    if action != "deleted" and not (action == "edited" and changes):
        return NOT_WATCHED
    where, sender, stamp = _where(payload), _sender(payload), _word(rule, "updated_at")
    done = "deleted" if action == "deleted" else f"changed ({', '.join(quoted(each) for each in changes)})"
    return GateBypassed(
        where.installation_id,
        where.repository_id,
        Kind.PROTECTION,
        f"branch-protection:{_number(rule, 'id')}:{action}:{stamp}:{','.join(changes)}",
        f"@{sender.login} {done} the protection of the branch {quoted(_word(rule, 'name'))}.",
        sender,
        _moment(stamp),
    )


def _protection_disabled(payload: Payload) -> Event:
    if payload.get("action") != "disabled":
        return NOT_WATCHED
    where, sender = _where(payload), _sender(payload)
    stamp = _word(_mapping(payload.get("repository")), "updated_at")
    what = f"@{sender.login} switched off the branch protection of the repository."
    return _around(where, Kind.PROTECTION, f"branch-protection:disabled:{stamp}", what, sender)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _push(payload: Payload) -> Event:
    ref, after = _text(payload, "ref"), _text(payload, "after")
    branch, tag = ref.removeprefix("refs/heads/"), ref.removeprefix("refs/tags/")
    if not after.strip("0"):
        # A branch or a tag that ends: git says so with a commit of zeros.
        return NOT_WATCHED
    before = _word(payload, "before")
    old = before if before.strip("0") else None
    if tag != ref:
        return Tagged(_where(payload), tag, after, _account(payload.get("sender")), old is not None)
    if branch == ref:
        return NOT_WATCHED
    default = _mapping(payload.get("repository")).get("default_branch")
    sender = _account(payload.get("sender"))
    pusher = _mapping(payload.get("pusher"))
    by_key = "email" not in pusher and pusher.get("name") == "deploy_key"
    return Pushed(_where(payload), branch, after, None if by_key else sender, branch == default, old)


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
    people = [*map(_account, (payload.get("member"), payload.get("user"), membership.get("user")))]
    concerns |= {f"account:{person.id}" for person in people if person is not None}
    repository = _mapping(payload.get("repository"))
    concerns |= {f"repository:{_number(repository, 'id')}"} if repository else set()
    if not concerns:
        return INCOMPLETE
    member, action = people[0], _word(payload, "action")
    moved = [] if member is None else [(place, member.id) for place in _places(payload, repository)]
    return StandingChanged(
        _installation_id(payload),
        tuple(sorted(concerns)),
        joined=tuple(moved) if action in {"added", "edited"} else (),
        left=tuple(moved) if action == "removed" else (),
    )


def _places(payload: Payload, repository: Payload) -> list[str]:
    """What a member was added to or removed from: a team with the one above it, or a repository by its own right."""
    if payload.get("team"):
        return sorted(_team_concerns(payload))
    return [f"permission:{_number(repository, 'id')}"] if repository else []


def _repository(payload: Payload) -> Event:
    where = _where(payload)
    return StandingChanged(where.installation_id, (f"repository:{where.repository_id}",))


def _properties(payload: Payload) -> Event:
    """The organisation's own words for a repository, by which the inventory may know it."""
    repository = _mapping(payload.get("repository"))
    return StandingChanged(_installation_id(payload), (f"properties:{_number(repository, 'id')}",))


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
    "status": _status,
    "repository_ruleset": _ruleset,
    "branch_protection_rule": _branch_protection,
    "branch_protection_configuration": _protection_disabled,
    "merge_group": _merge_group,
    "membership": _standing,
    "team": _standing,
    "team_add": _standing,
    "member": _standing,
    "organization": _standing,
    "repository": _repository,
    "custom_property_values": _properties,
    "installation": _installation,
    "installation_repositories": _installation,
}
