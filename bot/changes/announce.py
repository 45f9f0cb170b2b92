"""Makes the announcements of a pull request's change: those that still tell somebody what to do, once each.

What ships together is spoken of on one page; whoever left a release hears nothing of it any more.
"""

from itertools import groupby

from bot.changes import announcements, outbox, parts, register
from bot.changes.model import Announcement
from bot.changes.outbox import Announcing
from bot.clock import Clock
from bot.publish.conversation import Conversation
from bot.store import Store


async def announce(store: Store, conversation: Conversation, subject: str, clock: Clock) -> None:
    """Say what waits to be said of the changes that are spoken of on the page of ``subject``.

    Raises:
        Transient: GitHub could not answer; what was not said waits for the next look.

    """
    due: list[Announcement] = []
    async with store.transaction() as connection:
        waiting = await outbox.waiting(connection, subject)
        for number, those in groupby(waiting, key=lambda each: each.number):
            if await parts.page(connection, number) != subject:
                continue
            change, found = await register.by_number(connection, number), list(those)
            assert change is not None, "what is announced happened to a change"
            newest = announcements.due(found, change)
            due += [newest] if newest is not None else []
            for each in found:
                if each != newest:
                    await outbox.drop(connection, each, clock())
    for each in due:
        await conversation.say(Announcing(each, clock))
