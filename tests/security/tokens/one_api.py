"""One API, and strangers at every other address, whatever a program makes of it.

Each connection is a real one to one of two real servers. Only where names lead is made up: the
API is at one origin; all else, of any name, number and port, is a stranger's, who speaks https and
http alike.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from providers import certificates
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from providers.sockets import Request

ORIGIN = "https://api.test"
TLS_HANDSHAKE = b"\x16"


class Strangers:
    """Whoever is not the API; ``heard`` is what each of them was sent."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.heard: list[bytes] = []
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                self._serve(self._socket.accept()[0])

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self.heard.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


class World:
    """The API answers ``move`` to the next request, and 200 to all others, which are ``seen``."""

    def __init__(self, directory: Path, origin: str = ORIGIN) -> None:
        self._certificate = certificates.make(directory, "api.test")
        tls = self._certificate.context()
        scheme, _, self._name = origin.partition("://")
        self._port = {"http": 80, "https": 443}[scheme]
        self.move: Reply | None = None
        self.seen: list[Request] = []
        self.strangers = Strangers(tls)
        self._api = SocketServer(self._answer, tls if scheme == "https" else None)

    def _answer(self, request: Request) -> Reply:
        self.seen.append(request)
        move, self.move = self.move, None
        return move or Reply(200)

    @contextmanager
    def running(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Self]:
        """The servers answer, and every name leads to one of them."""
        resolve = socket.getaddrinfo

        def lead(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            ours = (name, int(port)) == (self._name, self._port)
            port = self._api.port if ours else self.strangers.port
            return resolve("127.0.0.1", port, *args, **kwargs)

        self._api.start()
        self.strangers.start()
        try:
            with monkeypatch.context() as patched:
                patched.setattr(socket, "getaddrinfo", lead)
                # Or the system's hundred and more are read for each connection.
                patched.setenv("SSL_CERT_FILE", str(self._certificate.ca_bundle))
                yield self
        finally:
            self._api.stop()
            self.strangers.stop()
