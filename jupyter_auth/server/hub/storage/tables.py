"""The tables of the service's database, as this version uses them. See ``migrations``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

REVISION_TABLE = "jupyter_auth_alembic"  # the Hub's own may be in the same database

metadata = MetaData()
records = Table(
    "jupyter_auth_records",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("user_name", Text, nullable=False, index=True),  # for the administrator
    Column("user_created", Text, nullable=False),
    Column("person", String(64), index=True),  # see ``identities``; since schema 2
    Column("data", LargeBinary),  # encrypted; NULL: there is only a lease
    Column("stamp", Integer, nullable=False, default=0),  # counts the saves
    Column("lease", String(32)),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("used_at", Float),  # an account's last use, in seconds since 1970; since schema 3
)
schema = Table("jupyter_auth_schema", metadata, Column("version", Integer, primary_key=True))
# Of each key that may have encrypted records.
marks = Table("jupyter_auth_keys", metadata, Column("mark", String(32), primary_key=True))
# Of each running replica: the marks of its keys, in order.
replicas = Table(
    "jupyter_auth_replicas",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("marks", Text, nullable=False),
    Column("until", Float, nullable=False),
)
# What was counted by all replicas together; see ``counters``. Since schema 3.
counters = Table(
    "jupyter_auth_counters",
    metadata,
    Column("sample", String(400), primary_key=True),
    Column("value", Float, nullable=False),
)


class DatabaseTime(FunctionElement[float]):
    """The database's own time, in seconds since 1970: the one clock that all replicas share."""

    type = Float()
    inherit_cache = True


@compiles(DatabaseTime, "postgresql")
def _of_postgresql(*_: Any, **__: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(DatabaseTime, "sqlite")
def _of_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


def first_line(error: Exception) -> str:
    """The driver's first line only: the rest may hold the URL with the password."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
