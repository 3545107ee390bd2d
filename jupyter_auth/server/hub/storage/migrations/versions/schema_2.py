"""Schema 2: the digest of an account's person, and the tables of keys and replicas."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float, String, Text

from jupyter_auth.server.hub.storage.migrations.steps import (
    RECORDS,
    add_to_records,
    make_table,
    set_schema,
)

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Add what schema 1 lacks."""
    add_to_records(Column("person", String(64)), index=True)
    make_tables()
    set_schema(2)


def make_tables() -> None:
    """Some databases of schema 2 lack them, too."""
    make_table("jupyter_auth_keys", Column("mark", String(32), primary_key=True))
    make_table(
        "jupyter_auth_replicas",
        Column("id", String(32), primary_key=True),
        Column("marks", Text, nullable=False),
        Column("until", Float, nullable=False),
    )


def downgrade() -> None:
    """The tables stay: they are in no version's way, and tell which keys are in use."""
    op.drop_index(op.f(f"ix_{RECORDS}_person"), RECORDS)
    op.drop_column(RECORDS, "person")
    set_schema(1)
