"""Runs revisions on the connection of ``migration``; Alembic reads this file as a script."""

from __future__ import annotations

from alembic import context

from jupyter_auth.server.hub.storage.tables import REVISION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISION_TABLE,
)
context.run_migrations()
