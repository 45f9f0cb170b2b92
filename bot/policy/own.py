"""What a repository's file says of its own application: it raises the tier, and enforces. Pure."""

from bot.policy.inventory import Properties, covers
from bot.policy.model import (
    Application,
    Mode,
    Policy,
    Tier,
)
from bot.policy.schema import (
    ApplicationPart,
    PolicyFile,
)
from bot.policy.tightening import Tightening
from bot.words import quoted

Own = list[tuple[int, ApplicationPart]]
"""The entries of a repository's file that are about itself, each with its place."""


def own_entries(
    upper: Policy, content: PolicyFile, repository_name: str, properties: Properties, made: Tightening
) -> Own:
    """The entries that are about the repository; it can add none."""
    own = []
    names = {each.name for each in upper.applications if covers(each, repository_name, properties)}
    for index, part in enumerate(content.applications):
        if part.name in names:
            own.append((index, part))
        else:
            sentence = f"Only the organisation adds applications; it has no {quoted(part.name)} with this repository."
            made.refuse(("applications", index), sentence)
    return own


def mode_of(upper: Policy, content: PolicyFile, own: Own, entry: Application | None, made: Tightening) -> Mode:
    """That of the repository's application: it goes from observing to enforcing, and never the other way."""
    mode = upper.mode if entry is None or entry.mode is None else entry.mode
    if mode is Mode.ENFORCE:
        if content.mode == "observe":
            made.refuse(("mode",), "The organisation enforces its policy; a repository cannot only observe.")
        for index, part in own:
            if part.mode == "observe":
                made.refuse(("applications", index, "mode"), "Only the organisation can have an application observed.")
    wanted = {content.mode, *(part.mode for _, part in own)}
    return Mode.ENFORCE if "enforce" in wanted else mode


def raised_tier(upper: Policy, own: Own, entry: Application | None, made: Tightening) -> Tier:
    """The tier that the repository gives itself; the application and its data stay what the organisation says."""
    raised = upper.raised
    for index, part in own:
        assert entry is not None, "what is its own is in the inventory"
        tier = Tier[part.tier.upper()]
        if tier < entry.tier:
            sentence = (
                f"{quoted(entry.name)} is of tier {entry.tier.label}; a repository can raise its tier, not lower it."
            )
            made.refuse(("applications", index, "tier"), sentence)
        elif tier > entry.tier:
            raised = max(raised, tier)
    return raised
