"""The tables of the service's database, and their upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine, Executable, Row

SCHEMA = 2
TRIES = 5  # to make the tables, while another replica makes them

_metadata = MetaData()
_RECORDS = "jupyter_auth_records"
records = Table(
    _RECORDS,
    _metadata,
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
)
schema = Table("jupyter_auth_schema", _metadata, Column("version", Integer, primary_key=True))
# Of each key that may have encrypted records.
marks = Table("jupyter_auth_keys", _metadata, Column("mark", String(32), primary_key=True))
# Of each running replica: the marks of its keys, in order. It has no schema number of its own, so
# that older replicas go on beside it.
replicas = Table(
    "jupyter_auth_replicas",
    _metadata,
    Column("id", String(32), primary_key=True),
    Column("marks", Text, nullable=False),
    Column("until", Float, nullable=False),
)
_LATEST = select(replicas).limit(0)


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


def prepare(
    engine: Engine, rows: Callable[[Executable], Sequence[Row[Any]]], pause: Callable[[], None]
) -> None:
    """Make or upgrade the tables.

    Raises:
        ConfigurationError: they cannot be upgraded, or a newer version has.
    """
    refused: DBAPIError | None = None
    for _ in range(TRIES):
        try:
            _make(engine)
            break
        except DBAPIError as error:  # perhaps another replica is making them
            refused = error
            pause()
    versions = [row.version for row in rows(select(schema.c.version))]
    found = max(versions, default=0)
    if refused and (found < SCHEMA or not _usable(engine)):
        raise ConfigurationError(
            f"The tables of the service's database cannot be upgraded: {first_line(refused)}",
            hint="Start the service, or run `jupyter auth hub doctor`, once with the URL of a"
            " role that owns the tables, and let the service's own role use all of them.",
        )
    if versions != [SCHEMA]:
        raise ConfigurationError(
            f"The service's database has schema {found}, and this version {SCHEMA}.",
            hint="Upgrade jupyter-auth-session in the service's environment.",
        )


def _make(engine: Engine) -> None:
    """Make what is missing. Schema 1 lacks the column ``person`` and its index."""
    _metadata.create_all(engine)
    with engine.connect() as connection:
        versions = [row.version for row in connection.execute(select(schema.c.version))]
        if versions == [1]:
            if "person" not in {c["name"] for c in inspect(connection).get_columns(_RECORDS)}:
                connection.execute(text(f"ALTER TABLE {_RECORDS} ADD person VARCHAR(64)"))
            for index in records.indexes:
                index.create(connection, checkfirst=True)
            connection.execute(update(schema).values(version=SCHEMA))
        elif not versions:
            connection.execute(insert(schema).values(version=SCHEMA))
        connection.execute(_LATEST)


def _usable(engine: Engine) -> bool:
    """Whether the tables exist, and this role may use them."""
    try:
        with engine.connect() as connection:
            connection.execute(_LATEST)
    except DBAPIError:
        return False
    return True


def first_line(error: Exception) -> str:
    """The driver's first line only: the rest may hold the URL with the password."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
