"""Threads for the engine's calls: a few for each provider, so that one that hangs stalls no other.

The threads are not daemons on purpose: the interpreter waits for them at its end, so a refresh that
is under way is still saved. Each call is bounded by the timeouts of the HTTP requests in it.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from jupyter_auth.core.errors import BrokerUnavailable, ProviderUnavailable
from jupyter_auth.core.handles import plain

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 6  # for each provider
QUEUE = 64  # calls of one provider that wait for a thread
STORE_QUEUE = 4096  # calls that only look into the store: short, and all long polls wake at once
PROVIDERS = 48  # with a pool of their own; further names share one


class _Pool:
    """A bounded pool: threads are made as they are needed, calls past the queue are refused."""

    def __init__(self, name: str, queue: int) -> None:
        self._name = name
        self._most = THREADS + queue
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix=f"jupyter_auth {name}")
        self._calls = 0
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        if self._closed:
            raise BrokerUnavailable("This Jupyter server is stopping.")
        if self._calls >= self._most:
            raise ProviderUnavailable(
                f"Too many calls wait for {plain(self._name)} already.",
                hint="Try again in a moment.",
            )
        future = asyncio.get_running_loop().run_in_executor(self._executor, call)
        self._calls += 1
        future.add_done_callback(self._done)
        return await future

    @property
    def idle(self) -> bool:
        return self._calls == 0

    def _done(self, future: asyncio.Future[T]) -> None:
        self._calls -= 1
        if not future.cancelled():
            future.exception()  # who asked may be gone, then nobody else looks at it

    def close(self) -> None:
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)


class Pools:
    """``run`` calls in a thread of the provider's own pool. For one event loop."""

    def __init__(self) -> None:
        self._pools: dict[str, _Pool] = {}

    async def run(
        self, provider: str | None, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What ``call`` returns or raises. ``provider`` None: it concerns no provider's server.

        ProviderUnavailable: more calls wait for that provider than are worth waiting for.
        """
        return await self._pool(provider).run(functools.partial(call, *args, **kwargs))

    def _pool(self, provider: str | None) -> _Pool:
        name = "the store" if provider is None else provider
        if name not in self._pools and len(self._pools) >= PROVIDERS:
            self._close_idle()
            if len(self._pools) >= PROVIDERS:
                name = "further providers"  # no provider has a space in its name
        if name not in self._pools:
            self._pools[name] = _Pool(name, QUEUE if provider else STORE_QUEUE)
        return self._pools[name]

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return all(pool.idle for pool in self._pools.values())

    def _close_idle(self) -> None:
        for name in [name for name, pool in self._pools.items() if pool.idle]:
            self._pools.pop(name).close()

    def close(self) -> None:
        """Start nothing more; what runs is not waited for."""
        for pool in self._pools.values():
            pool.close()
