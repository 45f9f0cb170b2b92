"""A decision as people see it: the check run's title, summary and text. Pure; every sentence of it has a snapshot."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from bot.decide.verdict import Annotation, CountedReview, Decision, Finding, Involvement, Verdict
from bot.facts.model import Account
from bot.policy.model import Mode, Problem
from bot.publish.effects import Button, CheckRunContent
from bot.publish.markdown import fitted, literal, sentence, table
from bot.words import counted, dated, shortened

TITLE = 50
"""Characters of a title that GitHub's lists surely show."""

_FITS = 60_000
"""Bytes of a summary, a text or a comment: GitHub takes 65,535 characters of each."""

BUTTONS = (
    Button("Recheck", "Look at this change again now", "recheck"),
    Button("Explain", "Say in a comment what is missing and why", "explain"),
)
REQUEST_CAB = Button("Request CAB", "Ask the board for this change", "request-cab")
_WORDS = {Verdict.PASS: "Passed", Verdict.WAIT: "Waiting", Verdict.FAIL: "Blocked", Verdict.WAIVED: "Waived"}
_OPEN = {Verdict.FAIL, Verdict.WAIT}
_MARKS = {Verdict.PASS: "✅ pass", Verdict.WAIT: "⏳ wait", Verdict.FAIL: "❌ fail", Verdict.WAIVED: "☑️ waived"}


@dataclass(frozen=True, slots=True)
class Record:
    """Where the decision is on record: its id, when it was made, and the digest of the policy."""

    decision: str
    decided_at: datetime
    policy: str


def render(
    decision: Decision, record: Record, *, external_id: str, details_url: str, problems: tuple[Problem, ...] = ()
) -> CheckRunContent:
    """The check run of a decision; ``problems`` of the repository's policy file are shown at their lines."""
    status, conclusion = state(decision)
    return CheckRunContent(
        head=decision.head,
        external_id=external_id,
        status=status,
        conclusion=conclusion,
        title=title(decision),
        summary=fitted(_summary(decision), _FITS),
        text=fitted(_text(decision), _FITS),
        details_url=details_url,
        annotations=_annotations(decision, problems),
        buttons=_buttons(decision),
        record="\n".join(_record(decision, record)),
    )


def _buttons(decision: Decision) -> tuple[Button, ...]:
    """The buttons; the board is asked where the change record waits."""
    waits = any(finding.id == "change-record" and finding.blocks is Verdict.WAIT for finding in decision.findings)
    return (*BUTTONS, REQUEST_CAB) if waits else BUTTONS


def state(decision: Decision) -> tuple[str, str | None]:
    """The status and conclusion: never ``neutral`` or ``skipped`` where the policy is enforced, GitHub passes both.

    A run that waits is completed, since GitHub gives up on one that stays incomplete for 14 days; only what is a matter
    of minutes stays in progress.
    """
    if decision.mode is Mode.OBSERVE:
        return "completed", "neutral"
    match decision.verdict:
        case Verdict.PASS | Verdict.WAIVED:
            return "completed", "success"
        case Verdict.FAIL:
            return "completed", "failure"
        case Verdict.WAIT:
            waiting = [finding for finding in decision.findings if finding.blocks is Verdict.WAIT]
            minutes = all(finding.minutes for finding in waiting)
            return ("in_progress", None) if minutes else ("completed", "action_required")
        case _:
            assert_never(decision.verdict)


def title(decision: Decision) -> str:
    """The verdict and the next step, in about 50 characters."""
    word = _WORDS[decision.verdict]
    if decision.mode is Mode.OBSERVE:
        word = {Verdict.PASS: "Observing: would pass", Verdict.WAIVED: "Observing: would pass"}.get(
            decision.verdict,
            "Observing: would wait for" if decision.verdict is Verdict.WAIT else "Observing: would block",
        )
    open_findings = [finding for finding in decision.findings if finding.blocks in _OPEN]
    if not open_findings and not decision.demands:
        # A group demands nothing itself: its members say what each of them lacks.
        open_findings = [finding for finding in decision.findings if finding.blocks is Verdict.WAIVED]
    if not open_findings:
        return shortened(f"{word}: {_passed(decision)}", TITLE)
    more = f" (+{len(open_findings) - 1} more)" if len(open_findings) > 1 else ""
    separator = " " if word.endswith("for") else ": "
    return shortened(f"{word}{separator}{open_findings[0].headline}", TITLE - len(more)) + more


def _passed(decision: Decision) -> str:
    found = {finding.id: finding for finding in decision.findings}
    needed = sum(demand.needed for demand in decision.demands)
    if not needed:
        return "every pull request of the group"
    until = found["window"].until if "window" in found else None
    by = "by its board" if "cab" in found else counted(needed, "approval")
    if until is not None:
        return f"{by}, until {dated(until)}"
    return by if "cab" in found else f"{needed} of {by}, none by a contributor"


