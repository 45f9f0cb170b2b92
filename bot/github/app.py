"""GitHub as the App itself sees it: its installations, and the log of deliveries."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.github.paging import items

Ask = Callable[[str, str], Awaitable[tuple[Any, str | None]]]
"""Asks GitHub as the App: method and path; answers with the address of the next page."""


@dataclass(frozen=True, slots=True)
class AppClient:
    """GitHub as the App itself sees it."""

    ask: Ask

    async def me(self) -> Mapping[str, Any]:
        """The App."""
        answer, _ = await self.ask("GET", "/app")
        found: Mapping[str, Any] = answer
        return found

    async def installations(self) -> list[Any]:
        """Every installation."""
        return [each async for page in self._pages("/app/installations?per_page=100") for each in page]

    def failed_deliveries(self) -> AsyncIterator[list[Any]]:
        """Deliveries that GitHub could not hand over, a page at a time, the latest first."""
        return self._pages("/app/hook/deliveries?status=failure&per_page=100")

    async def delivery(self, delivery_id: int) -> Mapping[str, Any]:
        """A delivery with its payload."""
        answer, _ = await self.ask("GET", f"/app/hook/deliveries/{delivery_id:d}")
        found: Mapping[str, Any] = answer
        return found

    async def _pages(self, first: str) -> AsyncIterator[list[Any]]:
        url: str | None = first
        while url is not None:
            answer, url = await self.ask("GET", url)
            yield items(answer, None)
