"""What the system that keeps a record's twin knows to be in the way of its planned time. Pure.

A bank's ServiceNow has changes that are not on GitHub, and schedules of blackout and maintenance. It is asked to check
the window when that has been written there, and again for each other window or configuration item. What it finds is
told, and the board weighs it: nobody here can tell which of the two comes first, or how much a schedule there means.
"""

from enum import StrEnum

from bot.changes.model import Change, Checked, Clash, Contents, State
from bot.decide.verdict import Finding, Verdict
from bot.words import counted, listed, quoted

MOST_TOLD = 5
"""How many of what is in the way are named."""

MOST_KEPT = 100

_CONTROLS = ("NIST-800-53-CM-3", "ISO-27001-A.8.32")
_ASKED_ABOUT = {State.DRAFT, State.ASSESS, State.AUTHORIZE, State.SCHEDULED}


class Stage(StrEnum):
    """How far a check of another system is: it was asked for, has been read, or cannot be made."""

    ASKED = "asked"
    READ = "read"
    REFUSED = "refused"


def about(contents: Contents) -> str:
    """What is checked: the window, and the configuration item in it; empty where one of them is missing."""
    window, item = contents.window, contents.configuration_item
    return f"{window.iso} {item}" if window is not None and item else ""


def is_wanted(change: Change) -> bool:
    """Whether it matters what is in the way of the change."""
    return change.state in _ASKED_ABOUT and change.started_at is None and about(change.contents) != ""


def known(contents: Contents) -> Checked | None:
    """What was found about the change as it is planned now; None while that is not known."""
    checked = contents.checked
    return checked if checked is not None and checked.is_of(contents) else None


def is_news(before: Contents, after: Contents) -> bool:
    """Whether something is known to be in the way that was not known before."""
    found, seen = known(after), known(before)
    return found is not None and bool(set(found.found) - set(seen.found if seen is not None else ()))


def finding(contents: Contents) -> Finding | None:
    """What the check run says of it: what is in the way, or that it is not known; nothing where nothing is."""
    checked = known(contents)
    if checked is None or not (checked.found or checked.why_not):
        return None
    if checked.why_not:
        return Finding(
            "change:conflict:elsewhere",
            Verdict.PASS,
            f"not checked for conflicts in {checked.system}",
            f"{checked.system} did not check this window for conflicts, so that none is known. {checked.why_not}",
            controls=_CONTROLS,
        )
    return Finding(
        "change:conflict:elsewhere",
        Verdict.PASS,
        f"warning: {checked.system} knows of {counted(len(checked.found), 'conflict')}",
        f"Warning: {spoken(checked)}",
        "Nobody here can tell which of them comes first: the change does not wait for that, and its board weighs it. "
        "`/schedule` chooses another window.",
        controls=_CONTROLS,
    )


def spoken(checked: Checked) -> str:
    """A sentence that names what is in the way."""
    told = [_named(each) for each in checked.found[:MOST_TOLD]]
    more = len(checked.found) - MOST_TOLD
    told += [f"{more} more"] if more > 0 else []
    return f"{checked.system} knows of {counted(len(checked.found), 'conflict')} with this window: {listed(told)}."


def row(contents: Contents) -> str:
    """What the record shows of it; empty where nothing was ever checked."""
    checked = known(contents)
    if checked is None:
        return "" if contents.checked is None else f"not yet checked in {contents.checked.system} for this window"
    return checked.why_not or (spoken(checked) if checked.found else f"none in {checked.system}")


def _named(clash: Clash) -> str:
    return f"{quoted(clash.kind)} ({quoted(clash.what)})" if clash.what else quoted(clash.kind)
