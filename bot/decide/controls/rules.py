"""The organisation's own rules."""

from functools import partial

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.policy.expressions import Failed, checked
from bot.policy.model import Rule
from bot.words import quoted


def look(context: Context) -> list[Finding]:
    """A finding for each rule that concerns the change, and for each that has no answer for it."""
    return [finding for rule in context.policy.rules if (finding := _look(rule, context)) is not None]


def _look(rule: Rule, context: Context) -> Finding | None:
    when, require = checked(rule.when), checked(rule.require)
    finding = partial(Finding, id=f"rule:{rule.id}", controls=rule.controls)
    try:
        held = [require.holds(subject) for subject in context.subjects if when.holds(subject)]
    except Failed as failed:
        return finding(
            verdict=Verdict.FAIL,
            headline=f"the rule {rule.id} has no answer",
            what=f"The rule {quoted(rule.id)} has no answer for this change: {failed}.",
            why="What is not known cannot be passed.",
            remedy="The owners of the policy correct the rule in `rules`.",
        )
    if not held:
        return None
    if all(held):
        return finding(verdict=Verdict.PASS, headline=f"{rule.id} holds", what=f"The rule {quoted(rule.id)} holds.")
    return finding(
        verdict=Verdict.FAIL,
        headline=f"{rule.id} does not hold",
        what=rule.message,
        why=f"The policy's rule {quoted(rule.id)} does not hold.",
        remedy="Do what the rule asks for; the owners of the policy know what it is about.",
    )
