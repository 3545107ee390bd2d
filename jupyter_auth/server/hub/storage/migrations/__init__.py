"""The revisions of the service's tables, one file for each schema: Alembic's folder."""
