"""What an administrator sees of the service and does with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select
from tornado import web
from tornado.web import HTTPError

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.http_errors import FORBIDDEN, UNAVAILABLE, refuse
from jupyter_auth.server.hub.metrics import ACCOUNTS, SWEPT
from jupyter_auth.server.hub.revocations import KIND
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.sql_store import ACCOUNT
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.revocations import RevocationResult, Revocations
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.users.users import HubUsers

HandlerSpec: TypeAlias = tuple[str, type[web.RequestHandler], dict[str, Any]]  # what it is given

METRICS_SCOPE = "read:metrics"
MORE_TRIES = 3  # to have an account's lease, of half a minute each

_log = logging.getLogger("jupyter_auth")
_audit = logging.getLogger("jupyter_auth.audit")


async def sweep(database: Database, users: HubUsers, revocations: Revocations) -> None:
    """Drop the records of users who are gone, or were made anew since, and queue their revocation.

    The list of users is only where to look: nothing is dropped before the Hub, asked for that one
    user, says so. AuthError: not now.
    """
    owners = await asyncio.to_thread(_owners, database)  # first: who came later is not touched
    alive = await users.all()
    for owner in owners:
        if owner.id not in alive and await users.is_gone(owner):
            try:
                await asyncio.to_thread(revocations.retire, owner)
            except AuthError as error:
                _log.warning("Records of a deleted user could not be removed: %s", error.message)
                continue
            SWEPT.inc()
            _audit.info("records dropped with their user: user=%r", owner.name)
    ACCOUNTS.set(await asyncio.to_thread(_count, database))


def _owners(database: Database, name: str | None = None) -> list[Owner]:
    row = records.c
    statement = select(row.user_name, row.user_created).where(row.owner != KIND).distinct()
    if name is not None:
        statement = statement.where(row.user_name == name)
    return [Owner(found.user_name, found.user_created) for found in database.rows(statement)]


def _count(database: Database) -> int:
    statement = select(func.count()).where(records.c.kind == ACCOUNT, records.c.data.is_not(None))
    return int(database.rows(statement)[0][0])


def sign_out(database: Database, revocations: Revocations, name: str) -> Iterator[RevocationResult]:
    """Sign all accounts of all users of that name out: here, then one by one at their providers.

    Those too that wait already. A provider that is away is tried once.
    ProviderUnavailable: a replica is at one of the accounts, and stays so. StoreError.
    """
    for owner in _owners(database, name):
        _retire(revocations, owner)
        _audit.info("signed out by an administrator: user=%r", name)
    for waiting in revocations.due(name).values():
        for each in waiting:
            yield (tried := revocations.attempt(each))
            if tried.waits and tried.provider:
                break


def _retire(revocations: Revocations, owner: Owner) -> None:
    """What is being refreshed is waited for, or what is not saved yet."""
    for _ in range(MORE_TRIES):
        with contextlib.suppress(ProviderUnavailable):
            return revocations.retire(owner, mine=True)
    return revocations.retire(owner, mine=True)


class _Health(web.RequestHandler):
    def get(self) -> None:
        """This replica runs."""
        self.finish({"status": "ok"})


class _Ready(web.RequestHandler):
    def initialize(self, database: Database) -> None:
        self._database = database

    async def get(self) -> None:
        """It can serve: its database answers."""
        ready = await asyncio.to_thread(self._database.answers)
        self.set_status(200 if ready else UNAVAILABLE)
        self.finish({"status": "ok" if ready else "the database does not answer"})


class _Metrics(web.RequestHandler):
    def initialize(self, users: HubUsers) -> None:
        self._users = users

    async def get(self) -> None:
        """For a Hub API token with the scope ``read:metrics``, as the Hub's own metrics."""
        try:
            may_look = await self._users.has_scope(self.request, METRICS_SCOPE)
        except AuthError as error:
            refuse(self, error)
            self.finish(error.to_wire())
            return
        if not may_look:
            raise HTTPError(FORBIDDEN)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest())


def monitoring_routes(database: Database, users: HubUsers) -> list[HandlerSpec]:
    """Routes for those who watch over the service, below its prefix."""
    return [
        ("/health", _Health, {}),
        ("/ready", _Ready, {"database": database}),
        ("/metrics", _Metrics, {"users": users}),
    ]
