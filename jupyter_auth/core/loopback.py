"""Logins without a Jupyter server: the browser comes back to this process (RFC 8252 7.3).

``LocalAccounts`` is the engine with a listener beside it: a login that it begins has an address on
127.0.0.1. The listener is open while such a login is, and for nobody but this machine's browser.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import http.server
import secrets
import socket
import socketserver
import threading
import time
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginExpired, LoginFailed
from jupyter_auth.core.models import DEFAULT_KEY, Login, Provider
from jupyter_auth.core.urls import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

GRACE = 5.0  # seconds that the outcome can still be looked at
TICK = 0.2  # seconds between looks at whether anybody still needs the listener
MAX_QUERY = 1 << 14  # characters

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


class LocalAccounts(Engine):
    """An engine whose logins a browser on this machine can finish without a Jupyter server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In the place of a cookie and a user: this process began the login, nobody else did.
        self._user = secrets.token_urlsafe(32)
        self._bindings: dict[str, str] = {}
        self._listeners: dict[str, Listener] = {}
        self._opening = threading.Lock()

    def begin(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        *,
        username: str | None = None,
        scopes: Sequence[str] | None = None,
        force: bool = False,
        grant: str | None = None,
        kernel: str | None = None,
        notebook: str | None = None,
    ) -> Login:
        """As the engine's, with the address of its listener.

        ConfigurationError: the provider's fixed redirect URI cannot be listened at.
        """
        login = super().begin(
            provider,
            session_key,
            username=username,
            scopes=scopes,
            force=force,
            grant=grant,
            kernel=kernel,
            notebook=notebook,
        )
        if login.grant == "authorization_code":
            self._listener(self.configured(provider)).serve(login.id)
        return self.login(login.id)

    def login(self, login_id: str) -> Login:
        """As the engine's, with the address of its listener while that is open."""
        login = super().login(login_id)
        listener = self._listeners.get(self.configured(login.provider).redirect_uri or "")
        if listener is None or not listener.open:
            return login
        return dataclasses.replace(login, url=f"{listener.origin}/login/{quote(login_id)}")

    def depart(self, login_id: str) -> str:
        """The authorization URL for a browser that arrives. Errors: as ``open``."""
        provider = self.configured(self.login(login_id).provider)
        url, binding = self.open(
            login_id, self._listener(provider).redirect_uri(provider), self._user
        )
        self._bindings[binding.name] = binding.value
        return url

    def arrive(self, provider: str, query: str) -> Login:
        """The login that the query of a redirect belongs to, with its outcome.

        LoginExpired, LoginFailed: no login of this process; nothing was exchanged.
        """
        params = dict(parse_qsl(query[:MAX_QUERY]))
        return self.finish(provider, params, self._bindings, self._user)

    def paste(self, login_id: str, address: str) -> Login:
        """Finish a login with the address that a browser elsewhere ended on (state is checked).

        LoginFailed: it is not such an address. LoginExpired: it belongs to no login of ours.
        """
        query = urlsplit(address.strip()).query
        if "state=" not in query:
            raise LoginFailed(
                "That is not the address of the page the sign-in ended on.",
                hint="Copy the whole of it from the browser: it contains `state=` and `code=`.",
            )
        return self.arrive(self.login(login_id).provider, query)

    def close(self) -> None:
        """End the listeners too."""
        for listener in self._listeners.values():
            listener.close()
        super().close()

    def _listener(self, provider: Provider) -> Listener:
        """The one for the provider's fixed redirect URI, or the one for all that have none."""
        fixed = provider.redirect_uri or ""
        with self._opening:
            listener = self._listeners.get(fixed)
            if listener is None or not listener.open:
                listener = self._listeners[fixed] = Listener(self, fixed)
            return listener


