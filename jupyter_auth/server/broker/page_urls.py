"""The URLs of this server's pages, where it was reached, and the paths of its redirect URIs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_auth.core.common.handles import plain
from jupyter_auth.server.broker.redirect.checks import KnownOrigins
from jupyter_auth.server.broker.redirect.uri import browser_origin, origin_or_none

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from jupyter_auth.core.models import Login
    from jupyter_auth.server.broker.redirect.hub import HubRedirect

PREFIX = "jupyter-auth/"
OF_BROWSERS = ("Origin", "Referer", "Sec-Fetch-Site")


@dataclass(eq=False)  # two users' brokers at one place are two
class PageURLs:
    """``base_url`` has slashes at both ends. ``own_host``: a Hub service with a separate host."""

    base_url: str
    public_origin: str | None = None
    hub: HubRedirect | None = None
    own_host: bool = False

    @property
    def on_hub(self) -> bool:
        """Whether browsers come through a Hub, never to the address where this process listens."""
        return self.hub is not None

    def known_origins(self, visited: str | None, listening: str | None) -> KnownOrigins:
        """What is known of the address at which browsers reach this server."""
        return KnownOrigins(
            public=self.public_origin,
            hub=self.hub_origin,
            visited=visited,
            listening=listening,
            on_hub=self.on_hub,
        )

    def callback_path(self, provider: str) -> str:
        """The callback page's path, root-absolute, with the provider's name and not its handle."""
        return f"{self.base_url}{PREFIX}callback/{quote(plain(provider), safe='')}"

    def redirect_path(self, provider: str) -> str:
        """The redirect URI's path, root-absolute; on a Hub it forwards to the callback."""
        return self.hub.redirect_path(plain(provider)) if self.hub else self.callback_path(provider)

    @property
    def hub_origin(self) -> str:
        """The origin of ``redirect_path``, if not this server's own; else empty."""
        return self.hub.hub_origin if self.hub else ""

    def login_path(self, login_id: str) -> str:
        """A login's page, root-absolute."""
        return f"{self.base_url}{PREFIX}login/{quote(login_id, safe='')}"

    def arrive_path(self, provider: str) -> str:
        """The page of a silent sign-in, root-absolute, or its URL at a Hub service's own host."""
        path = f"{self.base_url}{PREFIX}arrive/{quote(provider, safe='')}"
        return f"{self.public_origin}{path}" if self.own_host and self.public_origin else path

    @property
    def reached_at(self) -> tuple[str | None, bool]:
        """The origin for links, and whether a proxy or a container may hide it from browsers."""
        return self.public_origin, False

    def placed(self, login: Login) -> Login:
        """The login with its page's URL."""
        path = self.login_path(login.id)
        origin, inner = self.reached_at
        url = f"{origin}{path}" if origin else None
        own = self.public_origin and self.own_host and url
        return dataclasses.replace(login, path=own or path, url=url, inner=inner)


class Visits:
    """The last origins of requests that Jupyter let in; None: there was none.

    ``browser``: that of a page of this server. ``program``: what VS Code, for one, was told; it may
    run on another machine than its user's browser.
    """

    def __init__(self) -> None:
        self.browser: str | None = None
        self.program: str | None = None

    def note(self, request: HTTPServerRequest) -> None:
        """Remember where an authenticated request has come to."""
        if origin := browser_origin(request.headers, request.host):
            self.browser = origin
        elif not any(name in request.headers for name in OF_BROWSERS):
            self.program = origin_or_none(f"{request.protocol}://{request.host}") or self.program
