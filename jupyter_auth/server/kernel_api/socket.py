"""A socket for kernels that only this user reaches, and the file that names it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.paths import secure_write
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.wire import VERSION
from jupyter_auth.server.broker.request_parsing import MAX_BODY
from jupyter_auth.server.kernel_api.handlers import SocketKeyAuthenticator, kernel_application

if TYPE_CHECKING:
    import socket

    from jupyter_auth.server.broker.broker import Broker

VARIABLE = "JUPYTER_AUTH_CONNECTION"
OFF = "JUPYTER_AUTH_OFF"  # why there is no socket; nothing in it is secret
MAX_SOCKET_PATH = 100  # bytes; the kernels' own limit is 104 or 108
MAX_HEADERS = 16 * 1024  # bytes


@dataclass(frozen=True)
class SocketFile:
    """Where kernels find the socket. ``path`` is the connection file, 0600."""

    path: Path
    address: str
    directory: Path | None


class KernelSocket:
    """An HTTP server for kernels, from ``open`` to ``close``.

    It is opened while the extension loads, before the event loop runs, so that no kernel starts
    without it.
    """

    def __init__(self, connection: SocketFile, server: HTTPServer) -> None:
        self.connection = connection
        self._server = server

    @classmethod
    def open(cls, broker: Broker, runtime_dir: Path) -> KernelSocket:
        """Listen, and write the connection file. StoreError: this machine does not let us."""
        key = Secret(secrets.token_urlsafe(32))
        try:
            address, sockets, directory = _listen()
        except OSError as error:
            raise StoreError(f"The socket for kernels cannot be opened: {error}.") from None
        server = HTTPServer(
            kernel_application(SocketKeyAuthenticator(broker, key)),
            max_body_size=MAX_BODY,
            max_header_size=MAX_HEADERS,
        )
        server.add_sockets(sockets)
        name = f"jupyter_auth-{os.getpid()}-{secrets.token_hex(4)}.json"
        door = cls(SocketFile(runtime_dir / name, address, directory), server)
        try:
            door._write(key)
        except OSError as error:
            door.close()
            raise StoreError(f"{runtime_dir} cannot be written to: {error}.") from None
        os.environ[VARIABLE] = str(door.connection.path)  # kernels inherit it
        return door

    def _write(self, key: Secret) -> None:
        path = self.connection.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"version": VERSION, "address": self.connection.address, "key": key.reveal()}
        with secure_write(str(path)) as file:  # born 0600, and for this user alone on Windows
            json.dump(content, file)

    def close(self) -> None:
        """Stop listening, and leave nothing behind."""
        self._server.stop()
        with contextlib.suppress(OSError):
            self.connection.path.unlink(missing_ok=True)
        if self.connection.directory:
            shutil.rmtree(self.connection.directory, ignore_errors=True)
        if os.environ.get(VARIABLE) == str(self.connection.path):
            del os.environ[VARIABLE]

    async def close_connections(self) -> None:
        """End the connections of kernels that are still open, after ``close``."""
        await self._server.close_all_connections()


def _listen() -> tuple[str, list[socket.socket], Path | None]:
    if sys.platform == "win32":
        sockets = bind_sockets(0, "127.0.0.1")
        return f"tcp:127.0.0.1:{sockets[0].getsockname()[1]}", sockets, None
    from tornado.netutil import bind_unix_socket

    directory = _fresh_directory()
    path = directory / "door.sock"
    return f"unix:{path}", [bind_unix_socket(str(path), mode=0o600)], directory


def _fresh_directory() -> Path:
    """A new directory, 0700 from birth, whose name is short enough for a socket in it."""
    directory = tempfile.mkdtemp(prefix="jupyter-auth-")
    if len(os.fsencode(directory)) + len("/door.sock") <= MAX_SOCKET_PATH:
        return Path(directory)
    Path(directory).rmdir()
    return Path(tempfile.mkdtemp(prefix="jupyter-auth-", dir="/tmp"))  # fresh, and 0700
