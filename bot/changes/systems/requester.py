"""A record that cannot say there who requested it is made all the same: who asked stands in its description."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.changes.systems.errors import Forbidden, Invalid, NoRequester
from bot.changes.systems.port import Content, Receipt, RecordSystem


async def if_need_be_without(
    system: RecordSystem, content: Content, act: Callable[[Content], Awaitable[Receipt]]
) -> Receipt:
    """Do ``act`` with ``content``, and without its requester where the system does not take that; a note there says so.

    Raises:
        Refusal: it does not do it without one either.

    """
    try:
        return await act(content)
    except (NoRequester, Forbidden, Invalid) as refused:
        if content.requested_by is None:
            raise
        receipt = await act(replace(content, requested_by=None))
        await system.add_note(
            receipt.id,
            f"Countersign could not name {content.requested_by} here as who requested this change; its description "
            f"says who did. {refused}",
        )
        return receipt
