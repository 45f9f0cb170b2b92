"""The least that GitHub's deliveries must hold to ask for something."""

from typing import Any

INSTALLATION = 7
REPOSITORY = 21


def account(id_: int = 1, login: str = "alice") -> dict[str, Any]:
    return {"id": id_, "login": login, "type": "User"}


def where(installation: int = INSTALLATION) -> dict[str, Any]:
    return {
        "installation": {"id": installation},
        "repository": {"id": REPOSITORY, "full_name": "acme/ledger", "default_branch": "main"},
        "sender": account(),
    }


def pull_request(number: int = 1, *, installation: int = INSTALLATION) -> dict[str, Any]:
    return {"action": "opened", "pull_request": {"number": number, "head": {"sha": "a" * 40}}} | where(installation)


def pushed(after: str = "b" * 40, ref: str = "refs/heads/topic") -> dict[str, Any]:
    return {"ref": ref, "after": after, "pusher": {"name": "alice", "email": "a@acme.test"}} | where()


def commented(text: str, *, number: int = 1, comment: int = 5) -> dict[str, Any]:
    issue = {"number": number, "pull_request": {}}
    return {"action": "created", "issue": issue, "comment": {"id": comment, "body": text, "user": account()}} | where()


def installed(action: str = "created", installation: int = INSTALLATION) -> dict[str, Any]:
    holder = {"id": installation, "account": {"id": 3, "login": "acme", "type": "Organization"}}
    return {"action": action, "installation": holder, "sender": account()}


def member_added(slug: str = "risk") -> dict[str, Any]:
    team = {"action": "added", "team": {"slug": slug}, "organization": {"login": "acme"}, "member": account(2, "bob")}
    return team | {"installation": {"id": INSTALLATION}, "sender": account()}
