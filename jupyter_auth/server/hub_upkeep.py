"""What a replica does by itself every few seconds: keep its leases, save what is unsaved."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.database import LEASE
from jupyter_auth.server.hub_metrics import UNSAVED
from jupyter_auth.server.rotation import announce, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_auth.server.database import Database
    from jupyter_auth.server.vault import Vault

BEAT = 2.0  # seconds; well below ``GRACE``
ANNOUNCE = LEASE / 3  # seconds
TELL = 60.0  # seconds between two lines of the log about one trouble

_log = logging.getLogger("jupyter_auth")


class Upkeep:
    """That of one replica. ``unsaved`` gives, for each user of whom something is, what saves it."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        unsaved: Callable[[], Iterable[Callable[[], None]]],
    ) -> None:
        self._database, self._vault, self._unsaved = database, vault, unsaved
        self._tasks: list[asyncio.Task[None]] = []
        # Threads of its own: leases are kept however busy the others are, or what saves waits.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="jupyter_auth upkeep")
        self._told: dict[str, float] = {}
        self._announced = -ANNOUNCE

    def start(self) -> None:
        """From now on, until ``close``."""
        self._tasks = [asyncio.create_task(self._every(call)) for call in (self._beat, self._save)]

    async def _every(self, call: Callable[[], None]) -> None:
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, call)
            except AuthError as error:
                self._tell(error.message)
            except Exception:  # noqa: BLE001 (whatever it is: leases are kept)
                _log.exception("A replica's upkeep failed, and goes on")
            await asyncio.sleep(BEAT)

    def _beat(self) -> None:
        self._database.beat()
        if time.monotonic() > self._announced + ANNOUNCE:
            announce(self._database, self._vault)
            self._announced = time.monotonic()

    def _save(self) -> None:
        for save in self._unsaved():
            save()
        left = len(list(self._unsaved()))
        UNSAVED.set(left)
        if left:
            self._tell("Tokens that the database does not take are in this replica's memory alone.")

    def _tell(self, what: str) -> None:
        now = time.monotonic()
        if now - self._told.get(what, -TELL) >= TELL:
            self._told[what] = now
            _log.warning("%s", what)

    def close(self) -> None:
        """No more of it."""
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._tasks:
            leave(self._database)
