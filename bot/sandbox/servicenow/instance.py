"""One instance: what is in it, what happens when a change is written, and what people do there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.clock import Clock
from bot.sandbox.servicenow import rules
from bot.sandbox.servicenow.records import (
    BOOLEANS,
    COLUMNS,
    DATE,
    DATES,
    JOURNALS,
    LENGTHS,
    READ_ONLY,
    Approval,
    Change,
    Check,
    Clash,
    Named,
    Person,
    Task,
)
from bot.sandbox.servicenow.rules import BusinessRule, Denied

CAB = "CAB Approval"


@dataclass(slots=True)
class Instance:
    """The tables of one instance.

    ``columns`` may be added to (``u_…``) or taken from; ``locked`` columns cannot be written by Countersign's account,
    and ``hidden`` ones it cannot see. ``versions`` of templates, and the template of each: a change refers to the
    version. ``cab`` is who is asked in Authorize. ``detects_conflicts``: Countersign's account has the role for it;
    ``patience``: how often one has to look until a check for conflicts is done; ``checks_fail``: each ends so.
    ``answers_for_others``: it has ``approval_admin``; ``approval_rules`` are asked before an answer is written.
    """

    clock: Clock
    account: Person = field(init=False)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Named] = field(default_factory=dict)
    items: dict[str, Named] = field(default_factory=dict)
    templates: dict[str, Mapping[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    detects_conflicts: bool = True
    patience: int = 1
    checks_fail: bool = False
    cab: list[Person] = field(default_factory=list)
    rules: list[BusinessRule] = field(default_factory=list)
    answers_for_others: bool = False
    approval_rules: list[BusinessRule] = field(default_factory=list)
    columns: set[str] = field(default_factory=lambda: set(COLUMNS))
    locked: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    _made: int = 0

    def __post_init__(self) -> None:
        """Countersign has an account of its own."""
        self.account = self.person("svc_countersign", "svc.countersign@bank.example")

    # What is there.

    def now(self) -> datetime:
        """The time, in whole seconds, as it is stored."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def next_id(self, what: str) -> str:
        """A sys_id."""
        self._made += 1
        return hashlib.md5(f"{what}:{self._made}".encode(), usedforsecurity=False).hexdigest()

    def person(self, user_name: str, email: str = "") -> Person:
        """Somebody with an account."""
        sys_id = self.next_id("sys_user")
        name = " ".join(part.capitalize() for part in user_name.replace("_", ".").split("."))
        self.people[sys_id] = Person(sys_id, user_name, email or f"{user_name}@bank.example", name)
        return self.people[sys_id]

    def group(self, name: str) -> Named:
        """A group that changes are assigned to."""
        group = Named(self.next_id("sys_user_group"), name)
        self.groups[group.sys_id] = group
        return group

    def item(self, name: str) -> Named:
        """A configuration item."""
        item = Named(self.next_id("cmdb_ci"), name)
        self.items[item.sys_id] = item
        return item

    def template(self, **values: str) -> str:
        """A published template of a standard change; answers its sys_id."""
        sys_id = self.next_id("std_change_record_producer")
        self.templates[sys_id] = values
        self.versions[self.next_id("std_change_producer_version")] = sys_id
        return sys_id

    def change(self, number_or_id: str) -> Change:
        """The change with this number or sys_id.

        Raises:
            Denied: there is none.

        """
        found = self.changes.get(number_or_id)
        for each in self.changes.values():
            found = each if each.number == number_or_id else found
        if found is None:
            raise Denied(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return found

    # Writing.

    def create(self, kind: str, sent: Mapping[str, str], by: Person, template: str = "") -> tuple[Change, list[str]]:
        """A new change, and which of the fields that were sent are ignored.

        Raises:
            Denied: there is no such template, or a rule does not allow it.

        """
        preset: Mapping[str, str] = {}
        if kind == "standard":
            if template not in self.templates:
                raise Denied(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
            version = next(version for version, of in self.versions.items() if of == template)
            preset = {**self.templates[template], "std_change_producer_version": version}
        now = self.now()
        values = dict.fromkeys(self.columns, "") | dict.fromkeys(BOOLEANS, "false")
        values |= {"state": rules.NEW, "type": kind, "active": "true", "risk": "3", "impact": "3", "priority": "4"}
        values |= {"approval": "approved" if kind == "standard" else "not requested", "opened_by": by.sys_id}
        values |= {"sys_mod_count": "0", "sys_created_by": by.user_name, "sys_created_on": now.strftime(DATE)}
        values |= {"sys_class_name": "change_request", "requested_by": by.sys_id, **preset}
        change = Change(self.next_id("change_request"), f"CHG{30001 + len(self.changes):07}", values, now)
        values |= {"sys_id": change.sys_id, "number": change.number}
        changes, ignored = self._accepted(change, {name: value for name, value in sent.items() if name != "state"}, by)
        self._apply_rules(change, changes)
        self._store(change, changes, by)
        self.changes[change.sys_id] = change
        return change, ignored

    def write(self, change: Change, sent: Mapping[str, str], by: Person) -> list[str]:
        """Change fields; answers which of them are ignored.

        Raises:
            Denied: the state model or a rule does not allow it; nothing is written then.

        """
        changes, ignored = self._accepted(change, sent, by)
        to = changes.get("state", change.state)
        if to != change.state:
            rules.check_transition(change, to)
        self._apply_rules(change, changes)
        moved = to != change.state
        self._store(change, changes, by)
        if moved:
            self._entered(change, by)
        return ignored

    def _accepted(self, change: Change, sent: Mapping[str, str], by: Person) -> tuple[dict[str, str], list[str]]:
        """What of it is written, as it is stored, and what is ignored."""
        accepted, ignored = {}, []
        for name, value in sent.items():
            retyped = name == "type" and change.state == rules.NEW and value in rules.TRANSITIONS
            denied = by is self.account and name in self.locked
            if name not in self.columns or denied or (name in READ_ONLY and not retyped):
                ignored.append(name)
            else:
                accepted[name] = _stored(name, value)
        return accepted, ignored

    def _apply_rules(self, change: Change, changes: Mapping[str, str]) -> None:
        for rule in self.rules:
            if rule.refuses(change, changes):
                raise rules.aborted(rule.name)

    def _store(self, change: Change, changes: Mapping[str, str], by: Person) -> None:
        now = self.now()
        notes = [value for name, value in changes.items() if name in JOURNALS and value]
        fields = {name: value for name, value in changes.items() if name not in JOURNALS}
        differs = any(change.values.get(name) != value for name, value in fields.items())
        change.notes += [(now, by.name, note) for note in notes]
        change.values |= fields
        if differs or notes or "sys_updated_on" not in change.values or not change.values["sys_updated_on"]:
            count = int(change.values["sys_mod_count"]) + (1 if change.values["sys_updated_on"] else 0)
            change.values |= {"sys_mod_count": str(count), "sys_updated_by": by.user_name}
            change.values["sys_updated_on"] = now.strftime(DATE)

    def _entered(self, change: Change, by: Person) -> None:
        """What the workflow does in a state that was just reached."""
        match change.state:
            case rules.AUTHORIZE:
                change.values["approval"] = "requested"
                change.approvals += [self._asked(person) for person in self.cab]
            case rules.IMPLEMENT:
                change.values["work_start"] = self.now().strftime(DATE)
                change.tasks += [self._task("Implement"), self._task("Post implementation testing")]
            case rules.REVIEW:
                change.values["work_end"] = self.now().strftime(DATE)
            case rules.NEW:
                change.values["approval"] = "not requested"
                self._end_approvals(change)
            case rules.CLOSED | rules.CANCELED:
                change.values |= {"active": "false", "closed_by": by.sys_id, "closed_at": self.now().strftime(DATE)}
                self._end_approvals(change)

    def _asked(self, person: Person) -> Approval:
        sys_id = self.next_id("sysapproval_approver")
        return Approval(sys_id, person, CAB, "requested", "system", self.now())

    def _task(self, what: str) -> Task:
        sys_id = self.next_id("change_task")
        return Task(sys_id, f"CTASK{10000 + self._made:07}", what)

    def _end_approvals(self, change: Change) -> None:
        for approval in change.approvals:
            if approval.state in {"requested", "not requested"}:
                approval.state, approval.updated_on, approval.updated_by = "cancelled", self.now(), "system"

    # What people do.

    def approve(self, number: str, person: Person, *, by: Person | None = None) -> None:
        """Somebody approves; ``by``: somebody else writes it down."""
        self._answer(number, person, "approved", by)

    def reject(self, number: str, person: Person, *, by: Person | None = None) -> None:
        """Somebody rejects: the change goes back to New."""
        self._answer(number, person, "rejected", by)

    def _answer(self, number: str, person: Person, state: str, by: Person | None) -> None:
        change = self.change(number)
        approval = next(
            (each for each in change.approvals if each.approver is person and each.state == "requested"), None
        )
        if approval is None:
            raise Denied(400, "User has no approval record", f"{person.user_name} was not asked to approve {number}")
        self._answered(change, approval, state, by or person)

    def write_approval(self, sys_id: str, sent: Mapping[str, str], by: Person) -> Approval:
        """Change an approval through the table.

        Raises:
            Denied: it is not there, it is not that person's, or a rule does not allow it.

        """
        found = [(change, each) for change in self.changes.values() for each in change.approvals]
        change, approval = next(((one, each) for one, each in found if each.sys_id == sys_id), (None, None))
        if change is None or approval is None:
            raise Denied(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        if by is not approval.approver and not self.answers_for_others:
            raise Denied(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")
        for rule in self.approval_rules:
            if rule.refuses(change, sent):
                raise rules.aborted(rule.name, "sysapproval_approver")
        if sent.get("state") == "rejected" and not sent.get("comments"):
            raise rules.aborted("Reason for rejection", "sysapproval_approver")
        approval.comments += [sent["comments"]] if sent.get("comments") else []
        if "state" not in self.locked and sent.get("state", approval.state) != approval.state:
            self._answered(change, approval, sent["state"], by)
        return approval

    def _answered(self, change: Change, approval: Approval, state: str, by: Person) -> None:
        """What the workflow does with an answer that was written."""
        person = approval.approver
        approval.state, approval.updated_on, approval.updated_by = state, self.now(), by.user_name
        if state == "rejected":
            change.values["approval"] = "rejected"
            self._end_approvals(change)
            self._store(change, {"state": rules.NEW}, person)
        elif all(each.state != "requested" for each in change.approvals) and not change.on_hold:
            change.values["approval"] = "approved"
            self.write(change, {"state": rules.SCHEDULED}, person)

    def reschedule(self, number: str, start: datetime, end: datetime, person: Person) -> None:
        """Somebody plans it for another time."""
        fields = {"start_date": start.astimezone(UTC).strftime(DATE), "end_date": end.astimezone(UTC).strftime(DATE)}
        self.write(self.change(number), fields, person)

    def cancel(self, number: str, person: Person) -> None:
        """Somebody cancels it."""
        self.write(self.change(number), {"state": rules.CANCELED}, person)

    def close(self, number: str, person: Person, code: str, notes: str) -> None:
        """Somebody closes it."""
        self.write(self.change(number), {"close_code": code, "close_notes": notes, "state": rules.CLOSED}, person)

    def hold(self, number: str, person: Person, reason: str = "") -> None:
        """Somebody holds it: who was asked need not answer for now."""
        change = self.change(number)
        self.write(change, {"on_hold": "true", "on_hold_reason": reason}, person)
        for approval in change.approvals:
            if approval.state == "requested":
                approval.before_hold, approval.state, approval.updated_on = "requested", "not_required", self.now()

    def release(self, number: str, person: Person) -> None:
        """Somebody lets it go on: who was asked is asked again."""
        change = self.change(number)
        self.write(change, {"on_hold": "false", "on_hold_reason": ""}, person)
        for approval in change.approvals:
            if approval.before_hold:
                approval.state, approval.before_hold, approval.updated_on = "requested", "", self.now()

    def move(self, number: str, state: str, person: Person) -> None:
        """Somebody moves it by hand."""
        self.write(self.change(number), {"state": state}, person)

    # Conflicts.

    def check_conflicts(self, change: Change) -> str:
        """Start the check; answers the sys_id of what runs it.

        Raises:
            Denied: there is nothing to check, or nothing to check it with.

        """
        if not self.detects_conflicts:
            raise Denied(403, "Operation Failed", "User does not have a role of change.conflict.role")
        lacking = [name for name in ("cmdb_ci", "start_date", "end_date") if not change.values[name]]
        if lacking:
            raise Denied(400, "Unable to start the conflict check", f"These are empty: {', '.join(lacking)}")
        change.check = Check(self.now(), self.patience)
        change.values |= {"conflict_last_run": self.now().strftime(DATE), "conflict_status": "Conflict"}
        return self.next_id("sys_progress_worker")

    def clashes(self, change: Change) -> list[Clash]:
        """What was put on the change by hand, and other changes of the same item whose windows overlap."""
        others = [each for each in self.changes.values() if each is not change and _overlaps(each, change)]
        return [*change.clashes, *(Clash("ci_already_scheduled", each.number, each.sys_id) for each in others)]


def _overlaps(one: Change, other: Change) -> bool:
    item, start, end = (other.values[name] for name in ("cmdb_ci", "start_date", "end_date"))
    same_item = bool(item) and one.values["cmdb_ci"] == item and one.values["active"] == "true"
    return same_item and bool(start) and one.values["start_date"] < end and start < one.values["end_date"]


def _stored(name: str, value: str) -> str:
    """A value as a column holds it: cut to its length, and no moment where the text is none."""
    if name in DATES:
        try:
            return datetime.strptime(value, DATE).replace(tzinfo=UTC).strftime(DATE)
        except ValueError:
            return ""
    return value[: LENGTHS.get(name, len(value))]
