"""What ServiceNow's Table API is needed for: who answered for a change, what it refers to, and who Countersign is."""

from dataclasses import dataclass, field

from cachetools import TTLCache

from bot.changes.systems.http import Door, route
from bot.changes.systems.port import Approval, ApprovalState, Identity
from bot.changes.systems.servicenow_fields import SYS_ID, FieldMap, Row, checked, moment, only, plain, rows
from bot.errors import Refusal

TABLE = "/api/now/v2/table/{table}"
PAGE = 200
MOST_PAGES = 10
REMEMBERED = 3600
"""Seconds. A sys_id never changes; what it was found by may come to mean another."""

MYSELF = "javascript:gs.getUserID()"
"""What the instance puts the sys_id of the account that asks in place of."""

VERSIONS = "std_change_producer_version"

APPROVAL_FIELDS = (
    "sys_id",
    "sysapproval",
    "approver",
    "approver.user_name",
    "approver.email",
    "state",
    "sys_updated_by",
    "sys_updated_on",
    "group.assignment_group.name",
)


def _references() -> TTLCache[tuple[str, str], str]:
    return TTLCache(maxsize=1000, ttl=REMEMBERED)


@dataclass(slots=True)
class Tables:
    """The tables beside that of the changes."""

    door: Door
    fields: FieldMap
    _known: TTLCache[tuple[str, str], str] = field(init=False, default_factory=_references)
    _account: str = field(init=False, default="")

    async def approvals(self, ref: str) -> tuple[Approval, ...]:
        """Who was asked, and what each has answered."""
        query = {
            "sysparm_query": f"sysapproval={checked(ref)}^ORDERBYsys_id",
            "sysparm_fields": ",".join(APPROVAL_FIELDS),
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": str(PAGE),
        }
        path = route(TABLE, table="sysapproval_approver")
        found: dict[str, Approval] = {}
        for page in range(MOST_PAGES):
            answer = rows(await self.door.get(path, {**query, "sysparm_offset": str(page * PAGE)}))
            for each in only(answer, "sysapproval", ref, table="sysapproval_approver"):
                found[plain(each.get("sys_id"))] = self._approval(each)
            if len(answer) < PAGE:
                return tuple(found.values())
        raise Refusal(
            f"ServiceNow has more than {PAGE * MOST_PAGES} approvals for one change.",
            remedy="The change manager there looks at the record.",
        )

    def _approval(self, answer: Row) -> Approval:
        said = plain(answer.get("state"))
        state: ApprovalState | None = self.fields.approvals.get(said)
        if state is None:
            raise Refusal(
                f"ServiceNow has an approval in the state '{said}', which Countersign does not know.",
                remedy="Countersign's field map is told what that state means.",
            )
        return Approval(
            approver=Identity(
                plain(answer.get("approver")),
                plain(answer.get("approver.user_name")),
                plain(answer.get("approver.email")),
            ),
            state=state,
            at=moment(plain(answer.get("sys_updated_on"))),
            set_by=plain(answer.get("sys_updated_by")),
            group=plain(answer.get("group.assignment_group.name")),
            asked=plain(answer.get("sys_id")),
        )

    async def answer(self, approval: str, state: str, words: str) -> None:
        """Write the answer of an approval, which the instance then acts on, and what there is to say about it."""
        path = route(f"{TABLE}/{{id}}", table="sysapproval_approver", id=checked(approval))
        await self.door.send("PATCH", path, {"comments": words, "state": state})

    async def account(self) -> str:
        """The user name of Countersign's account, which every record that it made was created by.

        Raises:
            Refusal: the instance does not tell; then no record is known to be Countersign's.

        """
        if not self._account:
            query = {"sysparm_query": f"sys_id={MYSELF}", "sysparm_fields": "sys_id,user_name", "sysparm_limit": "2"}
            found = rows(await self.door.get(route(TABLE, table="sys_user"), query))
            names = [plain(each.get("user_name")) for each in found]
            if len(names) != 1 or not names[0]:
                raise Refusal(
                    "ServiceNow does not tell which user Countersign's account is.",
                    remedy="An administrator there lets the account read its own row of sys_user.",
                )
            self._account = names[0]
        return self._account

    async def person(self, ref: str) -> Identity:
        """Somebody of whom a record has the sys_id; nobody else is told of them than that where it cannot be read."""
        if not SYS_ID.fullmatch(ref):
            return Identity("")
        query = {"sysparm_query": f"sys_id={ref}", "sysparm_fields": "sys_id,user_name,email", "sysparm_limit": "1"}
        found = only(rows(await self.door.get(route(TABLE, table="sys_user"), query)), "sys_id", ref, table="sys_user")
        names = [(plain(each.get("user_name")), plain(each.get("email"))) for each in found]
        return Identity(ref, *names[0]) if names else Identity(ref)

    async def template(self, version: str) -> str:
        """The sys_id of the template that a version belongs to; empty where the account can see no such version.

        A change refers to the version that it was made from, and a template has a new one after each revision.
        """
        query = {
            "sysparm_query": f"sys_id={checked(version)}",
            "sysparm_fields": "sys_id,std_change_producer",
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": "1",
        }
        answer = rows(await self.door.get(route(TABLE, table=VERSIONS), query))
        found = only(answer, "sys_id", version, table=VERSIONS)
        return plain(found[0].get("std_change_producer")) if found else ""

    async def sys_id(self, ours: str, said: str) -> str:
        """The sys_id of a person, group or configuration item."""
        if SYS_ID.fullmatch(said):
            return said
        known = self._known.get((ours, said))
        if known is None:
            known = self._known[ours, said] = await self._look_up(ours, said)
        return known

    async def _look_up(self, ours: str, said: str) -> str:
        table, column = self.fields.references[ours].table, self.fields.references[ours].column
        if not said.isprintable() or "^" in said:
            raise Refusal(f"'{said}' is no {column} that ServiceNow can be asked for.")
        query = {
            "sysparm_query": f"{column}={said}",
            "sysparm_fields": f"sys_id,{column}",
            "sysparm_limit": "2",
        }
        answer = rows(await self.door.get(route(TABLE, table=table), query))
        # It compares without regard to case, as we do for what it answers.
        found = only([_lowered(each, column) for each in answer], column, said.lower(), table=table)
        ids = {plain(each.get("sys_id")) for each in found}
        if len(ids) != 1 or not SYS_ID.fullmatch(sys_id := ids.pop()):
            how_many = "none" if not found else "more than one"
            raise Refusal(
                f"ServiceNow has {how_many} in {table} whose {column} is '{said}'.",
                remedy=f"The change names a {ours.replace('_', ' ')} that exists there once, or its sys_id.",
            )
        return sys_id


def _lowered(answer: Row, column: str) -> Row:
    return {**answer, column: plain(answer.get(column)).lower()}
