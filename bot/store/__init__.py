"""PostgreSQL: one pool, one role that can do no more than it needs, and the embedded server for trying things out."""

from bot.store.pool import Store

__all__ = ["Store"]
