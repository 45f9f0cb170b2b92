"""Change records in ServiceNow, through its Change Management API; approvals are read through its Table API.

Countersign asks for changes there and approves none of its own accord: ``/approvals`` answers for whoever calls it, and
is not used. Where the policy says so, the votes of a board are written into the approvals of those who gave them.
https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from bot.changes.systems import adoption
from bot.changes.systems.adoption import OVER, UNDECIDED
from bot.changes.systems.authorization import Authorization, Basic, ClientCredentials
from bot.changes.systems.errors import Disagrees, MayHaveHappened, NoRequester, Unanswered, Unauthorized, Unsettled
from bot.changes.systems.http import Door, Speech, route
from bot.changes.systems.port import (
    ApprovalState,
    Asking,
    ChangeType,
    Closed,
    Closure,
    Conflicts,
    Content,
    Planned,
    Receipt,
    Snapshot,
    State,
    ahead,
    is_past,
)
from bot.changes.systems.servicenow_adoption import check_free, checked_number
from bot.changes.systems.servicenow_conflicts import read_conflicts
from bot.changes.systems.servicenow_fields import (
    CHANGES,
    SYS_ID,
    FieldMap,
    Row,
    checked,
    moment,
    only,
    plain,
    row,
    rows,
    shown,
    whole,
)
from bot.changes.systems.servicenow_rules import Ruled, ruled
from bot.changes.systems.servicenow_tables import VERSIONS, Tables
from bot.changes.systems.texts import same
from bot.clock import Clock
from bot.errors import Refusal
from bot.settings import ServiceNowAccess
from bot.words import listed, quoted

__all__ = ["FieldMap", "ServiceNow", "connect"]

MOST_DUPLICATES = 20
_CLOSING = ("close_code", "close_notes", "closed_by", "closed_at")
UNAPPROVED = frozenset({State.SCHEDULED, State.IMPLEMENT})
"""Where a change that nobody has approved is not brought."""

UNTOUCHED = frozenset({State.DRAFT})
"""Where a record that was made twice is cancelled."""

SETTLED = timedelta(minutes=5)
"""How long an instance can go on with what it was asked after the answer was lost: its load balancers end it then.

