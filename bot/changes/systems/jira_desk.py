"""What a Jira site has beside the issues: the types of its requests, its people, and what is kept around a request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.changes.systems.errors import NoRequester
from bot.changes.systems.http import Door, route
from bot.changes.systems.jira_approvals import judged
from bot.changes.systems.jira_fields import LONGEST_TEXT, items, text
from bot.changes.systems.port import Approval, ApprovalState
from bot.changes.systems.texts import fitted, same
from bot.errors import Refusal

DESK = "/rest/servicedeskapi"
# Version 3 of the platform's API differs by taking texts as documents, which nothing here needs.
API = "/rest/api/2"
ISSUE_ID = re.compile(r"[0-9]{1,19}")
PAGE = 50
MOST_PAGES = 40


@dataclass(slots=True)
class Desk:
    """A service desk, and the people of its site."""

    door: Door
    service_desk: str
    _request_types: dict[str, str] = field(init=False, default_factory=dict)
    _account_id: str = field(init=False, default="")

    async def request_type(self, name: str) -> str:
        """The id of a request type of the service desk."""
        if name not in self._request_types:
            path = route(f"{DESK}/servicedesk/{{id}}/requesttype", id=self.service_desk)
            found = await self.all(path, {})
            ids = [text(each, "id") for each in found if text(each, "name") == name]
            if len(ids) != 1:
                raise Refusal(
                    f"The service desk {self.service_desk} has {len(ids) or 'no'} request types named '{name}'.",
                    remedy="Countersign's field map names one that is there once.",
                )
            self._request_types[name] = ids[0]
        return self._request_types[name]

    async def account(self, said: str) -> str:
        """The account id of somebody, who may be named by an e-mail address."""
        if "@" not in said:
            return said
        found = await self.door.get(f"{API}/user/search", {"query": said, "maxResults": str(PAGE)})
        people = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        ids = [
            text(each, "accountId") for each in people if str(each.get("emailAddress")).casefold() == said.casefold()
        ]
        if len(ids) != 1:
            raise NoRequester(
                f"Jira shows Countersign {len(ids) or 'no'} accounts whose e-mail address is '{said}'.",
                remedy="That person lets the site see the address, or the change names the account id.",
            )
        return ids[0]

    async def myself(self) -> str:
        """The id of Countersign's account, which made every request that it raised, whoever it was raised for."""
        if not self._account_id:
            self._account_id = text(await self.door.get(f"{API}/myself"), "accountId")
        return self._account_id

    async def all(self, path: str, query: Mapping[str, str]) -> list[Any]:
        """Every page of a list."""
        found: list[Any] = []
        for _ in range(MOST_PAGES):
            answer = await self.door.get(path, {**query, "start": str(len(found)), "limit": str(PAGE)})
            values = items(answer, "values")
            found += values
            if answer.get("isLastPage") is True or not values:
                return found
        raise Refusal(f"Jira has more than {MOST_PAGES} pages of {path}.")

    async def approvals(self, ref: str) -> tuple[tuple[Approval, ...], ApprovalState]:
        """Who was asked and has answered, and the answer to what was asked last."""
        return judged(await self.all(route(f"{DESK}/request/{{id}}/approval", id=checked(ref)), {}))

    async def changes(self, ref: str) -> list[Any]:
        """Everything that was changed of the issue, the earliest first."""
        found: list[Any] = []
        path = route(f"{API}/issue/{{id}}/changelog", id=checked(ref))
        for _ in range(MOST_PAGES):
            answer = await self.door.get(path, {"startAt": str(len(found)), "maxResults": str(PAGE)})
            values = items(answer, "values")
            found += values
            if answer.get("isLast") is True or not values:
                return found
        raise Refusal(f"Jira has more than {MOST_PAGES} pages of {path}.")

    async def comments(self, ref: str, query: Mapping[str, str] | None = None) -> list[Any]:
        """Every comment of the request that ``query`` finds."""
        return await self.all(route(f"{DESK}/request/{{id}}/comment", id=checked(ref)), query or {})

    async def add_note(self, ref: str, said: str) -> None:
        """Add an internal comment, unless the same one is there."""
        note = fitted(said, LONGEST_TEXT)
        for each in await self.comments(ref, {"public": "false", "internal": "true"}):
            if isinstance(each, dict) and same(note, str(each.get("body"))):
                return
        path = route(f"{DESK}/request/{{id}}/comment", id=checked(ref))
        await self.door.send("POST", path, {"body": note, "public": False})


def checked(ref: str) -> str:
    """An issue's id, before it becomes a part of an address.

    Raises:
        Refusal: it is none.

    """
    if not ISSUE_ID.fullmatch(ref):
        raise Refusal(f"'{ref}' is no id of a request in Jira.")
    return ref