class Listener:
    """Sockets on 127.0.0.1 (and ::1 for a fixed ``localhost``), open while a login needs them.

    ConfigurationError: ``redirect_uri`` is fixed and not of this machine, or its port is taken.
    """

    def __init__(self, accounts: LocalAccounts, redirect_uri: str) -> None:
        self.accounts = accounts
        self._fixed = urlsplit(redirect_uri) if redirect_uri else None
        self._logins: set[str] = set()
        self._idle_since = time.monotonic()
        self._closing = threading.Event()
        self._servers = list(self._bound())
        self.port = int(self._servers[0].server_address[1])
        self.hosts = {f"{host}:{self.port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        for server in self._servers:
            threading.Thread(
                target=self._run, args=(server,), daemon=True, name="jupyter_auth loopback"
            ).start()

    @property
    def open(self) -> bool:
        """Whether it still answers."""
        return not self._closing.is_set()

    @property
    def origin(self) -> str:
        """Where this process's own pages are."""
        host = self._fixed.hostname if self._fixed else "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{self.port}"

    def redirect_uri(self, provider: Provider) -> str:
        """Where that provider's answer arrives (RFC 8252 7.3: any port)."""
        return provider.redirect_uri or f"{self.origin}/callback/{quote(provider.name)}"

    def provider_at(self, path: str) -> str | None:
        """Whose callback that path is."""
        for login_id in self._logins.copy():
            with contextlib.suppress(LoginExpired):
                provider = self.accounts.configured(self.accounts.login(login_id).provider)
                if urlsplit(self.redirect_uri(provider)).path == path:
                    return provider.name
        return None

    def serve(self, login_id: str) -> None:
        """Stay open for that login too."""
        self._logins.add(login_id)

    def close(self) -> None:
        """Answer no more."""
        self._closing.set()

    def _bound(self) -> list[_Server]:
        if self._fixed is None:
            return [_Server(("127.0.0.1", 0), self)]
        host, port = self._fixed.hostname or "", self._fixed.port or 80
        if self._fixed.scheme != "http" or host not in LOOPBACK_HOSTS:
            raise ConfigurationError(
                f"A browser cannot come back to {self._fixed.geturl()} without its server.",
                hint="Sign in from the Jupyter server that has this address.",
            )
        servers: list[_Server] = []
        for address in {"localhost": ("127.0.0.1", "::1")}.get(host, (host,)):
            try:
                servers.append(_Server((address, port), self))
            except OSError:
                if address == "::1" and servers:
                    continue  # a machine without IPv6
                raise ConfigurationError(
                    f"The provider sends the browser back to port {port}, which is taken here.",
                    hint="End the program that listens there, and try again.",
                ) from None
        return servers

    def _run(self, server: _Server) -> None:
        with server:
            while not self._closing.is_set():
                server.handle_request()
                if not self._needed():
                    self._closing.set()

    def _needed(self) -> bool:
        pending = {login.id for login in self.accounts.logins()}
        if self._logins & pending or not self._logins:
            self._idle_since = time.monotonic()
            return True
        return time.monotonic() - self._idle_since < GRACE


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
        """A login's start, the provider's answer, a login's outcome; else 404, and no harm done."""
        listener = self.server.listener
        url = urlsplit(self.path)
        # A page of another site whose name was pointed here (DNS rebinding) sends its own name.
        if self.headers.get("Host") not in listener.hosts:
            return self._page(HTTPStatus.NOT_FOUND, "Nothing here")
        if provider := listener.provider_at(url.path):
            return self._arrive(provider, url.query)
        match url.path.split("/"):
            case ["", "login", login_id]:
                return self._depart(unquote(login_id))
            case ["", "done", login_id]:
                return self._outcome(unquote(login_id))
        return self._page(HTTPStatus.NOT_FOUND, "Nothing here")

    def _depart(self, login_id: str) -> None:
        try:
            url = self.server.listener.accounts.depart(login_id)
        except LoginExpired as error:
            self._page(HTTPStatus.NOT_FOUND, error.message, error.hint)
        except AuthError as error:
            self._page(HTTPStatus.BAD_GATEWAY, error.message, error.hint)
        else:
            self._redirect(url)

    def _arrive(self, provider: str, query: str) -> None:
        try:
            login = self.server.listener.accounts.arrive(provider, query)
        except (LoginExpired, LoginFailed) as error:
            self._page(HTTPStatus.NOT_FOUND, error.message, error.hint)
        else:
            # The code leaves the address bar.
            self._redirect(f"/done/{quote(login.id)}")

    def _outcome(self, login_id: str) -> None:
        try:
            login = self.server.listener.accounts.login(login_id)
        except LoginExpired as error:
            return self._page(HTTPStatus.NOT_FOUND, error.message, error.hint)
        if login.status == "complete":
            return self._page(HTTPStatus.OK, "Signed in", "You may close this tab.")
        said = login.error or {}
        message = str(said.get("message") or f"The sign-in is {login.status}.")
        return self._page(HTTPStatus.OK, message, str(said.get("hint") or ""))

    def _redirect(self, url: str) -> None:
        self.send_response(HTTPStatus.SEE_OTHER)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, status: HTTPStatus, title: str, text: str = "") -> None:
        body = (
            '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style>"
            f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>"
        ).encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited)
        """Nothing: a request line holds a code."""
