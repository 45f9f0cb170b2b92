"""What is wrong in a policy file though each value by itself is well-formed."""

import zoneinfo
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import holidays

from bot.decide.catalogue import CATALOGUE, NEVER_OBSERVED, kind
from bot.policy import packs, recurrence
from bot.policy.expressions import checked, patterns_in
from bot.policy.faults import Malformed
from bot.policy.model import Tier
from bot.policy.near import nearest
from bot.policy.patterns import MOST_INSTRUCTIONS, compiled, instructions
from bot.policy.schema import CabPart, CalendarPart, FreezePart, PolicyFile, RecordsPart, TierPart
from bot.policy.shelf import available
from bot.policy.yaml import Path
from bot.words import quoted

PERMISSIONS = ("write", "maintain", "admin")


@dataclass(frozen=True, slots=True)
class Known:
    """Names of the layers above that a file may use: ``things`` are applications and configuration items."""

    roles: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()

    def __or__(self, other: "Known") -> "Known":
        return Known(self.roles | other.roles, self.windows | other.windows, self.things | other.things)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What is wrong at a place; ``offset`` is that of the character of its text that it is about."""

    path: Path
    message: str
    offset: int | None = None


Found = Iterator[tuple[Path, str]]
"""Texts with their places."""


def contradictions(content: PolicyFile, known: Known) -> Iterator[Contradiction]:
    """The problems, each with its place."""
    for path, message in _found(content, known):
        yield Contradiction(path, message)
    large = _too_large(content)
    if large is not None:
        yield large
        return
    for path, pattern in _paths(content):
        if wrong := _pattern(pattern):
            yield Contradiction(path, wrong)
    for path, text in _texts(content):
        yield from _expression(text, path)


def _found(content: PolicyFile, known: Known) -> Found:
    yield from _groups(content, {*content.roles, *known.roles})
    yield from _names(content)
    yield from _catalogued(content)
    yield from _inventory(content)
    yield from _exclusive(content, {*_things(content), *known.things})
    yield from _doubles(content)
    yield from _records(content.records)
    yield from _calendar(content.calendar)
    yield from _windows(content, {*content.calendar.windows, *known.windows})


def _records(records: RecordsPart | None) -> Found:
    if records is None or not records.carry_votes or records.system == "servicenow":
        return
    why = {
        "jira": "Jira takes an answer only from whoever signs in, so that nobody can give one for somebody else.",
        "register": "Countersign's own register has no approvals besides its votes.",
    }
    yield ("records", "carry_votes"), f"Votes are carried to ServiceNow alone. {why[records.system]}"


def _things(content: PolicyFile) -> Iterator[str]:
    """The names of what its inventory has."""
    for each in content.applications:
        yield each.name
        if each.configuration_item:
            yield each.configuration_item


def _names(content: PolicyFile) -> Found:
    for role in content.roles:
        if role in PERMISSIONS:
            yield ("roles", role), f"`{role}` is a permission of GitHub and cannot be a role."
    for index, pair in enumerate(content.separation):
        if len(set(pair.roles)) < len(pair.roles):
            yield ("separation", index, "roles"), "A role cannot be separated from itself."


def _catalogued(content: PolicyFile) -> Found:
    """What is named of that which comes with Countersign: packs, findings, controls."""
    for index, pack in enumerate(content.packs):
        if pack not in available():
            yield ("packs", index), f"There is no pack {quoted(pack)}.{nearest(pack, available())}"
    for index, finding in enumerate(content.observe):
        if kind(finding) not in CATALOGUE:
            yield ("observe", index), f"There is no finding {quoted(finding)}.{nearest(finding, tuple(CATALOGUE))}"
        elif kind(finding) in NEVER_OBSERVED:
            yield ("observe", index), f"{quoted(finding)} is never only observed: {NEVER_OBSERVED[kind(finding)]}."
    for index, rule in enumerate(content.rules):
        for place, control in enumerate(rule.controls):
            if control not in packs.control_ids():
                yield ("rules", index, "controls", place), f"There is no control {quoted(control)}.{_control(control)}"


def _control(wanted: str) -> str:
    """The control that was meant: of the pack that its id names, or of any."""
    ids = packs.control_ids()
    pack = next((name for name in available() if wanted.startswith(packs.prefix_of(name))), None)
    return nearest(wanted, [each for each in ids if each.startswith(packs.prefix_of(pack))] if pack else ids)


def _exclusive(content: PolicyFile, things: Collection[str]) -> Found:
    for index, names in enumerate(content.exclusive):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield ("exclusive", index, place), f"{quoted(name)} is there twice."
            elif name not in things:
                message = (
                    f"There is no application or configuration item {quoted(name)}.{nearest(name, sorted(things))}"
                )
                yield ("exclusive", index, place), message


def _inventory(content: PolicyFile) -> Found:
    for index, application in enumerate(content.applications):
        if not application.repositories and not application.properties:
            yield ("applications", index), "It says which repositories belong to it: `repositories` or `properties`."


def _groups(content: PolicyFile, roles: Collection[str]) -> Found:
    """Every place that names a role, or where it may be a permission, a permission."""
    either = {*PERMISSIONS, *roles}
    for tier, part in _tiers(content):
        for index, demand in enumerate(part.approvals or ()):
            yield from _unknown(demand.groups, either, ("tiers", tier, "approvals", index, "from"))
        yield from _unknown(part.sign_off, roles, ("tiers", tier, "sign_off"))
        if part.cab is not None:
            yield from _escalation(part.cab, roles, ("tiers", tier, "cab", "escalate_to"))
        if part.verification is not None:
            yield from _unknown(part.verification.groups, either, ("tiers", tier, "verification", "from"))
    if content.emergency is not None:
        yield from _unknown(content.emergency.groups, either, ("emergency", "from"))
        for index, demand in enumerate(content.emergency.approvals or ()):
            yield from _unknown(demand.groups, either, ("emergency", "approvals", index, "from"))
    if content.waivers is not None:
        yield from _unknown(content.waivers.groups, roles, ("waivers", "from"))
    yield from _unknown(content.acknowledge, roles, ("acknowledge",))
    if any(part.cab is not None for _, part in _tiers(content)) and "cab" not in roles:
        tier = next(tier for tier, part in _tiers(content) if part.cab is not None)
        yield ("tiers", tier, "cab"), "A board needs members: name them in `roles` as `cab`."


def _escalation(board: CabPart, roles: Collection[str], path: Path) -> Found:
    yield from _unknown(board.escalate_to, roles, path)
    if board.escalate_to and board.on_timeout != "escalate":
        yield path, "Nobody is escalated to without `on_timeout: escalate`."


def _tiers(content: PolicyFile) -> Iterator[tuple[str, TierPart]]:
    for tier in Tier:
        part: TierPart | None = getattr(content.tiers, tier.label)
        if part is not None:
            yield tier.label, part


def _unknown(groups: Iterable[str], known: Collection[str], path: Path) -> Found:
    for index, group in enumerate(groups):
        if group not in known:
            yield (*path, index), f"There is no role `{group}`.{nearest(group, sorted(known))}"


def _windows(content: PolicyFile, windows: Collection[str]) -> Found:
    for tier, part in _tiers(content):
        for index, window in enumerate(part.windows):
            if window not in windows:
                yield (
                    ("tiers", tier, "windows", index),
                    f"There is no window `{window}`.{nearest(window, sorted(windows))}",
                )


def _doubles(content: PolicyFile) -> Found:
    names = Counter(application.name for application in content.applications)
    for index, application in enumerate(content.applications):
        if names[application.name] > 1:
            message = f"There are {names[application.name]} applications {quoted(application.name)}."
            yield ("applications", index, "name"), message
    accounts = Counter(login for person in content.people for login in set(person))
    for index, person in enumerate(content.people):
        for login in sorted(set(person)):
            if accounts[login] > 1:
                yield ("people", index), f"`{login}` belongs to {accounts[login]} people."
    lists: Mapping[Path, Iterable[Any]] = {
        ("risk", "raise"): content.risk.raise_,
        ("rules",): content.rules,
        ("standard",): content.standard,
    }
    for path, entries in lists.items():
        ids = Counter(each.id for each in entries)
        for index, each in enumerate(entries):
            if ids[each.id] > 1:
                yield (*path, index, "id"), f"The id `{each.id}` is there {ids[each.id]} times."


def _too_large(content: PolicyFile) -> Contradiction | None:
    """The pattern with which those of the file are too large: nothing else is compiled then."""
    left = MOST_INSTRUCTIONS
    for path, pattern, offset in _patterns(content):
        left -= instructions(pattern)
        if left < 0:
            message = (
                "With this pattern, those of the file are too large together. Classes like `\\pL` and repetitions like "
                "`{20}` make one large: write fewer of them, or fewer patterns."
            )
            return Contradiction(path, message, offset)
    return None


def _patterns(content: PolicyFile) -> Iterator[tuple[Path, str, int]]:
    """Every pattern that is written out, with the place of its text and the character where it begins there."""
    for path, pattern in _paths(content):
        yield path, pattern, 0
    for path, text in _texts(content):
        for offset, pattern in patterns_in(text):
            yield path, pattern, offset


def _paths(content: PolicyFile) -> Found:
    """The patterns of the files that standard changes may touch."""
    for index, template in enumerate(content.standard):
        for place, pattern in enumerate(template.paths):
            yield ("standard", index, "paths", place), pattern


def _texts(content: PolicyFile) -> Found:
    """The expressions."""
    for index, raising in enumerate(content.risk.raise_):
        yield ("risk", "raise", index, "when"), raising.when
    for index, rule in enumerate(content.rules):
        yield ("rules", index, "when"), rule.when
        yield ("rules", index, "require"), rule.require


def _expression(text: str, path: Path) -> Iterator[Contradiction]:
    try:
        checked(text)
    except Malformed as error:
        for fault in error.faults:
            yield Contradiction(path, fault.message, fault.offset)


def _calendar(part: CalendarPart) -> Found:
    if part.timezone is not None and part.timezone not in zoneinfo.available_timezones():
        near = nearest(part.timezone, sorted(zoneinfo.available_timezones()))
        yield (
            ("calendar", "timezone"),
            f"There is no time zone {quoted(part.timezone)}.{near if 'mean' in near else ''}",
        )
    if part.holidays is not None and not _has_holidays(part.holidays):
        yield ("calendar", "holidays"), f"The holidays of {quoted(part.holidays)} are not known."
    for name, window in part.windows.items():
        if wrong := recurrence.problem(window.rrule):
            yield ("calendar", "windows", name, "rrule"), wrong
    for index, freeze in enumerate(part.freezes):
        yield from _freeze(freeze, ("calendar", "freezes", index))


def _freeze(part: FreezePart, path: Path) -> Found:
    recurs = part.rrule is not None or part.duration is not None
    spans = part.first is not None or part.last is not None
    if recurs == spans:
        yield path, "A freeze has either `rrule` and `duration`, or `from` and `to`."
    elif recurs and (part.rrule is None or part.duration is None):
        yield path, "A freeze that recurs has `rrule` and `duration`."
    elif spans and (part.first is None or part.last is None):
        yield path, "A freeze that does not recur has `from` and `to`."
    if part.rrule is not None and (wrong := recurrence.problem(part.rrule)):
        yield (*path, "rrule"), wrong
    if part.first is not None and part.last is not None and _start(part.last) < _start(part.first):
        yield (*path, "to"), "It ends before it begins."


def _start(moment: date | datetime) -> datetime:
    whole = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return whole.replace(tzinfo=None)


def _pattern(text: str) -> str:
    return _refused(lambda: compiled(text), "It is not a pattern of RE2")


def _refused(reading: Callable[[], object], sentence: str) -> str:
    """The sentence, when the value cannot be read; libraries raise all sorts of errors on it."""
    try:
        reading()
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the value is what is wrong
        said = error.args[0] if error.args else ""
        words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return f"{sentence}: {words}." if words else f"{sentence}."
    return ""


def _has_holidays(region: str) -> bool:
    country, _, subdivision = region.partition("-")
    if not subdivision and country in holidays.list_supported_financial():
        return True
    known = holidays.list_supported_countries()
    return country in known and (not subdivision or subdivision in known[country])
