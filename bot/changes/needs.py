"""What a change record lacks before anybody can be asked to authorise it, with the text that would fill it."""

from collections.abc import Iterable, Sequence

from bot.changes.model import Contents, Part
from bot.changes.plans import JUSTIFICATION, PLANS, Section, to_add
from bot.decide.verdict import Finding, Verdict
from bot.policy.model import ChangeType, Plan, Policy
from bot.words import listed

_CONTROLS = ("SOX-404", "PCI-DSS-6.5.1", "NIST-800-53-CM-3", "ISO-27001-A.8.32")


def missing(contents: Contents, policy: Policy, parts: Sequence[Part] = ()) -> tuple[Finding, ...]:
    """What the policy demands of a change of this tier and type and the record does not have.

    ``parts`` are the pull requests that ship together: each has to have it.
    """
    found = [_section(section, name, _whose([name], parts)) for name, section in _lacking(contents, policy).items()]
    if contents.routing.has_board and not contents.application:
        found.append(
            _finding(
                "application",
                "the affected application",
                f"`{contents.repository}` is in no application of the inventory.",
                "Nobody can say which service is affected, nor who answers for it.",
                "The owners of the policy add the repository under `applications`.",
            )
        )
    if contents.window is None and contents.kind is not ChangeType.EMERGENCY:
        found.append(
            _finding(
                "window",
                "a window to be released in",
                "The calendar has no time at which this change may be released.",
                "A change is authorised for a time.",
                f"The owners of the policy correct `calendar`, or `tiers.{contents.tier.label}.windows`.",
            )
        )
    return tuple(found)


def text_to_add(contents: Contents, policy: Policy) -> str:
    """Markdown for the pull request's description with every section that it lacks; empty when it lacks none."""
    return "\n".join(to_add(section) for section in _lacking(contents, policy).values())


def summed_up(contents: Contents, policy: Policy, parts: Sequence[Part] = ()) -> tuple[str, str] | None:
    """What is missing and what is to be done, in few sentences; None when nothing is."""
    lacking = _lacking(contents, policy)
    others = [each for each in missing(contents, policy) if each.id.partition(":")[2] not in lacking]
    what, remedies = [each.what for each in others], [each.remedy for each in others]
    sections = [f"`{section.heading}`" for section in lacking.values()]
    if sections:
        noun = "section" if len(sections) == 1 else "sections"
        whose = _whose(lacking, parts)
        what.insert(0, f"The description of {whose} lacks the {noun} {listed(sections)}.")
        remedies.insert(0, f"Fill {'it' if len(sections) == 1 else 'them'} in: a placeholder is not enough.")
    return (" ".join(what), " ".join(remedies)) if what else None


def _lacking(contents: Contents, policy: Policy) -> dict[str, Section]:
    """The sections of the description that are demanded and not there, each with its name."""
    found = {plan.value: PLANS[plan] for plan in _plans(contents, policy) if not contents.plan(plan)}
    return {"justification": JUSTIFICATION, **found} if _needs_justification(contents) else found


def _needs_justification(contents: Contents) -> bool:
    """Whether a board would not know why; whoever declares an emergency has said it."""
    return contents.routing.has_board and contents.kind is not ChangeType.EMERGENCY and not contents.justification


def _plans(contents: Contents, policy: Policy) -> Sequence[Plan]:
    """The plans that are demanded; an emergency has at least to say how to go back."""
    demanded = contents.rules(policy).plans
    if contents.kind is not ChangeType.EMERGENCY:
        return demanded
    return tuple(plan for plan in demanded if plan is Plan.BACKOUT)


def _whose(names: Iterable[str], parts: Sequence[Part]) -> str:
    """The pull requests whose descriptions lack one of these sections, in words."""
    if len(parts) < 2:
        return "the pull request"
    return listed([f"#{part.number}" for part in parts if not all(_says(part.contents, name) for name in names)])


def _says(contents: Contents | None, name: str) -> bool:
    """Whether the description has that section; nobody knows yet what one says that was not looked at."""
    if contents is None:
        return True
    return bool(contents.justification) if name == "justification" else bool(contents.plan(Plan(name)))


def _section(section: Section, name: str, whose: str) -> Finding:
    return _finding(
        name,
        f"the section {section.heading}",
        f"The description of {whose} has no section `{section.heading}`, or only a placeholder there.",
        "Whoever authorises the change must know this.",
        f"Add `## {section.heading}` to the description of {whose}, with: {section.prompt}",
    )


def _finding(name: str, lacking: str, what: str, why: str, remedy: str) -> Finding:
    return Finding(
        id=f"change:{name}",
        verdict=Verdict.WAIT,
        headline=f"missing: {lacking}",
        what=what,
        why=why,
        remedy=remedy,
        controls=_CONTROLS,
    )
