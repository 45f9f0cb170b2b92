"""The title and the description of a change while its board decides: from the first vote on, as they were read. Pure.

An edit of a word takes nobody's vote back, and nothing is authorised in words that those who voted have not read: the
record keeps theirs, and says what was edited since.
"""

from dataclasses import replace

from bot.changes import release
from bot.changes.context import Context
from bot.changes.model import Change, Contents, State


def are_read(change: Change) -> bool:
    """Whether somebody has voted by these words, or they are authorised."""
    voted = change.state is State.AUTHORIZE and any(vote.round == change.round for vote in change.votes)
    return voted or change.state is State.SCHEDULED


def kept(change: Change, contents: Contents) -> Contents:
    """What the record says now, in the words that were read."""
    if not are_read(change):
        return contents
    return replace(contents, title=change.contents.title, description=change.contents.description)


def edited(change: Change, context: Context) -> tuple[str, ...]:
    """What the pull request says in other words than the record, which keeps its own."""
    now = release.contents_of(context.parts, context.policy) if are_read(change) else None
    if now is None:
        return ()
    said = change.contents
    differing = {"title": now.title != said.title, "description": now.description != said.description}
    return tuple(name for name, differs in differing.items() if differs)
