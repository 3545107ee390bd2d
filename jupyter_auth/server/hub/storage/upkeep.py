"""A replica's periodic work: renew its leases, save unsaved tokens, add up what it counted."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.errors import StoreError
from jupyter_auth.server.hub.metrics import UNSAVED
from jupyter_auth.server.hub.storage.database import LEASE
from jupyter_auth.server.hub.storage.key_rotation import announce, leave

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from jupyter_auth.server.hub.storage.counters import SharedCounters
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

BEAT = 2.0  # seconds; well below ``GRACE``
ANNOUNCE = LEASE / 3  # seconds


async def repeat(step: Callable[[], Awaitable[Any]], pause: float, trouble: ThrottledLog) -> None:
    """Repeat ``step`` until cancelled, and log its errors."""
    while True:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 (the task must not end)
            trouble.failed(error)
        await asyncio.sleep(pause)


class Maintenance:
    """The periodic work of one replica. ``unsaved`` gives a call that saves, for each user."""

    def __init__(
        self,
        database: Database,
        cipher: Encryption,
        unsaved: Callable[[], Iterable[Callable[[], None]]],
        counters: SharedCounters,
    ) -> None:
        self._counters = counters
        self._database, self._cipher, self._unsaved = database, cipher, unsaved
        self._tasks: list[asyncio.Task[None]] = []
        # Separate threads: leases are renewed however busy the others are, or while a save waits.
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="jupyter_auth upkeep")
        self._trouble = ThrottledLog("A replica's upkeep")
        self._announced = -ANNOUNCE

    def start(self) -> None:
        """Work until ``close``."""
        run = functools.partial(asyncio.get_running_loop().run_in_executor, self._threads)
        self._tasks = [
            asyncio.create_task(repeat(functools.partial(run, call), BEAT, self._trouble))
            for call in (self._beat, self._save, self._counters.add)
        ]

    def _beat(self) -> None:
        self._database.beat()
        if time.monotonic() > self._announced + ANNOUNCE:
            announce(self._database, self._cipher)
            self._announced = time.monotonic()

    def _save(self) -> None:
        for save in self._unsaved():
            try:
                save()
            except Exception as error:  # noqa: BLE001 (save the others)
                self._trouble.failed(error)
        left = len(list(self._unsaved()))
        UNSAVED.labels(self._database.name).set(left)
        if left:
            self._trouble.warn("Tokens that the database does not accept are kept in memory only.")

    def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._tasks:
            with contextlib.suppress(StoreError):
                self._counters.add()
            leave(self._database)
