"""Checks of ``doctor``: the redirect URI to register, and programs at the same port."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.loopback.uris import can_listen
from jupyter_auth.server.broker.redirect.uri import redirect_route

if TYPE_CHECKING:
    from jupyter_auth.core.provider.provider import Provider

ABOUT = "Redirect URI"
ANY_PORT = "Many providers accept any port of 127.0.0.1 (RFC 8252 7.3), others only this one."
SCRIPTS = (
    " Set it as the provider's `redirect_uri`, and scripts of this machine come back to it too."
)
HUB = "<your JupyterHub's address>"
IPV4_ONLY = {"127.0.0.1", "0.0.0.0"}  # noqa: S104 (where a server listens is not for us to say)
BY_HAND = " It does not lead here: the login page asks for the URL that the browser ends on."


@dataclass(frozen=True, kw_only=True)
class KnownOrigins:
    """What is known of the address at which browsers reach this server.

    ``public``: as configured. ``hub``: the Hub's, if it has another origin. ``visited``: where a
    browser was. ``listening``: where the server is bound; ``on_hub``: no browser comes there.
    """

    public: str | None = None
    hub: str = ""
    visited: str | None = None
    listening: str | None = None
    on_hub: bool = False

    def redirect_uri(self, provider: Provider, callback_path: str) -> Finding:
        """The redirect URI to register, as exactly as it can be known here."""
        origin, why, sure = self._origin(provider)
        try:
            route = redirect_route(
                *(origin, self.public, callback_path, "/", provider.redirect_uri),
                hub=self.hub,
                loopback=provider.loopback,
            )
        except ConfigurationError as error:
            return wrong(ABOUT, error)
        uri = route.redirect_uri
        more = SCRIPTS if can_listen(uri) and not (provider.redirect_uri or self.on_hub) else ""
        if provider.redirect_uri:  # as it is registered: without a port, if that may be any
            uri, sure = provider.redirect_uri, True
            why = "it is fixed in the provider's configuration"
        return Finding(
            about=ABOUT,
            says=f"Register {uri} ({why}).{BY_HAND if route.by_hand else more}",
            fix="" if sure else self._advice(callback_path),
            state="ok" if sure else "note",
        )

    def ipv6_conflict(self) -> Finding | None:
        """A warning if another program has [::1] at our IPv4 port: browsers try [::1] first."""
        here = urlsplit("" if self.on_hub else self.listening or "")
        if here.hostname not in IPV4_ONLY or not here.port:
            return None
        try:
            socket.create_connection(("::1", here.port), timeout=1.0).close()
        except OSError:
            return None
        return Finding(
            about="Address",
            says=f"Another program is at [::1]:{here.port}: a browser that is sent to"
            f" {here.scheme}://localhost:{here.port} gets there, not to this server.",
            fix=f"Open this server at {here.scheme}://127.0.0.1:{here.port}, or end that program.",
            state="wrong",
        )

    def _origin(self, provider: Provider) -> tuple[str, str, bool]:
        if self.hub:
            return self.hub, "the Hub says that it is there", True
        if self.public:
            return self.public, "by c.JupyterAuth.public_url", True
        if self.visited:
            return self.visited, "a browser was at that address", True
        if self.on_hub:
            fixed = provider.redirect_uri
            return origin_of(fixed) if fixed else HUB, "it is not known here", False
        known = self.listening or "http://localhost:8888"
        return origin_of(known), "if your browser shows that address", False

    def _advice(self, callback_path: str) -> str:
        advice = f"Put your browser's own address before {callback_path}."
        return advice if self.on_hub else f"{advice} {ANY_PORT}"
