"""Schema 3: when an account was last used."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float

from jupyter_auth.server.hub.storage.migrations.steps import RECORDS, add_to_records, set_schema
from jupyter_auth.server.hub.storage.migrations.versions.schema_2 import make_tables

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add what schema 2 lacks."""
    make_tables()
    add_to_records(Column("used_at", Float))
    set_schema(3)


def downgrade() -> None:
    """Without it nothing says how long an account was not used."""
    op.drop_column(RECORDS, "used_at")
    set_schema(2)