def _summary(decision: Decision) -> list[str]:
    lines = [sentence(_verdict(decision)), ""]
    steps = [finding.remedy for finding in decision.findings if finding.remedy and finding.blocks in _OPEN]
    if steps:
        lines += ["**What to do next**", "", *[f"- {sentence(step)}" for step in steps], ""]
    lines += table(("", "what", "why"), [_row(finding) for finding in decision.findings])
    lines.append("")
    if decision.demands:
        rows = [
            (
                sentence(each.label),
                f"{each.given} of {each.needed}",
                sentence(_still(each.given, each.needed, each.from_whom)),
            )
            for each in decision.demands
        ]
        lines += ["### Approvals demanded", "", *table(("from", "given", "who could give one"), rows), ""]
    if decision.reviews:
        reviews = [_review_row(review) for review in decision.reviews]
        lines += ["### Every review, counted or not", "", *table(("", "who", "commit", "why"), reviews), ""]
    return lines


def _still(given: int, needed: int, from_whom: str) -> str:
    return "" if given >= needed else from_whom


def _verdict(decision: Decision) -> str:
    tier = f"a {'group of changes' if _is_group(decision) else 'change'} of tier {decision.tier.label}"
    would = "would be" if decision.mode is Mode.OBSERVE else "is"
    note = " Countersign only observes here and blocks nothing." if decision.mode is Mode.OBSERVE else ""
    match decision.verdict:
        case Verdict.PASS:
            return f"This is {tier}, and everything that the policy demands of it is there.{note}"
        case Verdict.WAIVED:
            return f"This is {tier}; what it lacks {would} waived.{note}"
        case Verdict.WAIT:
            return f"This is {tier}. It {would} waiting for what is named below.{note}"
        case Verdict.FAIL:
            return f"This is {tier}. It {would} blocked by what is named below.{note}"
        case _:
            assert_never(decision.verdict)


def _is_group(decision: Decision) -> bool:
    """Whether this is about a group of the merge queue: of every pull request, approvals are looked at."""
    return not any(finding.id == "approvals" for finding in decision.findings)


def _row(finding: Finding) -> tuple[str, ...]:
    # What must be done now stands above the table; what could be done stands here.
    why = f"{finding.why} {finding.remedy}" if finding.blocks is Verdict.PASS else finding.why
    return _mark(finding), f"{sentence(finding.what)} <sub>`{finding.id}`</sub>", sentence(why)


def _mark(finding: Finding) -> str:
    """The verdict of a finding; of one that is only observed, what it would be."""
    if finding.observed and finding.verdict is not Verdict.PASS:
        would = "be waived" if finding.verdict is Verdict.WAIVED else finding.verdict.value
        return f"👁️ observed, would {would}"
    return _MARKS[finding.verdict]


def _review_row(review: CountedReview, *, quiet: bool = False) -> tuple[str, ...]:
    who = "*account gone*"
    if review.account:
        who = f"`@{review.account.login}`" if quiet else _login(review.account)
    commit = f"`{review.commit[:7]}`" if review.commit else ""
    if review.counts_for is not None:
        return "counted", who, commit, sentence(f"for {review.counts_for}")
    return "not counted", who, commit, sentence(review.reason)


def _login(account: Account) -> str:
    return f"@{literal(account.login)}"


def _text(decision: Decision) -> list[str]:
    lines: list[str] = []
    if decision.people:
        rows = [_person_row(each) for each in decision.people]
        lines += ["### People in this change", "", *table(("who", "role", "how that is known"), rows), ""]
    if decision.tier_because:
        lines += [
            f"### Why tier {decision.tier.label}",
            "",
            *[f"- {sentence(each)}" for each in decision.tier_because],
            "",
        ]
    controls = sorted({control for finding in decision.findings for control in finding.controls})
    if controls:
        lines += ["### Controls that this is evidence for", "", " · ".join(f"`{control}`" for control in controls), ""]
    if not _is_group(decision):
        lines += ["Comment `/recheck` to look again, `/explain` to have this explained, `/help` for every command.", ""]
    return lines


def _record(decision: Decision, record: Record) -> list[str]:
    return [
        "",
        "<details><summary>On record</summary>",
        "",
        f"Decision `{record.decision}`, made {record.decided_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"under policy `{record.policy[:12]}`, on commit `{decision.head}`.",
        "",
        "</details>",
    ]


def _person_row(each: Involvement) -> tuple[str, ...]:
    return ", ".join(_login(account) for account in each.accounts), each.role, sentence(", ".join(each.because))


def _annotations(decision: Decision, problems: tuple[Problem, ...]) -> tuple[Annotation, ...]:
    found = [annotation for finding in decision.findings for annotation in finding.annotations]
    found += [
        Annotation(each.origin.partition(":")[2], each.line, each.line, "Policy", each.message) for each in problems
    ]
    return tuple(found)


def explanation(decision: Decision, finding_id: str | None = None) -> str:
    """The decision, or one of its findings, as the text of a comment; it notifies nobody."""
    chosen = [finding for finding in decision.findings if finding_id is None or finding.id == finding_id]
    lines = [] if finding_id else [sentence(_verdict(decision)), ""]
    for finding in chosen:
        lines.append(f"- **{_mark(finding)}** {sentence(finding.what, quiet=True)} <sub>`{finding.id}`</sub>")
        lines += [f"  {sentence(part, quiet=True)}" for part in (finding.why, finding.remedy) if part]
    if decision.reviews and finding_id in {None, "approvals", "separation"}:
        rows = [_review_row(review, quiet=True) for review in decision.reviews]
        lines += ["", *table(("", "who", "commit", "why"), rows)]
    return fitted(lines, _FITS)