https://www.servicenow.com/docs/r/washingtondc/platform-administration/platform-performance/c_DefaultQuotaRules.html
"""


def _words(answer: Any) -> str:
    error = answer["error"]
    if isinstance(error, str):
        return ": ".join(filter(None, [error, str(answer.get("error_description") or "")]))
    return ": ".join(str(error[key]) for key in ("message", "detail") if error.get(key))


SPEECH = Speech(
    "ServiceNow",
    _words,
    {
        400: "An administrator there reads the reason, and Countersign's field map is put right.",
        401: "An administrator checks SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET, or SERVICENOW_USERNAME and "
        "SERVICENOW_PASSWORD; for a client, that it has an OAuth application user there and that "
        "glide.oauth.inbound.client.credential.grant_type.enabled is true.",
        403: "The change manager there meets the rule that is named, or grants Countersign's account what it lacks "
        "(role itil, and read access to sysapproval_approver).",
        404: "The change manager there checks that it exists and that Countersign's account can read it.",
    },
    ruled,
)


def connect(
    access: ServiceNowAccess, session: aiohttp.ClientSession, clock: Clock, fields: FieldMap | None = None
) -> "ServiceNow":
    """The instance that the settings name; ``session`` is one of `bot.changes.systems.http.session`."""
    authorization: Authorization
    if access.client_id:
        tokens = Door(SPEECH, access.url, session, clock)
        authorization = ClientCredentials(
            access.client_id, access.client_secret, lambda form: tokens.submit("/oauth_token.do", form), clock
        )
    else:
        authorization = Basic(access.username, access.password)
    return ServiceNow(Door(SPEECH, access.url, session, clock, authorization), fields or FieldMap())


@dataclass(frozen=True, slots=True)
class _Next:
    """Where a record may go now: their values, and why not to others."""

    available: tuple[str, ...]
    failed: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class ServiceNow:
    """A `bot.changes.systems.port.RecordSystem`."""

    door: Door
    fields: FieldMap
    tables: Tables = field(init=False)

    def __post_init__(self) -> None:
        """Everything is behind the same door."""
        self.tables = Tables(self.door, self.fields)

    @property
    def name(self) -> str:
        """What people call it."""
        return SPEECH.name

    @property
    def settles(self) -> timedelta:
        """How long a record can still come that was asked for and not answered."""
        return SETTLED

    async def open(self, content: Content, *, asking: Asking = nullcontext) -> Receipt:
        """The one record with this correlation id, made when there is none."""
        wanted = await self._wanted(content)
        record = await self._find(content.correlation_id)
        if record is None:
            made = row(await self._create(content, wanted, asking))
            # Another process may have made one at the same moment; nothing there keeps two from having the same id.
            record = await self._find(content.correlation_id)
            if record is None:
                raise Disagrees(
                    f"ServiceNow made {plain(made.get('number'))} without its {self.fields.name('correlation_id')}, by "
                    "which it would be found again.",
                    remedy="An administrator there cancels it and lets Countersign's account write that field.",
                )
        if self._state(record) is State.DRAFT:
            await self._bring(record, content, wanted)
        return self._receipt(record)

    async def find(self, correlation_id: str, *, kept: str = "") -> Receipt | None:
        """The record with this correlation id; None where there is none."""
        found = await self._find(correlation_id, kept)
        return self._receipt(found) if found is not None else None

    async def adopt(self, number: str, content: Content) -> Receipt:
        """Take the record of that number for this change, in place of any that was made for it."""
        record, wanted = await self._numbered(checked_number(number)), await self._wanted(content)
        is_ours = same(content.correlation_id, plain(record.get(self.fields.name("correlation_id"))))
        receipt = self._receipt(record)
        if not is_ours:
            await self._check_free(record, content, wanted)
        # Whatever stands in the way of the last step is told before the first one.
        for each in await self._others(content, receipt):
            if self._state(record) is State.CANCELLED:
                raise adoption.cancelled("ServiceNow", receipt.number, plain(each.get("number")))
            await self._check_replaceable(each, receipt.number, UNDECIDED)
        if not is_ours:
            record = await self._tie(receipt, content)
        if self._state(record) not in OVER:
            await self.add_note(receipt.id, adoption.taken_note(content))
            await self._bring(await self._record(receipt.id), content, wanted)
        for each in await self._others(content, receipt):
            await self._discard(each, receipt.number, UNDECIDED, adoption.replaced_note(receipt.number))
        return receipt

    async def update(self, ref: str, content: Content) -> Receipt:
        """Bring the record to ``content``; what is so already is not written again."""
        record = await self._record(ref)
        only([record], self.fields.name("correlation_id"), content.correlation_id, table="change_request")
        return await self._bring(record, content, await self._wanted(content))

    async def move(self, ref: str, state: State, *, closure: Closure | None = None) -> Snapshot:
        """Bring the record to ``state`` through the states that it may go to; one that is further is left there."""
        if state is State.CLOSED and closure is None:
            raise ValueError("closing a change needs its close code")
        record = await self._record(ref)
        while (here := self._state(record)) is not state and not is_past(here, state):
            step = self._step(record, state, await self._next(ref))
            reached = self.fields.state(step)
            try:
                await self._write(ref, self._transition(step, closure))
            except Ruled as rule:
                number, there_now = plain(record.get("number")), here or shown(record.get("state"))
                raise rule.of_step(number, there_now, reached or step) from rule
            record = await self._record(ref)
            there = self._state(record)
            # Each step leads further, or the way ends here.
            if reached is None or (there is not reached and not is_past(there, reached)):
                raise Disagrees(
                    f"ServiceNow accepted that {plain(record.get('number'))} goes from {here} to {reached}, and it is "
                    f"in {shown(record.get('state'))}.",
                    remedy="The change manager there looks for the rule that put it there.",
                )
        return await self.read(ref)

    async def read(self, ref: str) -> Snapshot:
        """The record as it is now, with every approval."""
        approvals = await self.tables.approvals(ref)
        record = await self._record(ref)
        there = plain(record.get("state"))
        changed = moment(plain(record.get("sys_updated_on")))
        revision = whole(plain(record.get("sys_mod_count")))
        if changed is None or not revision.isdecimal():
            raise Unanswered("a change record of ServiceNow that says when it was changed")
        return Snapshot(
            receipt=self._receipt(record),
            correlation_id=plain(record.get(self.fields.name("correlation_id"))),
            state=self.fields.state(there),
            state_there=shown(record.get("state")) or there,
            approval=self._approval(record),
            approvals=approvals,
            planned=self._planned(record),
            # Whatever is not known to be free is held.
            on_hold=plain(record.get("on_hold")) != "false",
            description=plain(record.get(self.fields.name("description"))),
            revision=int(revision),
            changed_at=changed,
            changed_by=plain(record.get("sys_updated_by")),
            closed=await self._closed(record, changed),
            checked_at=moment(plain(record.get("conflict_last_run"))),
        )

    async def _closed(self, record: Row, changed: datetime) -> Closed | None:
        """How the record was closed there: by whom it says that it was, whoever changed it since."""
        if self._state(record) is not State.CLOSED:
            return None
        said = {ours: plain(record.get(self.fields.name(ours))) for ours in _CLOSING}
        return Closed(
            code=self.fields.close_code(said["close_code"]),
            code_there=said["close_code"],
            notes=said["close_notes"],
            by=await self.tables.person(said["closed_by"]),
            at=moment(said["closed_at"]) or changed,
        )

    async def check_conflicts(self, ref: str) -> None:
        """Start the conflict check."""
        await self.door.send("POST", route(f"{CHANGES}/{{id}}/conflict", id=checked(ref)), {})

    async def conflicts(self, ref: str) -> Conflicts:
        """What the conflict check found, or how far it has come."""
        answer = row(await self.door.get(route(f"{CHANGES}/{{id}}/conflict", id=checked(ref))))
        return read_conflicts(answer, ref)

    async def answer(self, ref: str, approval: str, state: ApprovalState, words: str) -> None:
        """Answer an approval in the name of who was asked."""
        if await self._answer_of(ref, approval) is not ApprovalState.REQUESTED:
            return
        theirs = next(value for value, ours in self.fields.approvals.items() if ours is state)
        await self.tables.answer(approval, theirs, self.fields.text(words))
        if await self._answer_of(ref, approval) is ApprovalState.REQUESTED:
            raise Disagrees(
                f"ServiceNow accepted an answer to the approval {approval}, and left that open.",
                remedy="An administrator there lets Countersign's account write `state` of sysapproval_approver.",
            )

    async def _answer_of(self, ref: str, approval: str) -> ApprovalState | None:
        """What the approval of that sys_id says; None where there is none any more."""
        found = await self.tables.approvals(ref)
        return next((each.state for each in found if each.asked == approval), None)

    async def add_note(self, ref: str, text: str) -> None:
        """Add a work note, unless the same one is there."""
        note = self.fields.text(text).strip()
        record = await self._record(ref)
        journal = shown(record.get("work_notes")).replace("\r\n", "\n")
        if f"\n{note}\n\n" not in f"\n{journal}\n\n":
            await self._write(ref, {"work_notes": note})

    # Writing.

    def _place(self, content: Content) -> str:
        if content.type is ChangeType.STANDARD:
            return route(f"{CHANGES}/standard/{{id}}", id=checked(content.template))
        return f"{CHANGES}/{content.type.value}"

    async def _create(self, content: Content, wanted: Mapping[str, str], asking: Asking) -> Any:
        try:
            async with asking():
                return await self.door.send("POST", self._place(content), wanted)
        except MayHaveHappened as unknown:
            raise Unsettled(unknown, self.door.clock() + SETTLED) from unknown

    async def _wanted(self, content: Content) -> dict[str, str]:
        """What the record is to hold, by their names."""
        found = {}
        for ours in ("assignment_group", "configuration_item", "requested_by"):
            said: str | None = getattr(content, ours)
            if said is not None:
                found[ours] = await self._sys_id(ours, said) if said else ""
        return self.fields.fields(content, found)

    async def _sys_id(self, ours: str, said: str) -> str:
        """The sys_id of what the record refers to."""
        try:
            return await self.tables.sys_id(ours, said)
        except Unauthorized:
            raise
        except Refusal as refused:
            if ours != "requested_by":
                raise
            raise NoRequester(refused.what, remedy=refused.remedy) from refused

    async def _bring(self, record: Row, content: Content, wanted: Mapping[str, str]) -> Receipt:
        """Write what differs, and look whether it is there now."""
        ref, receipt = plain(record.get("sys_id")), self._receipt(record)
        if differing := _differing(wanted, record):
            await self._write(ref, {name: wanted[name] for name in differing})
            record = await self._record(ref)
        lost = _differing(wanted, record)
        if not same(self.fields.types[content.type], plain(record.get("type"))):
            lost.append("type")
        if lost == [self.fields.name("requested_by")]:
            raise NoRequester(str(_not_kept(lost, receipt)))
        if lost:
            raise _not_kept(lost, receipt)
        return receipt

    async def _tie(self, receipt: Receipt, content: Content) -> Row:
        """Give the record the correlation id, by which it is this change's; answers it as it is then."""
        column = self.fields.name("correlation_id")
        await self._write(receipt.id, {column: content.correlation_id})
        record = await self._record(receipt.id)
        if not same(content.correlation_id, plain(record.get(column))):
            raise _not_kept([column], receipt)
        return record

    async def _write(self, ref: str, changes: Mapping[str, str]) -> None:
        await self.door.send("PATCH", route(f"{CHANGES}/{{id}}", id=checked(ref)), changes)

    def _transition(self, step: str, closure: Closure | None) -> dict[str, str]:
        """The fields that go with a step; the state is the last of them, as ServiceNow asks for."""
        changes = {}
        if closure is not None and self.fields.state(step) is State.CLOSED:
            changes[self.fields.name("close_code")] = self.fields.close_codes[closure.code]
            changes[self.fields.name("close_notes")] = self.fields.text(closure.notes)
            changes.pop("", None)
        return {**changes, "state": step}

    def _step(self, record: Row, target: State, possible: _Next) -> str:
        """Their value of the next state on the way to ``target``.

        Raises:
            Refusal: the record may not go there; in their words, why.

        """
        here = self._state(record)
        following = ahead(here, target)
        allowed = [each for each in following if each not in UNAPPROVED or self._is_approved(record)]
        for each in allowed:
            for value in possible.available:
                if self.fields.state(value) is each:
                    return whole(value)
        values = [value for value, ours in self.fields.states.items() if ours in following]
        reasons = {reason for value in values for reason in possible.failed.get(value, ())}
        why = f", because this does not hold: {listed(sorted(map(quoted, reasons)))}" if reasons else ""
        step = f"go from {here or shown(record.get('state'))} to {target}"
        if not allowed:
            raise Refusal(
                f"ServiceNow does not let {plain(record.get('number'))} {step} before it is approved there{why}.",
                remedy="Those who were asked in ServiceNow answer there.",
            )
        raise Refusal(
            f"ServiceNow does not let {plain(record.get('number'))} {step}{why}.",
            remedy="The change manager there looks at the record.",
        )

    def _is_approved(self, record: Row) -> bool:
        """Whether it may be made: Countersign takes no change past its approval, even where the instance would."""
        return self._approval(record) is ApprovalState.APPROVED

    def _approval(self, record: Row) -> ApprovalState | None:
        """What was said of the record as a whole.

        A standard change was approved with its template. One that names none was made standard afterwards.
        """
        standard = same(self.fields.types[ChangeType.STANDARD], plain(record.get("type")))
        if standard and plain(record.get(VERSIONS)):
            return ApprovalState.APPROVED
        return self.fields.approvals.get(plain(record.get("approval")))

    async def _next(self, ref: str) -> _Next:
        """Where the record may go now."""
        answer = row(await self.door.get(route(f"{CHANGES}/{{id}}/nextstates", id=checked(ref))))
        try:
            available = tuple(whole(plain(each)) for each in answer["available_states"])
            failed: dict[str, tuple[str, ...]] = {}
            for each in (step for steps in answer["state_transitions"] for step in steps):
                reasons = tuple(str(one["condition"]["name"]) for one in each["conditions"] if not one["passed"])
                value = whole(plain(each["to_state"]))
                failed[value] = failed.get(value, ()) + reasons
        except (LookupError, TypeError, AttributeError) as error:
            raise Unanswered("the next states of a change record") from error
        return _Next(available, failed)

    # Reading.

    def _state(self, record: Row) -> State | None:
        return self.fields.state(plain(record.get("state")))

    def _receipt(self, record: Row) -> Receipt:
        number, ref = plain(record.get("number")), plain(record.get("sys_id"))
        if not number or not SYS_ID.fullmatch(ref):
            raise Unanswered("a change record of ServiceNow with a number and a sys_id")
        return Receipt(number, ref, f"{self.door.base_url}/change_request.do?sys_id={ref}")

    def _planned(self, record: Row) -> Planned | None:
        start = moment(plain(record.get(self.fields.name("planned_start"))))
        end = moment(plain(record.get(self.fields.name("planned_end"))))
        return Planned(start, end) if start and end and start < end else None

    async def _record(self, ref: str) -> Row:
        """The record with this sys_id, and no other."""
        return only(
            [row(await self.door.get(route(f"{CHANGES}/{{id}}", id=checked(ref))))],
            "sys_id",
            ref,
            table="change_request",
        )[0]

    async def _numbered(self, number: str) -> Row:
        """The record of this number, and no other."""
        query = {"sysparm_query": f"number={number}", "sysparm_limit": "2"}
        found = only(rows(await self.door.get(CHANGES, query)), "number", number, table="change_request")
        if not found:
            raise adoption.missing("ServiceNow", number)
        if len(found) > 1:
            raise Refusal(
                f"ServiceNow has two change records of the number {number}.",
                remedy="The change manager there gives one of them another number.",
            )
        return found[0]

    async def _find(self, correlation_id: str, kept: str = "") -> Row | None:
        """The record with this correlation id: ``kept``, or the oldest that is not cancelled; others are, here."""
        found = await self._of_change(correlation_id)
        living = [each for each in found if self._state(each) is not State.CANCELLED]
        living.sort(key=lambda each: plain(each.get("sys_id")) != kept)
        if not living:
            return found[0] if found else None
        used = plain(living[0].get("number"))
        for each in living[1:]:
            await self._discard(each, used, UNTOUCHED, f"This record was made twice; {used} is the one that is used.")
        return living[0]

    async def _of_change(self, correlation_id: str) -> list[Row]:
        """Every record with this correlation id, the oldest first."""
        column = self.fields.name("correlation_id")
        query = {"sysparm_query": f"{column}={correlation_id}^ORDERBYsys_created_on"}
        answer = rows(await self.door.get(CHANGES, {**query, "sysparm_limit": str(MOST_DUPLICATES)}))
        return sorted(only(answer, column, correlation_id, table="change_request"), key=_age)

    async def _others(self, content: Content, kept: Receipt) -> list[Row]:
        """The other records of this change that nobody cancelled."""
        found = [each for each in await self._of_change(content.correlation_id) if plain(each.get("sys_id")) != kept.id]
        return [each for each in found if self._state(each) is not State.CANCELLED]

    # Taking and leaving.

    async def _check_free(self, record: Row, content: Content, wanted: Mapping[str, str]) -> None:
        """Let this change take the record.

        Raises:
            Refusal: it may not.

        """
        check_free(record, content, wanted, self.fields)
        receipt = self._receipt(record)
        if content.template:
            version = plain(record.get(VERSIONS))
            if not version or await self.tables.template(version) != content.template:
                raise adoption.different("ServiceNow", receipt.number, "template")
        if adoption.is_answered(await self.tables.approvals(receipt.id)):
            raise adoption.answered("ServiceNow", receipt.number)

    async def _check_replaceable(self, record: Row, kept: str, where: frozenset[State]) -> None:
        """Let the record be cancelled in favour of another, whose number ``kept`` is.

        Raises:
            Disagrees: somebody works on it already, or somebody else made it.

        """
        number = plain(record.get("number"))
        if self._state(record) not in where:
            raise Disagrees(
                f"ServiceNow has two records of one change, {kept} and {number}.",
                remedy="The change manager there cancels the one that is not to be used.",
            )
        if plain(record.get("sys_created_by")) != await self.tables.account():
            raise Disagrees(
                f"ServiceNow has two records of one change, {kept} and {number}, which Countersign did not make.",
                remedy="The change manager there cancels the one that is not to be used, or takes its "
                f"{self.fields.name('correlation_id')} from it.",
            )

    async def _discard(self, record: Row, kept: str, where: frozenset[State], note: str) -> None:
        """Cancel a record of which there is a better one, with a note that says which.

        Raises:
            Disagrees: it is not Countersign's to cancel any more, or was not cancelled.

        """
        await self._check_replaceable(record, kept, where)
        ref = plain(record.get("sys_id"))
        await self.add_note(ref, note)
        await self._write(ref, {"state": self.fields.value_of(State.CANCELLED)})
        if self._state(await self._record(ref)) is not State.CANCELLED:
            raise Disagrees(
                f"ServiceNow accepted that {plain(record.get('number'))} is cancelled, and did not cancel it.",
                remedy=f"The change manager there cancels it; {kept} is the one that is used.",
            )


def _not_kept(names: list[str], receipt: Receipt) -> Disagrees:
    return Disagrees(
        f"ServiceNow does not keep {listed(sorted(names))} of {receipt.number} as Countersign set it.",
        remedy="An administrator there checks that the field exists and that Countersign's account can "
        "write and read it, or Countersign's field map is put right.",
    )


def _age(record: Row) -> tuple[str, ...]:
    """What the oldest record has the least of; numbers are given in order, and moments only to the second."""
    return tuple(plain(record.get(name)) for name in ("sys_created_on", "number", "sys_id"))


def _differing(wanted: Mapping[str, str], record: Row) -> list[str]:
    return [name for name, value in wanted.items() if name not in record or not same(value, plain(record[name]))]
