"""Schema 3: when an account was last used, and the counts of all replicas."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float, String, column, table, update

from jupyter_auth.server.hub.storage.migrations.steps import (
    RECORDS,
    add_to_records,
    make_table,
    set_schema,
)
from jupyter_auth.server.hub.storage.migrations.versions.schema_2 import make_tables
from jupyter_auth.server.hub.storage.tables import DatabaseTime

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add what schema 2 lacks."""
    make_tables()
    add_to_records(Column("used_at", Float))
    used_at = column("used_at", Float)
    unknown = update(table(RECORDS, used_at)).where(used_at.is_(None))
    op.execute(unknown.values(used_at=DatabaseTime()))  # else all seem unused since their sign-in
    make_table(
        "jupyter_auth_counters",
        Column("sample", String(400), primary_key=True),
        Column("value", Float, nullable=False),
    )
    set_schema(3)


def downgrade() -> None:
    """Then nothing says how long an account was not used. The table is in no version's way."""
    op.drop_column(RECORDS, "used_at")
    set_schema(2)
