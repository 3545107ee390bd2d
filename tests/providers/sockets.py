"""The socket under ``rogue``: a threaded HTTP server that turns requests into values."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from processes import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from providers.troubles import Reply


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(errors="replace")))

    @property
    def bearer(self) -> str:
        """The bearer token (RFC 6750, 2.1), or an empty string."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value if scheme.lower() == "bearer" else ""


class SocketServer:
    """Listens on a free port of 127.0.0.1 and answers each request in a thread of its own.

    After ``stop()`` a connection is refused; ``start()`` opens the same port again. ``tls`` makes
    it https.
    """

    def __init__(
        self, answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None
    ) -> None:
        class Handler(_Handler):
            def respond(self, request: Request) -> Reply:
                return answer(request)

        self._handler = Handler
        self._tls = tls
        self._server: _Server | None = _Server(("127.0.0.1", free_port()), Handler, tls)
        self.port: int = self._server.server_port

    def start(self) -> None:
        if self._server is None:
            self._server = _Server(("127.0.0.1", self.port), self._handler, self._tls)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.open) if self._server else 0

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None


class Served:
    """A test's server, which answers while it is entered. ``_server`` is a subclass's own."""

    _server: SocketServer

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection open for as long as it likes
    request_queue_size = 128  # 64 threads at once are a test of their own

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(address, handler)
        if tls:  # a client that does not trust us ends the handshake: an OSError, and no request
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        self.open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep for later, or they would still be answered."""
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self, request: Request) -> Reply:
        raise NotImplementedError

    def handle(self) -> None:
        # A client that left, or a connection of which we let go, is what some tests are about.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        reply = self.respond(Request(self.command, self.path, headers, body))
        if reply.closed:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        self.send_header("Date", reply.headers.pop("Date", self.date_time_string()))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(reply.body, bytes):
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
        else:
            self.close_connection = True  # the end of the connection is the end of the body
            self.send_header("Connection", "close")
            self.end_headers()
            for chunk in reply.body:
                self.wfile.write(chunk)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: `RogueProvider.requests` remembers more."""
