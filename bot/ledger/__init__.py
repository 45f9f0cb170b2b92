"""The record: what was accepted, decided and done, in entries that can be appended and never changed."""

from bot.ledger.entries import Entry, Kind, append

__all__ = ["Entry", "Kind", "append"]
