"""Health, metrics, the sweep of deleted users, and sign-out by an administrator."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from tornado import web
from tornado.web import HTTPError

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import AuthError, StoreError
from jupyter_auth.server.http_errors import FORBIDDEN, UNAVAILABLE, refuse
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.metrics import ACCOUNTS, REVOCATIONS, SWEPT
from jupyter_auth.server.hub.revocations import KIND
from jupyter_auth.server.hub.storage import sql_registrations
from jupyter_auth.server.hub.storage.counters import text_of_replica
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.sql_store import ACCOUNT
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.revocations import RevocationResult, Revocations
    from jupyter_auth.server.hub.storage.counters import SharedCounters
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.users.users import HubUsers

# Path, handler, arguments.
HandlerSpec: TypeAlias = tuple[str, type[web.RequestHandler], dict[str, Any]]

METRICS_SCOPE = "read:metrics"
MORE_TRIES = 3  # to get an account's lease, of half a minute each

_log = logging.getLogger("jupyter_auth")


async def sweep(database: Database, users: HubUsers, revocations: Revocations) -> None:
    """Delete records of users whom the Hub, asked for each, says are gone; queue revocations."""
    owners = await asyncio.to_thread(_owners, database)  # first: later users are not touched
    alive = await users.all()
    for owner in owners:
        if owner.id not in alive and await users.is_gone(owner):
            try:
                await asyncio.to_thread(revocations.remove_records, owner)
            except AuthError as error:
                _log.warning("Records of a deleted user could not be removed: %s", error.message)
                continue
            SWEPT.inc()
            audit.log("records dropped with their user", owner.name)


def _owners(database: Database, name: str | None = None) -> list[Owner]:
    row = records.c
    of_users = row.owner.not_in({KIND, sql_registrations.KIND})
    statement = select(row.user_name, row.user_created).where(of_users).distinct()
    if name is not None:
        statement = statement.where(row.user_name == name)
    return [Owner(found.user_name, found.user_created) for found in database.rows(statement)]


def _count(database: Database, kind: str) -> int:
    statement = select(func.count()).where(records.c.kind == kind, records.c.data.is_not(None))
    return int(database.rows(statement)[0][0])


def _metrics(database: Database, counters: SharedCounters) -> bytes:
    """What Prometheus is told; without the database what is of this replica alone."""
    try:
        if database.answers():
            with contextlib.suppress(StoreError):  # it may be read-only
                counters.add()
            ACCOUNTS.set(_count(database, ACCOUNT))
            REVOCATIONS.set(_count(database, KIND))
            return counters.text()
    except StoreError:
        pass
    return text_of_replica()


def records_of(database: Database, name: str) -> dict[str, int]:
    """How many records there are of users of that name, by kind; queued revocations are some."""
    row = records.c
    counted = select(row.kind, func.count().label("number")).where(row.user_name == name)
    return {found.kind: found.number for found in database.rows(counted.group_by(row.kind))}


def sign_out(database: Database, revocations: Revocations, name: str) -> Iterator[RevocationResult]:
    """Sign out all accounts of users of that name: here, then one by one at their providers.

    Queued revocations are tried too. A provider that does not answer is tried once.

    Raises:
        ProviderUnavailable: a replica keeps using one of the accounts.
    """
    for owner in _owners(database, name):
        _remove_records(revocations, owner)
        audit.log("signed out by an administrator", name)
    for waiting in revocations.due(name).values():
        for each in waiting:
            yield (tried := revocations.attempt(each))
            if tried.waits and tried.provider:
                break


def _remove_records(revocations: Revocations, owner: Owner) -> None:
    """Wait for running refreshes and unsaved tokens."""
    for _ in range(MORE_TRIES):
        with contextlib.suppress(ProviderUnavailable):
            return revocations.remove_records(owner, mine=True)
    return revocations.remove_records(owner, mine=True)


class _Health(web.RequestHandler):
    def get(self) -> None:
        """Answer while this replica runs."""
        self.finish({"status": "ok"})


class _Ready(web.RequestHandler):
    def initialize(self, database: Database) -> None:
        self._database = database

    async def get(self) -> None:
        """Answer 200 while the database answers."""
        ready = await asyncio.to_thread(self._database.answers)
        self.set_status(200 if ready else UNAVAILABLE)
        self.finish({"status": "ok" if ready else "the database does not answer"})


class _Metrics(web.RequestHandler):
    def initialize(self, database: Database, users: HubUsers, counters: SharedCounters) -> None:
        self._database, self._users, self._counters = database, users, counters

    async def get(self) -> None:
        """Answer to a Hub API token with the scope ``read:metrics``, as the Hub itself does."""
        try:
            may_look = await self._users.has_scope(self.request, METRICS_SCOPE)
        except AuthError as error:
            refuse(self, error)
            self.finish(error.to_wire())
            return
        if not may_look:
            raise HTTPError(FORBIDDEN)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(await asyncio.to_thread(_metrics, self._database, self._counters))


def monitoring_routes(
    database: Database, users: HubUsers, counters: SharedCounters
) -> list[HandlerSpec]:
    """Health and metrics, below the service's prefix."""
    counted = {"database": database, "users": users, "counters": counters}
    return [
        ("/health", _Health, {}),
        ("/ready", _Ready, {"database": database}),
        ("/metrics", _Metrics, counted),
    ]
