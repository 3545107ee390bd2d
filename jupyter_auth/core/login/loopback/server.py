"""A listener for redirects of a browser on this machine (RFC 8252 7.3)."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.server
import os
import socket
import socketserver
import threading
import time
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.loopback.uris import HTTP, can_listen, port_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from urllib.parse import SplitResult

LOOPBACK = ("127.0.0.1", "::1")  # `localhost` is both
NO_FAMILY = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}  # a machine without IPv6
# Of one half of a port: another program has it, or the system reserves it (Windows does).
NOT_OURS = {errno.EADDRINUSE, errno.EACCES, errno.EPERM}
TRIES = 20  # ports of which one half cannot be bound
TO_READ = 0.1  # seconds for the browser to read a page before ``Page.sent`` is called
GRACE = 5.0  # seconds that it stays open when it is not needed, so that an outcome can be seen
TICK = 0.2  # seconds between checks whether it is needed

# Jupyter's mark, drawn here: two arcs and three planets, for the line of text beside it.
MARK = (
    '<svg viewBox="0 0 32 36" width="26" height="29" aria-hidden="true"><g fill="#f37726">'
    '<path d="M3 16.6C5 1.4 27 1.4 29 16.6 23 9.9 9 9.9 3 16.6z"/>'
    '<path d="M3 19.4C5 34.6 27 34.6 29 19.4 23 26.1 9 26.1 3 19.4z"/></g><g fill="currentColor">'
    '<circle cx="27" cy="3.3" r="2.3"/><circle cx="5" cy="5.9" r="1.6"/>'
    '<circle cx="6.2" cy="32.3" r="2.9"/></g></svg>'
)
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1.5rem}"
    "h1{font-size:1.3rem}p{opacity:.85}"
    "dt{opacity:.85;font-size:.9rem}dd{margin:0 0 .6rem;overflow-wrap:anywhere}"
    "button{font:inherit;padding:.35em 1em;cursor:pointer}"
    "header{display:flex;gap:.5rem;align-items:center;font-size:.9rem;opacity:.85}"
)
# Some providers put their answer into the fragment, which a browser does not send.
_FRAGMENT = "if(location.hash.length>1)location.replace('?'+location.hash.slice(1))"


def _hash(inline: str) -> str:
    """For a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_FRAGMENT)}; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}
_WITH_FORM = {
    **_HEADERS,
    "Referrer-Policy": "same-origin",  # under `no-referrer` a form has no origin
    "Content-Security-Policy": _HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
}


@dataclass(frozen=True)
class Page:
    """A response: a title and a sentence, or a redirect to ``location``.

    With a ``button``, a click on it is reported as ``agreed``; ``facts`` are what to know before.
    ``clicked``: this answers one, and ``form-action`` is for redirects too: a page leads on.
    ``fragment``: what the browser has in its address after ``#`` is asked for as a query.
    """

    title: str = ""
    text: str = ""
    status: HTTPStatus = HTTPStatus.OK
    location: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    button: str = ""
    clicked: bool = False
    fragment: bool = False
    cookie: str = field(default="", repr=False)  # the header's value
    sent: Callable[[], None] | None = None  # called once the browser has it


NOTHING = Page("Nothing here", status=HTTPStatus.NOT_FOUND)


class PortTaken(ConfigurationError):
    """Another program listens at the port of a redirect URI."""


