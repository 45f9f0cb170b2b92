"""Procrastinate's tables, the subjects, the ledger, and the role that the application works as."""

from pathlib import Path

import procrastinate
from alembic import op

from bot.store.script import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply it."""
    procrastinates = Path(procrastinate.__file__).parent / "sql" / "schema.sql"
    for source in (procrastinates, Path(__file__).with_suffix(".sql")):
        run(op.get_bind(), source.read_text(encoding="utf-8"))
