"""Asking the providers of device logins how they stand, while anybody waits or looks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError

if TYPE_CHECKING:
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login
    from jupyter_auth.server.broker.thread_pools import UserPools


class DevicePolling:
    """Asks in the provider's own pool: nobody waits for a provider that does not answer.

    The engine keeps the pace (RFC 8628 3.5), so it does no harm to ask too often here.
    """

    def __init__(self, engine: Engine, pools: UserPools) -> None:
        self._engine = engine
        self._pools = pools
        self._asking: set[asyncio.Task[None]] = set()

    async def ask_all(self) -> None:
        """Begin to ask about every login whose time has come."""
        for login in await self._pools.run(None, self._engine.due):
            self.ask(login)

    def ask(self, login: Login) -> None:
        """Begin to ask about one login, if it is a device's and its time has come."""
        if login.next_poll_at is not None:
            task = asyncio.create_task(self._ask(login))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, login: Login) -> None:
        with suppress(AuthError):  # too many calls wait already: the next time will do
            await self._pools.run(login.provider, self._engine.device.poll, login.id)

    def close(self) -> None:
        """Wait for no answer any more."""
        for task in self._asking:
            task.cancel()
