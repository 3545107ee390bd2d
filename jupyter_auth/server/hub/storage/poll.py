"""Reads once a second, for all users whose kernels poll, what other replicas changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.server.hub.storage.sql_store import LOGINS
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from jupyter_auth.server.broker.thread_pools import UserPools
    from jupyter_auth.server.hub.storage.database import Database

BEAT = 1.0  # seconds
PATIENCE = 5.0  # seconds for which a user who asked is included: several of their own beats
MANY = 500  # users of one query


class DatabasePoll:
    """Tells whose records have changed. For one event loop."""

    def __init__(self, database: Database, pools: UserPools) -> None:
        self._database = database
        self._pools = pools
        self._marks: dict[str, Any] = {}
        self._asked: dict[str, float] = {}  # when last, on the event loop's clock
        self._beating: asyncio.Task[None] | None = None
        self._trouble = ThrottledLog("Changes by other replicas cannot be read")

    def has_news(self, owner: str, seen: list[Any]) -> bool:
        """Whether the owner's records changed since the last call with the same ``seen``.

        Always while there are logins: these expire, and device logins are polled.
        """
        loop = asyncio.get_running_loop()
        self._asked[owner] = loop.time()
        if self._beating is None or self._beating.done():
            self._beating = loop.create_task(self._beat())
        mark = self._marks.get(owner)
        news = not seen or seen[-1] != mark or (mark is not None and mark[-1] == LOGINS)
        seen[:] = [mark]
        return news

    async def _beat(self) -> None:
        """Read until no user has asked for a while.

        Callers poll on their own timer: marks are kept for ``PATIENCE`` between their calls, or
        they would be told of changes that are none.
        """
        while owners := self._recent():
            try:
                found = [
                    await self._pools.run(None, self._look, owners[start : start + MANY])
                    for start in range(0, len(owners), MANY)
                ]
                self._marks = {owner: mark for part in found for owner, mark in part.items()}
            except Exception as error:  # noqa: BLE001 (as in ``repeat``)
                self._trouble.failed(error)
            await asyncio.sleep(BEAT)
        self._marks = {}

    def _recent(self) -> list[str]:
        """The owners who asked lately."""
        since = asyncio.get_running_loop().time() - PATIENCE
        self._asked = {owner: when for owner, when in self._asked.items() if when > since}
        return sorted(self._asked)

    def _look(self, owners: list[str]) -> dict[str, tuple[Any, ...]]:
        row = records.c
        saves, ids = (func.count(), func.sum(row.stamp)), (func.min(row.id), func.max(row.id))
        marks = select(row.owner, *saves, *ids, func.max(row.kind))
        statement = marks.where(row.owner.in_(owners)).group_by(row.owner)
        return {found[0]: tuple(found[1:]) for found in self._database.rows(statement)}

    def close(self) -> None:
        """Stop reading."""
        if self._beating and not self._beating.get_loop().is_closed():
            self._beating.cancel()
