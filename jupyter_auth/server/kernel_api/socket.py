"""A socket for kernels that only this user can reach, and the connection file that names it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING

from jupyter_core.paths import secure_write
from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.netutil import bind_sockets

from jupyter_auth.core.common.private_files import make_private_directory, read_private
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
SOCKET = "kernel.sock"
CHECK = 5.0  # seconds between looks at the files
MAX_SOCKET_PATH = 100  # bytes; the kernels' own limit is 104 or 108
MAX_HEADERS = 16 * 1024  # bytes

_log = logging.getLogger("jupyter_auth")


@dataclass(frozen=True)
class SocketFile:
    """Where kernels find the socket. ``path`` is the connection file's, 0600."""

    path: Path
    address: str
    directory: Path | None


class KernelSocket:
    """An HTTP server for kernels. It opens before the event loop runs and any kernel starts."""

    def __init__(self, connection: SocketFile, server: HTTPServer, key: Secret) -> None:
        self.connection = connection
        self._server = server
        self._key = key
        self._watch = PeriodicCallback(self._restore, CHECK * 1000)
        self._said = ""  # why it could not be made again, which is logged once

    @classmethod
    def open(cls, broker: Broker, runtime_dir: Path) -> KernelSocket:
        """Listen, and write the connection file.

        Raises:
            StoreError: the socket or the file cannot be made.
        """
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
        opened = cls(SocketFile(runtime_dir / name, address, directory), server, key)
        try:
            try:
                opened._write()
            except (OSError, RuntimeError):  # the socket's own directory is surely private
                if directory is None:
                    raise
                opened.connection = SocketFile(directory / name, address, directory)
                opened._write()
        except (OSError, RuntimeError) as error:
            opened.close()
            raise StoreError(f"{runtime_dir} cannot be written to: {error}.") from None
        os.environ[VARIABLE] = str(opened.connection.path)  # kernels inherit it
        return opened

    def _write(self) -> None:
        """OSError, RuntimeError: it cannot be written, or kernels would not trust it."""
        path, key = self.connection.path, self._key.reveal()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"version": VERSION, "address": self.connection.address, "key": key}
        content["machine"] = gethostname()
        new = path.with_name(f".{path.name}")  # a kernel that looks meanwhile sees no half of it
        try:
            with secure_write(str(new)) as file:  # born 0600, and for this user alone on Windows
                json.dump(content, file)
            new.replace(path)
            read_private(path)
        except (OSError, RuntimeError):
            for each in (new, path):
                with contextlib.suppress(OSError):
                    each.unlink(missing_ok=True)
            raise

    def watch(self) -> None:
        """Keep the files in place, since programs clean /tmp. Called on the event loop."""
        self._watch.start()

    def _restore(self) -> None:
        """Make again what is missing, where kernels look for it."""
        directory, trouble = self.connection.directory, ""
        try:
            if directory and not (directory / SOCKET).exists():
                make_private_directory(directory)
                self._server.add_sockets([_bind(directory)])
            if not self.connection.path.exists():
                self._write()
        except (OSError, RuntimeError) as error:
            trouble = f"The socket for kernels was deleted, and cannot be made again: {error}"
        if trouble and trouble != self._said:
            _log.warning("%s", trouble)
        self._said = trouble

    def close(self) -> None:
        """Stop listening, and remove the files."""
        self._watch.stop()
        self._server.stop()
        with contextlib.suppress(OSError):
            self.connection.path.unlink(missing_ok=True)
        if self.connection.directory:
            shutil.rmtree(self.connection.directory, ignore_errors=True)
        if os.environ.get(VARIABLE) == str(self.connection.path):
            del os.environ[VARIABLE]

    async def close_connections(self) -> None:
        """Close the connections that kernels still have open, after ``close``."""
        await self._server.close_all_connections()


def _listen() -> tuple[str, list[socket.socket], Path | None]:
    if sys.platform == "win32":
        sockets = bind_sockets(0, "127.0.0.1")
        return f"tcp:127.0.0.1:{sockets[0].getsockname()[1]}", sockets, None
    directory = _fresh_directory()
    return f"unix:{directory / SOCKET}", [_bind(directory)], directory


def _bind(directory: Path) -> socket.socket:
    from tornado.netutil import bind_unix_socket

    return bind_unix_socket(str(directory / SOCKET), mode=0o600)


def _fresh_directory() -> Path:
    """A new directory, 0700 from birth, whose name is short enough for a socket in it."""
    directory = tempfile.mkdtemp(prefix="jupyter-auth-")
    if len(os.fsencode(directory)) + len(f"/{SOCKET}") <= MAX_SOCKET_PATH:
        return Path(directory)
    Path(directory).rmdir()
    return Path(tempfile.mkdtemp(prefix="jupyter-auth-", dir="/tmp"))  # fresh, and 0700
