"""The packs of controls in ``config/packs``: read strictly, checked against the catalogue of findings, kept.

``python -m bot.policy.packs`` writes ``docs/controls.md`` from them.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bot.decide.catalogue import CATALOGUE
from bot.errors import Refusal
from bot.policy.controls import Basis, Control, Pack, Retention, Start, controls_for, prefix_of
from bot.policy.controls_page import page
from bot.policy.model import Problem
from bot.policy.near import nearest
from bot.policy.packs_schema import PERIOD, ControlPart, PackFile, RetentionPart
from bot.policy.shelf import available, folder
from bot.policy.validation import explain, validated
from bot.policy.yaml import Path as Place
from bot.policy.yaml import read
from bot.words import quoted

__all__ = ["Control", "Pack", "available", "check", "control_ids", "controls_for", "load", "prefix_of"]

_WHOLE = "A pack is a mapping of names to values, beginning with `pack:` and its name."


def check(text: str, origin: str, name: str) -> tuple[Pack | None, tuple[Problem, ...]]:
    """The pack of that name in ``text``, or what is wrong with it, each at its line. Never raises."""
    document = read(text, origin)
    content = None if document.problems else validated(document, PackFile, _WHOLE)
    if content is not None:
        for place, message in _contradictions(content, name):
            document.complain(place, message)
    if content is None or document.problems:
        return None, tuple(sorted(document.problems, key=lambda each: (each.line, each.column)))
    return _pack(content, text), ()


@cache
def load(name: str) -> Pack:
    """The pack of that name. It is a file of ours: anything wrong in it is a defect.

    Raises:
        Refusal: There is no pack of that name.

    """
    names = available()
    if name not in names:
        raise Refusal(f"There is no pack {quoted(name)}.", remedy=nearest(name, names).strip())
    text = (folder() / "packs" / f"{name}.yml").read_text(encoding="utf-8")
    pack, problems = check(text, f"packs/{name}.yml", name)
    assert pack is not None, explain(problems)
    return pack


@cache
def control_ids() -> tuple[str, ...]:
    """The ids of the controls of all packs, in the order of the packs."""
    return tuple(control.id for name in available() for control in load(name).controls)


Complaints = Iterable[tuple[Place, str]]


def _contradictions(content: PackFile, name: str) -> Complaints:
    """What no single value shows."""
    if content.pack != name:
        yield ("pack",), f"The file is that of the pack {quoted(name)}, not of {quoted(content.pack)}."
    yield from _in_policy(content)
    prefix = prefix_of(name)
    known = Counter(control.id for control in content.controls)
    for index, control in enumerate(content.controls):
        place = ("controls", index)
        if not control.id.startswith(prefix):
            yield (*place, "id"), f"`{control.id}` must begin with `{prefix}`."
        if known[control.id] > 1:
            yield (*place, "id"), f"There are {known[control.id]} controls `{control.id}`."
        yield from _in_control(control, place)


def _in_policy(content: PackFile) -> Complaints:
    if (content.policy is None) is not (content.policy_because is None):
        yield (
            ("policy",),
            "`policy` and `policy_because` stand together: what is tightened, and where that is asked for.",
        )
    for index, pair in enumerate(content.policy.separation if content.policy else ()):
        if len(set(pair.roles)) < len(pair.roles):
            yield ("policy", "separation", index, "roles"), "A role cannot be separated from itself."


def _in_control(control: ControlPart, place: Place) -> Complaints:
    findings = control.satisfied_by or []
    if bool(findings) is bool(control.not_judged):
        yield (
            place,
            f"`{control.id}` needs either `satisfied_by` or `not_judged`; what findings leave open is `remainder`.",
        )
    if control.remainder and not findings:
        yield (*place, "remainder"), "There is a remainder only where `satisfied_by` names findings."
    for index, finding in enumerate(findings):
        if finding not in CATALOGUE:
            here = (*place, "satisfied_by", index)
            yield here, f"There is no finding {quoted(finding)}.{nearest(finding, tuple(CATALOGUE))}"
        elif findings.index(finding) < index:
            yield (*place, "satisfied_by", index), f"`{finding}` is there twice."


def _pack(content: PackFile, text: str) -> Pack:
    retention = _retention(content.retention)
    return Pack(
        name=content.pack,
        title=content.title,
        edition=content.edition,
        document=content.source.document,
        publisher=content.source.publisher,
        controls=tuple(
            Control(
                id=each.id,
                title=each.title,
                source=each.source,
                basis=Basis(each.basis),
                retention=_retention(each.retention) if each.retention else retention,
                satisfied_by=tuple(each.satisfied_by or ()),
                remainder=each.remainder or "",
                not_judged=each.not_judged or "",
            )
            for each in content.controls
        ),
        retention=retention,
        note=content.note or "",
        policy=content.policy.model_dump(exclude_none=True) if content.policy else {},
        policy_because=content.policy_because or "",
        blob=_blob(text),
    )


def _retention(part: RetentionPart) -> Retention:
    found = PERIOD.fullmatch(part.period)
    assert found is not None
    months = int(found[1]) * (12 if found[2] == "year" else 1)
    return Retention(part.period, months, Start(part.starts), part.laid_down, part.because)


def _blob(text: str) -> str:
    """The id that git gives to a file with this text."""
    body = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def documentation() -> str:
    """docs/controls.md."""
    return page([load(name) for name in available()])


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    (root / "docs" / "controls.md").write_text(documentation(), encoding="utf-8")
