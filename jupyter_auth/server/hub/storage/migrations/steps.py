"""What revisions are made of. Each step does nothing where it is done already.

Before Alembic, a replica that was killed could leave an upgrade half done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import op
from sqlalchemy import Column, Index, Integer, MetaData, Table, delete, insert, inspect

if TYPE_CHECKING:
    from sqlalchemy.sql.schema import SchemaItem

RECORDS = "jupyter_auth_records"


def make_table(name: str, *parts: SchemaItem) -> Table:
    """Make a table, with its indexes."""
    table = Table(name, MetaData(), *parts)
    table.create(op.get_bind(), checkfirst=True)
    return table


def add_to_records(column: Column[Any], *, index: bool = False) -> None:
    """Add a column to the table of records."""
    if column.name not in {each["name"] for each in inspect(op.get_bind()).get_columns(RECORDS)}:
        op.add_column(RECORDS, column)
    if index:
        table = Table(RECORDS, MetaData(), Column(column.name, column.type))
        added = Index(op.f(f"ix_{RECORDS}_{column.name}"), table.c[column.name])
        added.create(op.get_bind(), checkfirst=True)


def set_schema(number: int) -> None:
    """Say which schema this is, to all versions of this package: older ones read it here."""
    table = make_table("jupyter_auth_schema", Column("version", Integer, primary_key=True))
    op.execute(delete(table))
    op.execute(insert(table).values(version=number))
