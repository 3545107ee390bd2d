"""Polls the token endpoint for device logins (RFC 8628) while anyone waits for them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login
    from jupyter_auth.server.broker.thread_pools import UserPools


class DevicePolling:
    """Polls in the provider's own pool; the engine keeps to the interval (RFC 8628 3.5)."""

    def __init__(
        self, engine: Engine, pools: UserPools, told: Callable[[Login], object] = lambda _: None
    ) -> None:
        """``told`` hears how a login is after each poll."""
        self._engine = engine
        self._pools = pools
        self._told = told
        self._asking: set[asyncio.Task[None]] = set()

    async def ask_all(self) -> None:
        """Start polling for all logins that are due."""
        for login in await self._pools.run(None, self._engine.due):
            self.ask(login)

    def ask(self, login: Login) -> None:
        """Start polling for one login, if it is a device login and due."""
        if login.next_poll_at is not None:
            task = asyncio.create_task(self._ask(login))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, login: Login) -> None:
        with suppress(AuthError):  # too many calls wait: the next poll will do
            polled = await self._pools.run(login.provider, self._engine.device.poll, login.id)
            self._told(polled)

    def close(self) -> None:
        """Stop polling."""
        for task in self._asking:
            task.cancel()
