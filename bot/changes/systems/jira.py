"""Change records in Jira Service Management Cloud: customer requests of one service desk.

Countersign raises requests and never answers an approval: Jira takes that for the answer of whoever calls it.
https://developer.atlassian.com/cloud/jira/service-desk/rest/
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from cachetools import LRUCache

from bot.changes.systems import adoption
from bot.changes.systems.adoption import OVER, UNDECIDED
from bot.changes.systems.authorization import Basic
from bot.changes.systems.errors import Disagrees, Invalid, MayHaveHappened, NotFound, Unanswered, Unsettled
from bot.changes.systems.http import Door, Speech, route
from bot.changes.systems.jira_adoption import check_free, checked_key, is_another_s
from bot.changes.systems.jira_desk import API, DESK, PAGE, Desk, checked
from bot.changes.systems.jira_fields import LABEL, JiraMap, holds, items, labels, moment, text
from bot.changes.systems.jira_history import NOBODY, closed_by, last_word
from bot.changes.systems.port import (
    WAY,
    ApprovalState,
    Asking,
    Closed,
    Closure,
    Content,
    Planned,
    Receipt,
    Snapshot,
    State,
    ahead,
    is_past,
)
from bot.clock import Clock
from bot.errors import Refusal
from bot.settings import JiraAccess
from bot.words import listed

__all__ = ["Jira", "JiraMap", "connect"]

UNTOUCHED = frozenset({State.DRAFT})
"""Where a request that was made twice is cancelled."""

SETTLED = timedelta(seconds=60)
"""A new request is not found at once: until then, nobody knows whether one that was not answered for is there.

https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""


def _words(answer: Any) -> str:
    if "errorMessage" in answer:
        return str(answer["errorMessage"])
    fields = answer.get("errors") or {}
    said = [str(each) for each in answer.get("errorMessages") or []]
    return "; ".join([*said, *(f"{name}: {why}" for name, why in fields.items())]) or str(answer.get("message") or "")


SPEECH = Speech(
    "Jira",
    _words,
    {
        400: "An administrator of the service desk puts the field that is named on the request type and on its screens "
        "(Labels too, hidden if you like: a change is found again by it), or Countersign's field map is put right.",
        401: "An administrator checks JIRA_USER and JIRA_TOKEN; a token expires, at most a year after it was made.",
        403: "An administrator of the service desk makes Countersign's account an agent of it.",
        404: "An administrator checks JIRA_SERVICE_DESK, and that Countersign's account can see the request.",
    },
)


def connect(access: JiraAccess, session: aiohttp.ClientSession, clock: Clock, fields: JiraMap | None = None) -> "Jira":
    """The site that the settings name; ``session`` is one of `bot.changes.systems.http.session`."""
    door = Door(SPEECH, access.url, session, clock, Basic(access.user, access.token))
    return Jira(door, access.service_desk, fields or JiraMap())


def _recent() -> LRUCache[str, str]:
    """The ids of the last requests that were made or taken here: a search for them is told to look for these, too."""
    return LRUCache(maxsize=1000)