class Listener:
    """Sockets on 127.0.0.1 and ::1, both or none (SECURITY 8), open while they are needed.

    ``redirect_uri``: the one whose port to listen at; any free port where it has none. ``answer``
    makes the page for a URL and the browser's cookies, ``agreed`` the one after a click on a page's
    button there, ``needed`` says whether the listener is still needed; all from threads.

    Raises:
        ConfigurationError: the redirect URI is not of this machine, or its port is taken.
    """

    def __init__(
        self,
        redirect_uri: str | None,
        answer: Callable[[SplitResult, Mapping[str, str]], Page],
        needed: Callable[[], bool],
        agreed: Callable[[SplitResult, Mapping[str, str]], Page] = lambda *_: NOTHING,
    ) -> None:
        self.answer = answer
        self.agreed = agreed
        self._needed = needed
        self._wanted_at = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._servers = list(_bound(self, redirect_uri))
        self.port = int(self._servers[0].server_address[1])
        names = ("127.0.0.1", "localhost", "[::1]")
        self.hosts = {f"{name}:{self.port}" for name in names}
        if self.port == HTTP:  # browsers leave it out
            self.hosts.update(names)
        name = "jupyter_auth loopback"
        self._threads = [
            threading.Thread(target=self._run, args=(server,), daemon=True, name=name)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def open(self) -> bool:
        """Whether it still listens."""
        return not self._closing.is_set()

    def keep(self) -> bool:
        """Stay open for ``GRACE`` more seconds; False if it has closed and its port is free."""
        with self._lock:
            self._wanted_at = time.monotonic()
            if self.open:
                return True
        for thread in self._threads:
            thread.join(2 * TICK)
        return False

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()

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


def _bound(listener: Listener, redirect_uri: str | None) -> list[_Server]:
    if redirect_uri and not can_listen(redirect_uri):
        raise ConfigurationError(
            f"Nothing can listen at {redirect_uri} from here, so the browser could not return.",
            hint="Sign in from the Jupyter server at this address.",
        )
    # The address that the browser is sent to has to exist, the other need not.
    host, port = urlsplit(redirect_uri or "").hostname, port_of(redirect_uri)
    addresses = LOOPBACK[::-1] if host == "::1" else LOOPBACK
    reason = ""
    for _ in range(TRIES):
        try:
            return _bound_at(listener, addresses, port)
        except OSError as error:
            if port:
                raise _cannot_bind(port, error) from None
            reason = error.strerror or str(error)
            if error.errno not in NOT_OURS:
                break
    raise ConfigurationError(
        f"No free port for the browser to return to: {reason}.",
        hint="Close some programs on this machine, and try again.",
    )


def _bound_at(listener: Listener, addresses: Sequence[str], port: int) -> list[_Server]:
    """Both or none: another program at the other one would get what is meant for us."""
    first = _Server((addresses[0], port), listener)
    try:
        return [first, _Server((addresses[1], first.server_address[1]), listener)]
    except OSError as error:
        if error.errno in NO_FAMILY:
            return [first]
        first.server_close()
        raise


def _cannot_bind(port: int, error: OSError) -> ConfigurationError:
    if isinstance(error, PermissionError):
        return ConfigurationError(
            f"The redirect URI has port {port}, which only an administrator can listen at.",
            hint="Register a redirect URI with a port above 1023.",
        )
    return PortTaken(
        f"The redirect URI has port {port}, which another program uses.",
        hint="Close that program (it listens at 127.0.0.1 or [::1]), and try again.",
    )


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    timeout = TICK
    # So a port can be bound again at once; on Windows the option would let others share it.
    allow_reuse_address = os.name == "posix"
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listener = listener
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind exclusively: no other program can bind to the port as well."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if exclusive := getattr(socket, "SO_EXCLUSIVEADDRUSE", None):  # Windows
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser may hang up, and a traceback would show the query."""


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10.0  # seconds for a request to come in
    server: _Server

    def do_GET(self) -> None:
        """The page that ``answer`` makes, under our own host names alone."""
        listener = self.server.listener
        # A page of another site whose name was pointed here (DNS rebinding) sends its own name.
        known = self.headers.get("Host") in listener.hosts
        self._send(listener.answer if known else None)

    def do_POST(self) -> None:
        """The page that ``agreed`` makes, for a form of a page from here alone."""
        listener, host = self.server.listener, self.headers.get("Host")
        own = host in listener.hosts and self.headers.get("Origin") == f"http://{host}"
        self._send(listener.agreed if own else None)

    def _send(self, answer: Callable[[SplitResult, Mapping[str, str]], Page] | None) -> None:
        cookies = _cookies(self.headers.get_all("Cookie", []))
        page = answer(urlsplit(self.path), cookies) if answer else NOTHING
        redirects = page.location and not page.clicked
        body = b"" if redirects else _html(page)
        self.send_response(HTTPStatus.SEE_OTHER if redirects else page.status)
        for name, value in (_WITH_FORM if page.button else _HEADERS).items():
            self.send_header(name, value)
        if redirects:
            self.send_header("Location", page.location)
        elif page.location:
            self.send_header("Refresh", f"0;url={page.location}")
        if page.cookie:
            self.send_header("Set-Cookie", page.cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if page.sent:
            time.sleep(TO_READ)
            page.sent()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited)
        """Nothing: a request line holds a code."""


def _cookies(headers: list[str]) -> dict[str, str]:
    """Not ``SimpleCookie``: it drops all if another server on this machine set an odd one."""
    pairs = (each.strip().partition("=") for header in headers for each in header.split(";"))
    return {name: value for name, _, value in pairs}


def _form(page: Page) -> str:
    rows = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in page.facts.items())
    facts = f"<dl>{''.join(rows)}</dl>" if page.facts else ""
    button = f'<form method="post"><button>{escape(page.button)}</button></form>'
    return facts + (button if page.button else "")


def _html(page: Page) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(page.title)} · Jupyter</title><style>{_STYLE}</style>"
        f"<header>{MARK}Jupyter · this computer</header>"
        f"<main><h1>{escape(page.title)}</h1><p>{escape(page.text)}</p>{_form(page)}</main>"
        f"{f'<script>{_FRAGMENT}</script>' if page.fragment else ''}</html>"
    ).encode()
