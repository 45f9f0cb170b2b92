"""What people see of a change to a policy file: a check run of its own. Pure."""

from bot.decide.verdict import Annotation
from bot.policy.model import Problem
from bot.publish.effects import CheckRunContent
from bot.publish.markdown import fitted, literal, sentence, table
from bot.trial.model import DAYS, Difference, Preview
from bot.words import listed

NAME = "policy-preview"
"""The name of the check run."""

_FITS = 60_000
_NAMED = 3
"""Keys that fit into a title."""


def render_preview(
    path: str,
    head: str,
    external_id: str,
    details_url: str,
    *,
    problems: tuple[Problem, ...],
    preview: Preview | None,
    refused: tuple[str, ...] = (),
) -> CheckRunContent:
    """The check run for the policy file at ``path``; ``preview`` is None when the file cannot be used.

    A file that can be used, and of which the ``problems`` under the keys ``refused`` would not hold, is ``neutral``:
    nothing is loosened by it, so that it need not block, and what it says is not what would be, so that it does not
    pass either.
    """
    annotations = tuple(Annotation(path, each.line, each.line, "Policy", each.message) for each in problems)
    if preview is None:
        title = f"{len(problems)} problem{'' if len(problems) == 1 else 's'} in {path}"
        lines = [
            sentence(f"`{path}` cannot be used: merged like this, the last version that works would stay in force."),
            "",
        ]
        lines += [f"- line {each.line}: {sentence(each.message)}" for each in problems]
        return _run(head, external_id, details_url, "failure", title, lines, annotations)
    conclusion, title = ("neutral", _not_held(len(problems), refused)) if problems else ("success", _title(preview))
    return _run(head, external_id, details_url, conclusion, title, _lines(path, preview, problems), annotations)


def _run(
    head: str,
    external_id: str,
    details_url: str,
    conclusion: str,
    title: str,
    lines: list[str],
    annotations: tuple[Annotation, ...],
) -> CheckRunContent:
    return CheckRunContent(
        head=head,
        external_id=external_id,
        status="completed",
        conclusion=conclusion,
        title=title,
        summary=fitted(lines, _FITS),
        text="",
        details_url=details_url,
        annotations=annotations,
    )


def _not_held(count: int, keys: tuple[str, ...]) -> str:
    named = [*keys[:_NAMED], f"{len(keys) - _NAMED} more"] if len(keys) > _NAMED else list(keys)
    return f"{count} rule{'' if count == 1 else 's'} would not hold: {listed(named)}"


def _title(preview: Preview) -> str:
    if not preview.tried:
        return "No change on record can be compared" if preview.untried else "No change is on record to try it on"
    apart = f", {preview.untried:,} not compared" if preview.untried else ""
    if not preview.differing:
        return f"No recorded change of {preview.tried:,} would differ{apart}"
    return f"{preview.differing:,} of {preview.tried:,} recorded changes would differ{apart}"


def _meaning(path: str, preview: Preview) -> str:
    if not preview.tried:
        return f"No change was decided in the last {DAYS} days that `{path}` could be tried on.{_apart(preview)}"
    return (
        f"With `{path}` as it is here, {preview.differing:,} of {preview.tried:,} changes that were decided in the "
        f"last {DAYS} days would have been decided differently; {preview.passing:,} would have passed that did not."
        f"{_apart(preview)}"
    )


def _apart(preview: Preview) -> str:
    """That some cannot be compared."""
    if not preview.untried:
        return ""
    when = "it was" if preview.untried == 1 else "they were"
    more = f"{preview.untried:,} more" if preview.tried else f"{preview.untried:,}"
    return f" {more} cannot be compared: the file names what was not known when {when} decided."


def _lines(path: str, preview: Preview, problems: tuple[Problem, ...]) -> list[str]:
    lines = [sentence(_meaning(path, preview)), ""]
    if problems:
        lines += [
            "**Not let through**",
            "",
            "A repository's policy can only tighten the organisation's. This would loosen it, and would not hold:",
            "",
            *[f"- line {each.line}: {sentence(each.message)}" for each in problems],
            "",
        ]
    if preview.gains:
        rows = [(f"@{literal(each.account.login)}", _pull(each.repository, each.number)) for each in preview.gains]
        lines += [
            "### Who would gain from it now",
            "",
            "Their own open changes would pass with it, so that they cannot approve it.",
            "",
            *table(("who", "open change"), rows),
            "",
        ]
    if preview.shown:
        lines += [
            "### Which decisions would differ",
            "",
            *table(("change", "verdict", "how"), list(map(_row, preview.shown))),
        ]
        if preview.differing > len(preview.shown):
            lines += ["", f"And {preview.differing - len(preview.shown):,} more."]
    return lines


def _row(each: Difference) -> tuple[str, ...]:
    verdict = f"{each.was.value} → {each.would.value}" if each.was is not each.would else each.was.value
    return _pull(each.repository, each.number), verdict, "<br>".join(sentence(how) for how in each.how)


def _pull(repository: str, number: int) -> str:
    return f"{literal(repository)}#{number}"
