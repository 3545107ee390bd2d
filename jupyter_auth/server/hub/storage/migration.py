"""Brings the database to this version's schema, and back to an earlier one: Alembic's revisions.

``jupyter_auth_schema`` says which schema a database has, also to versions that know no Alembic:
it decides, and Alembic's own table follows it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import func, inspect, select
from sqlalchemy.exc import DBAPIError

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.hub.storage.tables import first_line, metadata, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

SCHEMA = 3
TRIES = 5  # to upgrade, while another replica does
LOCK = 0x6A61  # PostgreSQL's advisory lock of those who upgrade


def upgrade(engine: Engine, pause: Callable[[], None]) -> None:
    """Make or upgrade the tables. Of several replicas, one does, and the others wait for it.

    Raises:
        ConfigurationError: they cannot be upgraded, or a newer version has.
        DBAPIError: the database does not answer.
    """
    refused = ""
    for _ in range(TRIES):
        try:
            return _bring_up(engine)
        except DBAPIError as error:
            refused = first_line(error)
            pause()
    with engine.connect():  # DBAPIError: this is why
        pass
    raise ConfigurationError(
        f"The tables of the service's database cannot be upgraded: {refused}",
        hint="Start the service, or run `jupyter auth hub doctor`, once with the URL of a"
        " role that owns the tables, and let the service's own role use all of them.",
    )


def downgrade(engine: Engine, version: int) -> None:
    """Take the tables back to schema ``version``, for an older version of this package.

    Raises:
        DBAPIError: they cannot be changed.
    """
    with engine.connect() as connection, _alone(connection) as config:
        command.downgrade(config, str(version))


def _bring_up(engine: Engine) -> None:
    with engine.connect() as connection:
        if _version(connection) < SCHEMA:
            with _alone(connection) as config:
                if (found := _version(connection)) < SCHEMA:
                    command.stamp(config, str(found) if found else "base", purge=True)
                    command.upgrade(config, str(SCHEMA))
        if (found := _version(connection)) > SCHEMA:
            raise ConfigurationError(
                f"The service's database has schema {found}, and this version {SCHEMA}.",
                hint="Upgrade jupyter-auth-session in the service's environment.",
            )
        for table in metadata.sorted_tables:  # DBAPIError: this role may not use it
            connection.execute(select(table).limit(0))


def _version(connection: Connection) -> int:
    """The schema's number; 0: there is none yet."""
    if not inspect(connection).has_table(schema.name):
        return 0
    return int(connection.execute(select(func.max(schema.c.version))).scalar() or 0)


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[Config]:
    """One transaction, beside which no other replica upgrades. Both systems undo DDL with it."""
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
    try:
        if not sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        yield config
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        with contextlib.suppress(DBAPIError):  # it is gone, and the transaction with it
            connection.exec_driver_sql("ROLLBACK")
        raise
