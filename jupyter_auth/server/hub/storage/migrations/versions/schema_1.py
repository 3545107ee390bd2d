"""Schema 1: encrypted records, each with a lease."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, LargeBinary, String, Text

from jupyter_auth.server.hub.storage.migrations.steps import RECORDS, make_table, set_schema

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    make_table(
        RECORDS,
        Column("id", String(64), primary_key=True),
        Column("owner", String(64), nullable=False, index=True),
        Column("kind", String(16), nullable=False),
        Column("user_name", Text, nullable=False, index=True),
        Column("user_created", Text, nullable=False),
        Column("data", LargeBinary),
        Column("stamp", Integer, nullable=False),
        Column("lease", String(32)),
        Column("lease_until", Float, nullable=False),
    )
    set_schema(1)
