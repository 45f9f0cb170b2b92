"""What a command is: its usage, who may, and what it answers, in one value."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.decide.verdict import Decision
from bot.facts.model import Permission, Standing


@dataclass(frozen=True, slots=True)
class Situation:
    """What a command can know: the decision that was just made, its arguments, and every command there is."""

    decision: Decision
    arguments: tuple[str, ...]
    table: "tuple[Command, ...]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command. ``reply`` is a comment, and None when a reaction says enough."""

    done: bool
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command. ``permission`` is what its giver must have in the repository at least."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    permission: Permission
    run: Callable[[Situation], Answer]

    @property
    def who(self) -> str:
        """Who may give it, in words."""
        return f"anyone with {self.permission.name.lower()} access to the repository"

    def refusal(self, standing: Standing) -> str | None:
        """Why this account may not give the command; None when it may."""
        if standing.permission >= self.permission:
            return None
        return f"`/{self.name}` is for {self.who}; @{standing.account.login} does not have that."
