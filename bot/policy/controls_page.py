"""The page about controls, from the packs and the catalogue. Pure."""

from collections.abc import Iterable, Sequence

from bot.decide.catalogue import CATALOGUE, Entry
from bot.policy.controls import Basis, Control, Pack, Retention, Start
from bot.words import listed

_INTRODUCTION = """\
# Controls

Generated from `config/packs/` and `bot/decide/catalogue.py` by `python -m bot.policy.packs`.

A pack says which findings of a decision are evidence for a control of a regulation, or exceptions to it: what a finding
says tells which of the two. It never says that a control is met; that is for the organisation and its auditor to judge.
The titles are in our words, and the source has the last word. Where no change can show anything about a control, the
table says why, and where it is judged instead.
"""

_BASES = {
    Basis.TEXT: "the entry was compared with the source's own text",
    Basis.COMMENTARY: "the entry was compared with a publication about the source or a rendering of it",
    Basis.PRACTICE: "the entry follows established use: compare it with the source before you quote it",
}
_STARTS = {Start.RECORD: "the record", Start.AUDIT_CONCLUDED: "the conclusion of the audit"}


def page(packs: Sequence[Pack]) -> str:
    """docs/controls.md."""
    parts = [_INTRODUCTION, _overview(packs), _findings(), *[_pack(pack) for pack in packs]]
    return "\n".join(parts)


def _overview(packs: Iterable[Pack]) -> str:
    lines = [
        "## Packs",
        "",
        "| pack | edition | controls | evidence in this version | evidence later only | not judged from a change |",
        "|---|---|---|---|---|---|",
    ]
    for pack in packs:
        now = sum(each.evidenced for each in pack.controls)
        never = sum(bool(each.not_judged) for each in pack.controls)
        total = len(pack.controls)
        lines.append(f"| `{pack.name}` | {pack.edition} | {total} | {now} | {total - now - never} | {never} |")
    lines += ["", "The column *basis* of the tables below says what an entry was compared with:", ""]
    lines += [f"- {basis}: {meaning}." for basis, meaning in _BASES.items()]
    return "\n".join([*lines, ""])


def _findings() -> str:
    lines = ["## Findings", "", "| finding | what is true where nothing is wrong | in this version |", "|---|---|---|"]
    lines += [f"| `{each.id}` | {each.meaning} | {_in_this_version(each)} |" for each in CATALOGUE.values()]
    return "\n".join([*lines, ""])


def _in_this_version(entry: Entry) -> str:
    if not entry.built:
        return "no"
    return "yes; left out where there is nothing to say" if entry.quiet else "yes"


def _pack(pack: Pack) -> str:
    lines = [f"## {pack.title} (`{pack.name}`)", "", f"{pack.edition}. Source: {pack.document}; {pack.publisher}.", ""]
    lines += [pack.note, ""] if pack.note else []
    lines += [f"Evidence is kept for {_kept(pack.retention)}. {pack.retention.because}", ""]
    if pack.policy:
        pairs = listed([_pair(each["roles"], each.get("tiers")) for each in pack.policy["separation"]])
        lines += [f"Separation that it adds: {pairs}. {pack.policy_because}", ""]
    lines += ["| control | what it asks for | evidence | kept | basis |", "|---|---|---|---|---|"]
    lines += [_row(each) for each in pack.controls]
    return "\n".join([*lines, ""])


def _row(control: Control) -> str:
    kept = "-" if control.not_judged else control.retention.period
    cells = (f"`{control.id}`<br>{control.source}", control.title, _evidence(control), kept, control.basis)
    return f"| {' | '.join(cells)} |"


def _evidence(control: Control) -> str:
    if control.not_judged:
        return f"Not judged: {control.not_judged}"
    now = [f"`{name}`" for name in control.satisfied_by if CATALOGUE[name].built]
    later = [f"`{name}`" for name in control.satisfied_by if not CATALOGUE[name].built]
    parts = [f"{', '.join(now)}." if now else ""]
    parts.append(f"Not built into this version: {', '.join(later)}." if later else "")
    parts.append(f"Open: {control.remainder}" if control.remainder else "")
    return "<br>".join(part for part in parts if part)


def _kept(retention: Retention) -> str:
    by = "the source lays that down" if retention.laid_down else "the pack's choice"
    return f"{retention.period} from {_STARTS[retention.starts]} ({by})"


def _pair(roles: Sequence[str], tiers: Sequence[str] | None) -> str:
    pair = f"{roles[0]} / {roles[1]}"
    return f"{pair} (tier {' or '.join(tiers)})" if tiers else pair
