"""One look a second at the database, for all users whose kernels wait for changes."""

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
PATIENCE = 5.0  # seconds for which somebody who asked is looked for: several of their own beats
MANY = 500  # users of one query


class DatabasePoll:
    """Whose records were changed, whoever did it. For one event loop."""

    def __init__(self, database: Database, pools: UserPools) -> None:
        self._database = database
        self._pools = pools
        self._marks: dict[str, Any] = {}
        self._asked: dict[str, float] = {}  # when last, on the event loop's clock
        self._beating: asyncio.Task[None] | None = None
        self._trouble = ThrottledLog("Changes by other replicas cannot be read")

    def has_news(self, owner: str, seen: list[Any]) -> bool:
        """Whether there is news of that owner since the last call with the same ``seen``.

        Also for as long as they have logins: these run out, and devices are asked about.
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
        """Until nobody has asked for a while.

        Who asks has a beat of their own, and the two drift: a mark is kept although its owner has
        not asked between two looks, or they would be told of news that are none.
        """
        while owners := self._patient():
            try:
                found = [
                    await self._pools.run(None, self._look, owners[start : start + MANY])
                    for start in range(0, len(owners), MANY)
                ]
                self._marks = {owner: mark for part in found for owner, mark in part.items()}
            except Exception as error:  # noqa: BLE001 (as in ``again_and_again``)
                self._trouble.failed(error)
            await asyncio.sleep(BEAT)
        self._marks = {}

    def _patient(self) -> list[str]:
        """Those who asked lately."""
        since = asyncio.get_running_loop().time() - PATIENCE
        self._asked = {owner: when for owner, when in self._asked.items() if when > since}
        return sorted(self._asked)

    def _look(self, owners: list[str]) -> dict[str, tuple[Any, ...]]:
        row = records.c
        statement = (
            select(
                row.owner,
                func.count(),
                func.sum(row.stamp),
                func.min(row.id),
                func.max(row.id),
                func.max(row.kind),
            )
            .where(row.owner.in_(owners))
            .group_by(row.owner)
        )
        return {found[0]: tuple(found[1:]) for found in self._database.rows(statement)}

    def close(self) -> None:
        """Look no more."""
        if self._beating and not self._beating.get_loop().is_closed():
            self._beating.cancel()
