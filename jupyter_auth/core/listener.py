"""A listener on this machine that a browser is redirected to (RFC 8252 7.3).

It answers a browser of this machine and nobody else, for as long as somebody needs it.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import socket
import socketserver
import threading
import time
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

GRACE = 5.0  # seconds that it stays when nobody needs it: an outcome can still be looked at
TICK = 0.2  # seconds between looks at whether anybody does

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1.5rem}"
    "h1{font-size:1.3rem}p{opacity:.85}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    ),
}


@dataclass(frozen=True)
class Page:
    """An answer: a title and a sentence, or where to go instead."""

    title: str = ""
    text: str = ""
    status: HTTPStatus = HTTPStatus.OK
    location: str = ""


NOTHING = Page("Nothing here", status=HTTPStatus.NOT_FOUND)


def can_listen(redirect_uri: str) -> bool:
    """Whether a listener could be there: http to a loopback address."""
    return urlsplit(redirect_uri).scheme == "http" and is_loopback(redirect_uri)


class Listener:
    """Sockets on 127.0.0.1 (and ::1 for a fixed ``localhost``), open while they are needed.

    ``redirect_uri``: the one to listen at, or "" for any free port. ``answer`` gives the page for
    an address that a browser asks for, ``needed`` says whether anybody still waits for one; both
    are called from threads. ConfigurationError: not an address of this machine, or not to be had.
    """

    def __init__(
        self,
        redirect_uri: str,
        answer: Callable[[SplitResult], Page],
        needed: Callable[[], bool],
    ) -> None:
        self.answer = answer
        self._needed = needed
        self._fixed = urlsplit(redirect_uri) if redirect_uri else None
        self._wanted_at = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._servers = list(self._bound())
        self.port = int(self._servers[0].server_address[1])
        names = ("127.0.0.1", "localhost", "[::1]")
        self.hosts = {f"{name}:{self.port}" for name in names}
        self._threads = [
            threading.Thread(
                target=self._run, args=(server,), daemon=True, name="jupyter_auth loopback"
            )
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def open(self) -> bool:
        """Whether it still answers."""
        return not self._closing.is_set()

    @property
    def origin(self) -> str:
        """Where it answers: scheme, host and port."""
        host = self._fixed.hostname if self._fixed else "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{self.port}"

    def keep(self) -> bool:
        """Stay for a while longer, needed or not. False: too late; its port is free again."""
        with self._lock:
            self._wanted_at = time.monotonic()
            if self.open:
                return True
        for thread in self._threads:
            thread.join(2 * TICK)
        return False

    def close(self) -> None:
        """Answer no more."""
        self._closing.set()

    def _bound(self) -> list[_Server]:
        if self._fixed is None:
            return [_Server(("127.0.0.1", 0), self)]
        if not can_listen(self._fixed.geturl()):
            raise ConfigurationError(
                f"A browser cannot come back to {self._fixed.geturl()} without its server.",
                hint="Sign in from the Jupyter server that has this address.",
            )
        host, port = self._fixed.hostname or "", self._fixed.port or 80
        servers: list[_Server] = []
        for address in {"localhost": ("127.0.0.1", "::1")}.get(host, (host,)):
            try:
                servers.append(_Server((address, port), self))
            except OSError as error:
                if address == "::1" and servers:
                    continue  # a machine without IPv6
                raise _not_to_be_had(port, error) from None
        return servers

    def _run(self, server: _Server) -> None:
        with server:
            while self.open:
                server.handle_request()
                self._close_if_idle()

    def _close_if_idle(self) -> None:
        needed = self._needed()
        with self._lock:
            if needed:
                self._wanted_at = time.monotonic()
            elif time.monotonic() - self._wanted_at >= GRACE:
                self._closing.set()


def _not_to_be_had(port: int, error: OSError) -> ConfigurationError:
    if isinstance(error, PermissionError):
        return ConfigurationError(
            f"The provider sends the browser back to port {port}, which needs an administrator.",
            hint="Register a redirect URI with a port above 1023 at the provider.",
        )
    return ConfigurationError(
        f"The provider sends the browser back to port {port}, which is taken here.",
        hint="End the program that listens there, and try again.",
    )


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    timeout = TICK

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listener = listener
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is nobody's error, and a traceback would show the query."""


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10.0  # seconds for a request to come in
    server: _Server

    def do_GET(self) -> None:
        """The page for that address; else 404, and no harm done."""
        listener = self.server.listener
        # A page of another site whose name was pointed here (DNS rebinding) sends its own name.
        known = self.headers.get("Host") in listener.hosts
        page = listener.answer(urlsplit(self.path)) if known else NOTHING
        body = b"" if page.location else _html(page)
        self.send_response(HTTPStatus.SEE_OTHER if page.location else page.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if page.location:
            self.send_header("Location", page.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited)
        """Nothing: a request line holds a code."""


def _html(page: Page) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(page.title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(page.title)}</h1><p>{escape(page.text)}</p></html>"
    ).encode()
