"""Applies the statements of the file of the same name."""

from pathlib import Path

from alembic import op

from bot.store.script import run

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Apply it."""
    run(op.get_bind(), Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
