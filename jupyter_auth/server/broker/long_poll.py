"""Waiting for changes without holding a thread. Each long poll is an open file of the process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.models import Changes
from jupyter_auth.core.tokens.change_log import POLL, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.server.broker.device_polling import DevicePolling
    from jupyter_auth.server.broker.thread_pools import UserPools

WAITERS = 512  # long polls at a time
FILES = 65536  # if the system sets no limit
RESERVE = 128  # files, or a quarter of them: for tokens, the database, the Hub and providers
POLLS = 10_000  # of one process, however many files it may open
LATER = 10.0  # seconds until a refused poll may try again

_poll_failures = ThrottledLog("Changes of other processes are not seen")


class PollLimit:
    """The polls that ``files`` open files allow."""

    def __init__(self, files: int = FILES) -> None:
        self.most = max(1, min(files - max(RESERVE, files // 4), POLLS))
        self._taken = 0
        self._seldom = ThrottledLog("Polls are refused for a while")

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Count one poll. BrokerUnavailable: there are too many."""
        if self._taken >= self.most:
            self._seldom.warn(
                f"{self.most} polls wait for changes here. Add a replica or, below {POLLS}, raise"
                " the limit of open files (ulimit -n, LimitNOFILE=)."
            )
            raise BrokerUnavailable(
                "Too many requests are waiting at the Hub's sign-in service.",
                hint="You're still signed in. Try again shortly.",
                retry_after=LATER,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class WaitLimit(NamedTuple):
    """``waiters`` limits the polls of one user, ``poll_limit`` those of the whole process.

    ``has_news`` is a cheap check whether other processes may have changed anything.
    """

    waiters: int = WAITERS
    poll_limit: PollLimit = PollLimit()
    has_news: Callable[[], bool] = lambda: True


WAITS = WaitLimit()


class LongPoll:
    """Answers all waiting polls once the engine reports a change. One poller serves them all."""

    def __init__(
        self,
        engine: Engine,
        pools: UserPools,
        device_polling: DevicePolling,
        waits: WaitLimit = WAITS,
    ) -> None:
        self._engine = engine
        self._device_polling = device_polling
        self._waiters, self._poll_limit, self._has_news = waits
        self._pools = pools
        self._loop: asyncio.AbstractEventLoop | None = None
        self._change = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self._unlisten: Callable[[], None] = engine.listen(self._changed)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` on this event loop after each change, until ``close``."""
        self._loop = asyncio.get_running_loop()
        self._listeners.append(listener)

    async def changes(self, since: int, wait: float, gone: asyncio.Event) -> Changes:
        """What happened after ``since``: at once if there is something, else within ``wait`` s.

        ``gone`` is set when the client has disconnected.

        Raises:
            Throttled: this user has too many polls waiting.
            BrokerUnavailable: the process has too many, or is stopping.
        """
        if self._closed.is_set():
            raise BrokerUnavailable(
                "This server is stopping.", hint="Try again in a moment.", retry_after=POLL
            )
        self._loop = asyncio.get_running_loop()
        deadline = self._loop.time() + wait
        while True:
            if self._closed.is_set():
                return Changes(sequence=since)
            change = self._change  # before the look, so that nothing is missed between the two
            found = await self._pools.run(None, self._engine.changes, since, 0.0)
            if not (left := patience(found, deadline, self._loop.time())) or gone.is_set():
                return found
            await self._wait(change, gone, left)

    async def _wait(self, change: asyncio.Event, gone: asyncio.Event, left: float) -> None:
        if self._waiting >= self._waiters:
            raise Throttled(
                "Too many requests are waiting for changes.",
                hint="Try again in a moment.",
                retry_at=time.time() + LATER,
            )
        with self._poll_limit.taken():
            self._waiting += 1
            self._idle.clear()
            if self._poller is None or self._poller.done():
                self._poller = asyncio.create_task(self._poll())
            waits = [asyncio.create_task(event.wait()) for event in (change, gone)]
            try:
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
                self._waiting -= 1
                if self._waiting == 0:
                    self._idle.set()
                    self._stop_polling()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            if not self._has_news():
                continue
            try:
                await self._pools.run(None, self._engine.poll)
                await self._device_polling.ask_all()
            except Exception as error:  # noqa: BLE001 (polls go on, and report later changes)
                _poll_failures.failed(error)

    def _stop_polling(self) -> None:
        if self._poller:
            self._poller.cancel()
            self._poller = None

    def _changed(self) -> None:
        """Called by the engine on any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()
        for listener in self._listeners:
            listener()

    @property
    def busy(self) -> bool:
        """Whether any poll is waiting."""
        return self._waiting > 0

    async def drained(self) -> None:
        """Return once all polls are answered, after ``close``."""
        await self._idle.wait()

    def close(self) -> None:
        """Answer all waiting polls, and refuse further ones."""
        self._closed.set()
        self._listeners.clear()
        self._unlisten()
        self._stop_polling()
        self._wake()