@dataclass(slots=True)
class Jira:
    """A `bot.changes.systems.port.RecordSystem`."""

    door: Door
    service_desk: str
    fields: JiraMap
    desk: Desk = field(init=False)
    _made: LRUCache[str, str] = field(init=False, default_factory=_recent)

    def __post_init__(self) -> None:
        """The desk is behind the same door."""
        self.desk = Desk(self.door, self.service_desk)

    @property
    def name(self) -> str:
        """What people call it."""
        return SPEECH.name

    @property
    def settles(self) -> timedelta:
        """How long a request can still come that was asked for and not answered."""
        return SETTLED

    async def open(self, content: Content, *, asking: Asking = nullcontext) -> Receipt:
        """The one request with this correlation id, made when there is none."""
        issue = await self._find(content.correlation_id)
        if issue is None:
            made = self._made[content.correlation_id] = checked(text(await self._create(content, asking), "issueId"))
            # Another process may have made one at the same moment.
            issue = await self._find(content.correlation_id)
            if issue is None:
                raise Disagrees(
                    f"Jira made the request {made} without its label, by which it would be found again.",
                    remedy="An administrator of the service desk puts Labels on the request type and cancels that one.",
                )
        receipt = self._receipt(issue)
        return await self.update(receipt.id, content) if self._state(issue) is State.DRAFT else receipt

    async def find(self, correlation_id: str, *, kept: str = "") -> Receipt | None:
        """The request with this correlation id; None where there is none."""
        found = await self._find(correlation_id, kept)
        return self._receipt(found) if found is not None else None

    async def adopt(self, number: str, content: Content) -> Receipt:
        """Take the request of that key for this change, in place of any that was made for it."""
        wanted = self.fields.fields(content)
        issue = await self._keyed(checked_key(number), wanted)
        receipt, label = self._receipt(issue), LABEL + content.correlation_id
        if is_another_s(labels(issue), label):
            raise adoption.taken("Jira", number)
        await self._check_kind(receipt, content)
        is_ours = label in labels(issue)
        if not is_ours:
            await self._check_free(issue, wanted)
        # Whatever stands in the way of the last step is told before the first one.
        for each in await self._others(content, receipt):
            if self._state(issue) is State.CANCELLED:
                raise adoption.cancelled("Jira", number, text(each, "key"))
            await self._check_replaceable(each, number, UNDECIDED)
        if not is_ours:
            issue = await self._tie(receipt, label)
        if self._state(issue) not in OVER:
            await self.add_note(receipt.id, adoption.taken_note(content))
            await self.update(receipt.id, content)
        for each in await self._others(content, receipt):
            await self._discard(each, number, UNDECIDED, adoption.replaced_note(number))
        self._made[content.correlation_id] = receipt.id
        return receipt

    async def update(self, ref: str, content: Content) -> Receipt:
        """Bring the request to ``content``; what is so already is not written again."""
        wanted = self.fields.fields(content)
        issue = self._labelled(await self._issue(ref, wanted), content.correlation_id)
        receipt = self._receipt(issue)
        if differing := _differing(wanted, issue):
            path = route(f"{API}/issue/{{id}}", id=checked(ref))
            await self.door.send("PUT", path, {"fields": {name: wanted[name] for name in differing}})
            lost = _differing(wanted, await self._issue(ref, wanted))
            if lost:
                raise Disagrees(
                    f"Jira does not keep {listed(sorted(lost))} of {receipt.number} as Countersign set it.",
                    remedy="An administrator of the service desk looks for the automation that changes it.",
                )
        return receipt

    async def move(self, ref: str, state: State, *, closure: Closure | None = None) -> Snapshot:
        """Bring the request to ``state`` by its workflow's transitions; one that is further is left there."""
        if state is State.CLOSED and closure is None:
            raise ValueError("closing a change needs its close code")
        target = self.fields.reachable(state)
        issue = await self._issue(ref)
        while (here := self._state(issue)) is not target and not is_past(here, target):
            transition = await self._step(issue, target, closure)
            if here is State.AUTHORIZE and target in WAY[WAY.index(here) :]:
                await self._check_approved(ref, text(issue, "key"))
            refused = await self._transit(ref, transition, closure)
            issue, reached = await self._issue(ref), self.fields.state(text(transition, "to", "name"))
            there = self._state(issue)
            # Each step leads further, or the way ends here.
            if reached is None or (there is not reached and not is_past(there, reached)):
                raise refused or Disagrees(
                    f"Jira accepted that {text(issue, 'key')} goes to '{text(transition, 'to', 'name')}', and it is in "
                    f"'{text(issue, 'fields', 'status', 'name')}'.",
                    remedy="An administrator of the service desk looks for the rule or automation that put it there.",
                )
        return await self.read(ref)

    async def read(self, ref: str) -> Snapshot:
        """The request as it is now, with every approval."""
        approvals, overall = await self.desk.approvals(ref)
        issue = await self._issue(ref)
        status, changed = text(issue, "fields", "status", "name"), moment(text(issue, "fields", "updated"))
        if changed is None:
            raise Unanswered("a request of Jira that says when it was changed")
        state = self.fields.state(status)
        if overall is ApprovalState.NOT_REQUESTED and is_past(state, State.AUTHORIZE):
            # Its workflow asks nobody.
            overall = ApprovalState.NOT_REQUIRED
        by, _ = closed_by(await self.desk.changes(ref), status) if state is State.CANCELLED else (NOBODY, None)
        return Snapshot(
            receipt=self._receipt(issue),
            correlation_id=_correlation(issue),
            state=state,
            state_there=status,
            approval=overall,
            approvals=approvals,
            planned=self._planned(issue),
            on_hold=status.casefold() in {each.casefold() for each in self.fields.held},
            description=issue["fields"].get("description") or "",
            revision=int(changed.timestamp() * 1000),
            changed_at=changed,
            # Jira tells that of each change, not of the request: here, it is who brought it to its end.
            changed_by=by.email or by.id,
            closed=await self._closed(ref, status, changed),
        )

    async def _closed(self, ref: str, status: str, changed: datetime) -> Closed | None:
        """How the request was closed: who brought it to its status, and what they said last."""
        if self.fields.state(status) is not State.CLOSED:
            return None
        by, at = closed_by(await self.desk.changes(ref), status)
        said = await self.desk.comments(ref) if by.id else []
        return Closed(self.fields.close_code(status), status, last_word(said, by), by, at or changed)

    async def check_conflicts(self, ref: str) -> None:
        """Nothing: Jira shows conflicts in its calendar, and tells no program of them."""

    async def conflicts(self, ref: str) -> None:
        """Nothing, as there is nothing to check."""

    async def answer(self, ref: str, approval: str, state: ApprovalState, words: str) -> None:  # noqa: ARG002 - the port's
        """Refuse it: whoever calls is who answers.

        https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/
        """
        raise Refusal(
            "Jira takes an answer to an approval only from whoever signs in, and not from Countersign for somebody.",
            remedy="Whoever is asked answers there, or the policy does without `records.carry_votes`.",
        )

    async def add_note(self, ref: str, text: str) -> None:
        """Add an internal comment, unless the same one is there."""
        await self.desk.add_note(ref, text)

    # Making.

    async def _create(self, content: Content, asking: Asking) -> Any:
        request = {
            "serviceDeskId": self.service_desk,
            "requestTypeId": await self.desk.request_type(self.fields.request_types[content.type]),
            "requestFieldValues": {**self.fields.fields(content), "labels": [LABEL + content.correlation_id]},
        }
        if content.requested_by:
            request["raiseOnBehalfOf"] = await self.desk.account(content.requested_by)
        try:
            async with asking():
                return await self.door.send("POST", f"{DESK}/request", request)
        except MayHaveHappened as unknown:
            raise Unsettled(unknown, self.door.clock() + SETTLED) from unknown

    async def _tie(self, receipt: Receipt, label: str) -> Mapping[str, Any]:
        """Give the request the label, by which it is this change's, beside those that it has; answers it with it."""
        path = route(f"{API}/issue/{{id}}", id=receipt.id)
        await self.door.send("PUT", path, {"update": {"labels": [{"add": label}]}})
        issue = await self._issue(receipt.id)
        if label not in labels(issue):
            raise Disagrees(
                f"Jira does not keep the label of {receipt.number} by which it would be found again.",
                remedy="An administrator of the service desk looks for the automation that changes labels.",
            )
        return issue

    # Finding and reading.

    async def _find(self, correlation_id: str, kept: str = "") -> Mapping[str, Any] | None:
        """The request with this label: ``kept``, or the oldest that is not cancelled; others are, here."""
        found = await self._of_change(correlation_id)
        living = [each for each in found if self._state(each) is not State.CANCELLED]
        living.sort(key=lambda each: text(each, "id") != kept)
        if not living:
            return found[0] if found else None
        used = text(living[0], "key")
        for each in living[1:]:
            await self._discard(each, used, UNTOUCHED, f"This request was made twice; {used} is the one that is used.")
        return living[0]

    async def _of_change(self, correlation_id: str) -> list[Mapping[str, Any]]:
        """Every request with this label, the oldest first."""
        made = self._made.get(correlation_id)
        query = {
            "jql": f'labels = "{LABEL}{correlation_id}" ORDER BY created ASC',
            "fields": "labels,status,created,creator",
            "maxResults": str(PAGE),
        }
        answer = await self.door.get(f"{API}/search/jql", {**query, **({"reconcileIssues": made} if made else {})})
        found = [self._labelled(each, correlation_id) for each in items(answer, "issues")]
        return sorted(found, key=lambda each: int(checked(text(each, "id"))))

    async def _others(self, content: Content, kept: Receipt) -> list[Mapping[str, Any]]:
        """The other requests of this change that nobody cancelled."""
        found = [each for each in await self._of_change(content.correlation_id) if text(each, "id") != kept.id]
        return [each for each in found if self._state(each) is not State.CANCELLED]

    async def _keyed(self, key: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
        """The issue of this key; an old key finds the issue, too, and is not what it is called there now."""
        try:
            issue = await self._fetch(key, more)
        except NotFound:
            raise adoption.missing("Jira", key) from None
        if text(issue, "key") != key:
            raise Refusal(
                f"{key} was moved in Jira, and is {text(issue, 'key')} now.",
                remedy="It is named by the key that it has now, if it is still the record of this change.",
            )
        return issue

    async def _fetch(self, id_or_key: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
        names = {"summary", "description", "status", "labels", "updated", *self.fields.names.values(), *more}
        path = route(f"{API}/issue/{{id}}", id=id_or_key)
        issue = await self.door.get(path, {"fields": ",".join(sorted(names))})
        if not isinstance(issue, dict) or not isinstance(issue.get("fields"), dict):
            raise Unanswered(f"an answer of Jira about the issue {id_or_key}")
        return issue

    async def _issue(self, ref: str, more: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The issue of a request."""
        issue = await self._fetch(checked(ref), more or {})
        if text(issue, "id") != ref:
            raise Unanswered(f"an answer of Jira about the issue {ref}")
        return issue

    def _labelled(self, issue: Any, correlation_id: str) -> Mapping[str, Any]:
        """The issue, which has that label.

        Raises:
            Disagrees: it has not.

        """
        if LABEL + correlation_id not in labels(issue):
            raise Disagrees(
                f"Jira was asked for the request with the label '{LABEL}{correlation_id}', and has another one there.",
                remedy="The change manager puts the label back that was taken from the request.",
            )
        found: Mapping[str, Any] = issue
        return found

    # Taking and leaving.

    async def _check_kind(self, receipt: Receipt, content: Content) -> None:
        """Take nothing but a request of Countersign's service desk, of the type that this change would be made with.

        Raises:
            Refusal: it is another.

        """
        try:
            request = await self.door.get(route(f"{DESK}/request/{{id}}", id=receipt.id))
        except NotFound:
            request = {"issueId": receipt.id, "serviceDeskId": ""}
        if text(request, "issueId") != receipt.id:
            raise Unanswered(f"an answer of Jira about the request {receipt.number}")
        if text(request, "serviceDeskId") != self.service_desk:
            raise Refusal(
                f"{receipt.number} in Jira is no request of the service desk {self.service_desk}, which changes are "
                "kept in.",
                remedy="A request of that service desk is named, or an administrator checks JIRA_SERVICE_DESK.",
            )
        if text(request, "requestTypeId") != await self.desk.request_type(self.fields.request_types[content.type]):
            raise adoption.different("Jira", receipt.number, "request type")

    async def _check_free(self, issue: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Let this change take the request.

        Raises:
            Refusal: it may not.

        """
        check_free(issue, wanted, self.fields)
        approvals, _ = await self.desk.approvals(text(issue, "id"))
        if adoption.is_answered(approvals):
            raise adoption.answered("Jira", text(issue, "key"))

    async def _check_replaceable(self, issue: Mapping[str, Any], kept: str, where: frozenset[State]) -> None:
        """Let the request be cancelled in favour of another, whose key ``kept`` is.

        Raises:
            Disagrees: somebody works on it already, or somebody else made it.

        """
        key = text(issue, "key")
        if self._state(issue) not in where:
            raise Disagrees(
                f"Jira has two requests of one change, {kept} and {key}.",
                remedy="The change manager cancels the one that is not to be used.",
            )
        if text(issue, "fields", "creator", "accountId") != await self.desk.myself():
            raise Disagrees(
                f"Jira has two requests of one change, {kept} and {key}, which Countersign did not make.",
                remedy=f"The change manager cancels the one that is not to be used, or takes its label '{LABEL}…' "
                "from it.",
            )

    async def _discard(self, issue: Mapping[str, Any], kept: str, where: frozenset[State], note: str) -> None:
        """Cancel a request of which there is a better one, with a note that says which.

        Raises:
            Disagrees: it is not Countersign's to cancel any more, or was not cancelled.

        """
        await self._check_replaceable(issue, kept, where)
        ref = text(issue, "id")
        await self.add_note(ref, note)
        refused = await self._transit(ref, await self._step(issue, State.CANCELLED, None), None)
        if self._state(await self._issue(ref)) is not State.CANCELLED:
            raise refused or Disagrees(
                f"Jira accepted that {text(issue, 'key')} is cancelled, and did not cancel it.",
                remedy=f"The change manager cancels it; {kept} is the one that is used.",
            )

    def _state(self, issue: Any) -> State | None:
        return self.fields.state(text(issue, "fields", "status", "name"))

    def _receipt(self, issue: Any) -> Receipt:
        key = text(issue, "key")
        return Receipt(key, checked(text(issue, "id")), f"{self.door.base_url}{route('/browse/{key}', key=key)}")

    def _planned(self, issue: Mapping[str, Any]) -> Planned | None:
        start, end = (
            moment(issue["fields"].get(self.fields.names.get(each, ""))) for each in ("planned_start", "planned_end")
        )
        return Planned(start, end) if start and end and start < end else None

    # Moving.

    async def _step(self, issue: Mapping[str, Any], target: State, closure: Closure | None) -> Mapping[str, Any]:
        """The transition to the next state on the way to ``target``.

        Raises:
            Refusal: there is none that Countersign's account may use.

        """
        path = route(f"{API}/issue/{{id}}/transitions", id=text(issue, "id"))
        there = items(await self.door.get(path, {"expand": "transitions.fields"}), "transitions")
        possible = [each for each in there if isinstance(each, dict) and each.get("isAvailable") is not False]
        here = self._state(issue)
        for wanted in ahead(here, target):
            for each in possible:
                status = text(each, "to", "name")
                ending = self.fields.endings[closure.code] if closure and wanted is State.CLOSED else status
                if self.fields.state(status) is wanted and status.casefold() == ending.casefold():
                    found: Mapping[str, Any] = each
                    return found
        others = listed([f"'{text(each, 'name')}'" for each in possible]) if possible else "none"
        raise Refusal(
            f"Jira has no transition that brings {text(issue, 'key')} from "
            f"'{text(issue, 'fields', 'status', 'name')}' to {target}; it offers {others}.",
            remedy="The change manager looks at the request, or Countersign's field map is put right.",
        )

    async def _check_approved(self, ref: str, key: str) -> None:
        """Take no change past its approval, even where the workflow would let Countersign's account.

        Raises:
            Refusal: it is not approved.

        """
        _, overall = await self.desk.approvals(ref)
        if overall is not ApprovalState.APPROVED:
            raise Refusal(
                f"Jira has no approval of {key} yet, and Countersign takes no change past one.",
                remedy="Those who were asked in Jira answer there.",
            )

    async def _transit(self, ref: str, transition: Mapping[str, Any], closure: Closure | None) -> Refusal | None:
        """Take a transition; answers why Jira refused it, which it also does when somebody else has just taken it."""
        body: dict[str, Any] = {"transition": {"id": text(transition, "id")}}
        if closure is not None and self.fields.state(text(transition, "to", "name")) is State.CLOSED:
            asked = transition.get("fields")
            resolution = self.fields.resolutions.get(closure.code)
            if resolution is not None and isinstance(asked, dict) and "resolution" in asked:
                body["fields"] = {"resolution": {"name": resolution}}
            await self.add_note(ref, f"Closed: {closure.code}. {closure.notes}")
        try:
            await self.door.send("POST", route(f"{API}/issue/{{id}}/transitions", id=checked(ref)), body)
        except Invalid as refused:
            return refused
        return None


def _correlation(issue: Any) -> str:
    """The correlation id of a request; empty when it has none, or more than one."""
    found = [each.removeprefix(LABEL) for each in labels(issue) if each.startswith(LABEL)]
    return found[0] if len(found) == 1 else ""


def _differing(wanted: Mapping[str, Any], issue: Mapping[str, Any]) -> list[str]:
    return [name for name, value in wanted.items() if not holds(value, issue["fields"].get(name))]
