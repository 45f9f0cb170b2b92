"""What is told when a business rule of the instance stops a write: which rule, what it stops, and who can help."""

import re

from bot.changes.systems.errors import Forbidden
from bot.words import quoted

# The rule that stopped it has its sys_id behind its name; what follows are the rules that led to it.
_ABORTED = re.compile(
    r"Operation against file '[^']*' was aborted by Business Rule '(.+?)\^[0-9a-f]{32}'\.?(?: ?Business R.*)?"
)
_USUAL = "Operation Failed"


class Ruled(Forbidden):
    """A business rule does not let it happen. ``says`` is what the rule itself tells people; most tell nothing."""

    def __init__(self, rule: str, says: str = "", stopped: str = "Countersign write there") -> None:
        super().__init__(
            f"ServiceNow's business rule {quoted(rule)} does not let {stopped}{f'; it says: {says}' if says else ''}.",
            remedy="The change manager there meets that rule, or an administrator there lets Countersign's account "
            "pass it; then it goes on by itself.",
        )
        self.rule = rule
        self.says = says

    def of_step(self, number: str, here: str, there: str) -> "Ruled":
        """The same, of the record of that number, which was to go from one state to another."""
        return Ruled(self.rule, self.says, f"{number} go from {here} to {there}")


def ruled(words: str) -> Ruled | None:
    """Which rule the instance names in its words for a refusal; None where it names none."""
    found = _ABORTED.search(words)
    if found is None:
        return None
    besides = words.replace(found.group(), "").replace(_USUAL, "").strip(" :;,.")
    return Ruled(found.group(1), besides)
