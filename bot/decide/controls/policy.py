"""The policy that the change is judged by is sound."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict


def look(context: Context) -> Finding | None:
    """Show what is wrong in policy files; block where no version of a file has ever worked."""
    policy = context.policy
    if not policy.problems and not policy.undecidable:
        return None
    listed = " ".join(f"{each.origin}, line {each.line}: {each.message}" for each in policy.problems[:5])
    more = f" And {len(policy.problems) - 5} more." if len(policy.problems) > 5 else ""
    if policy.undecidable:
        return Finding(
            id="policy",
            verdict=Verdict.FAIL,
            headline="the policy cannot be used",
            what=f"The organisation's policy cannot be used. {listed}{more}",
            why="No version of it has ever worked, so that nobody knows what it demands.",
            remedy="The owners of the policy correct it; every open pull request is then looked at again.",
        )
    if policy.unusable and not _corrected(context):
        return Finding(
            id="policy",
            verdict=Verdict.FAIL,
            headline="the repository's policy cannot be used",
            what=f"The repository's own policy cannot be used. {listed}{more}",
            why="No version of it has ever worked here, so that nobody knows what it demands.",
            remedy="A pull request that corrects the file, or takes it away, is not held up by this.",
        )
    return Finding(
        id="policy",
        verdict=Verdict.PASS,
        headline="a policy file has errors",
        what=f"A policy file has errors. {listed}{more}",
        why="The last version that worked, or the organisation's rule, stays in force.",
        remedy="The owners of the file correct it.",
    )


def _corrected(context: Context) -> bool:
    """Whether the change puts a file that can be used in the place of the one that cannot."""
    facts = context.facts
    return any(
        change.usable and f"{facts.repository.full_name}:{change.path}".lower() == context.policy.unusable
        for change in facts.policy_changes
    )
