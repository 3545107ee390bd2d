"""The real broker socket in front of a real engine, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from typing import TYPE_CHECKING, Self

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker.broker import Broker
from jupyter_auth.server.broker.long_poll import PollLimit, WaitLimit
from jupyter_auth.server.kernel_api.handlers import SocketKeyAuthenticator, kernel_application
from jupyter_auth.server.kernel_api.socket import KernelSocket, SocketFile
from patience import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_auth.core.engine import Engine

KEY = "planted-key-0123456789-0123456789-0123456789"


class BrokerSocket:
    """A broker that answers kernels; use it as a context manager. ``path``: connection file.

    ``default``: the provider that its administrator configured as the default one.
    """

    def __init__(self, engine: Engine, runtime_dir: Path, default: str | None = None) -> None:
        self.engine = engine
        self._default = default
        self._runtime_dir = runtime_dir
        self._ready = threading.Event()
        self.room = PollLimit()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)

    @property
    def waiting(self) -> int:
        """How many wait for changes now."""
        return self.room._taken

    def close_connections(self) -> None:
        """As a server does with those that lay idle for too long."""
        closing = self._server.close_connections()
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        waits = WaitLimit(poll_limit=self.room)
        broker = Broker(self.engine, base_url="/base/", default_provider=self._default, waits=waits)
        server = self._server = self._open(broker)
        self.path = server.connection.path
        self.address = server.connection.address
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            server.close()
            await server.close_connections()
            broker.close()

    def _open(self, broker: Broker) -> KernelSocket:
        return KernelSocket.open(broker, self._runtime_dir)


class TcpBrokerSocket(BrokerSocket):
    """As it is where there are no Unix sockets."""

    def _open(self, broker: Broker) -> KernelSocket:
        key, sockets = secrets.token_urlsafe(32), bind_sockets(0, "127.0.0.1")
        server = HTTPServer(kernel_application(SocketKeyAuthenticator(broker, Secret(key))))
        server.add_sockets(sockets)
        address = f"tcp:127.0.0.1:{sockets[0].getsockname()[1]}"
        self._runtime_dir.mkdir(exist_ok=True)
        path = self._runtime_dir / "broker.json"
        path.touch(0o600)
        path.write_text(json.dumps({"version": 1, "address": address, "key": key}))
        return KernelSocket(SocketFile(path, address, None), server, Secret(key))


def written(path, mode=0o600, **changes):
    """A connection file of a socket that is not there, or is wherever ``changes`` say."""
    content = {"version": 1, "address": "unix:/nowhere/broker.sock", "key": KEY} | changes
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return path
