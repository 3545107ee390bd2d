"""Threads for the engine's calls: a few for each provider, so that one that hangs stalls no other.

Each user has a share of a provider's threads, and waiting users take turns, so no user stalls
another. The threads are not daemons on purpose: the interpreter waits for them at its end, so a
running refresh is still saved. Each call is bounded by the timeouts of its HTTP requests.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.server.broker.user_limits import UserLimits

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 6  # for each provider
SHARE = 2  # of them, for one user of several
QUEUE = 64  # waiting calls of one user to one provider
STORE_QUEUE = 4096  # calls that ask no provider: short, and all long polls wake at once
FINDING = "addresses of APIs"  # one pool for all of them, which people make up as they like
PROVIDERS = 48  # with a pool of their own; further names share one


class _UserQueue:
    """One user's ``calls`` in a pool, of which a share may run."""

    def __init__(self, share: int) -> None:
        self.calls = 0
        self.share = asyncio.Semaphore(share)


class _Pool:
    """A bounded pool that refuses calls past a user's queue.

    Only as many calls of a user as may run wait for a thread: ninety of one user never wait before
    the only one of another.
    """

    def __init__(self, name: str, share: int, queue: int) -> None:
        self._name = name
        self._share = share
        self._most = share + queue
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix=f"jupyter_auth {name}")
        self._users: dict[str, _UserQueue] = {}
        self._closed = False

    async def run(self, user: str, call: Callable[[], T]) -> T:
        turns = self._users.setdefault(user, _UserQueue(self._share))
        if turns.calls >= self._most:
            raise ProviderUnavailable(
                f"Too many calls are waiting for {plain(self._name)}.",
                hint="Try again in a moment.",
            )
        turns.calls += 1
        try:
            async with turns.share:
                if self._closed:
                    raise BrokerUnavailable("This Jupyter server is stopping.")
                return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        finally:
            turns.calls -= 1
            if not turns.calls:
                del self._users[user]

    @property
    def idle(self) -> bool:
        return not self._users

    def close(self) -> None:
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)


class Pools:
    """The pools of an event loop, by provider. ``share``: threads of each that a user may have."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._pools: dict[str, _Pool] = {}

    def of(self, user: str) -> UserPools:
        """One user's view of the pools."""
        return UserPools(self, user)

    def pool(self, provider: str | None) -> _Pool:
        """A provider's pool; None: the store's."""
        name = "the store" if provider is None else provider
        if name not in self._pools and len(self._pools) >= PROVIDERS:
            self._close_idle()
            if len(self._pools) >= PROVIDERS:
                name = "further providers"  # no provider has a space in its name
        if name not in self._pools:
            self._pools[name] = _Pool(name, self._share, QUEUE if provider else STORE_QUEUE)
        return self._pools[name]

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return all(pool.idle for pool in self._pools.values())

    def _close_idle(self) -> None:
        for name in [name for name, pool in self._pools.items() if pool.idle]:
            self._pools.pop(name).close()

    def close(self) -> None:
        """Start no more calls, without waiting for running ones."""
        for pool in self._pools.values():
            pool.close()


class UserPools:
    """Runs one user's calls in threads of the provider's own pool."""

    def __init__(self, pools: Pools, user: str) -> None:
        self._pools = pools
        self._user = user
        self._user_limits = UserLimits()

    async def run(
        self, provider: str | None, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What ``call`` returns or raises. ``provider`` None: it asks no provider.

        Raises:
            ProviderUnavailable: too many calls are waiting for the provider.
            Throttled: this user has made the same call too often.
        """
        if provider is not None:
            self._user_limits.spend(call.__name__, provider)
        return await self._pools.pool(provider).run(
            self._user, functools.partial(call, *args, **kwargs)
        )
