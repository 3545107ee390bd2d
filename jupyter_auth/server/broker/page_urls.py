"""Where this server's pages are, and where providers send browsers back to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_auth.core.common.handles import plain
from jupyter_auth.server.broker.redirect_uri_checks import KnownOrigins

if TYPE_CHECKING:
    from jupyter_auth.core.models import Login
    from jupyter_auth.server.broker.hub_redirect import HubRedirect

PREFIX = "jupyter-auth/"


@dataclass(eq=False)  # two users' brokers at one place are two
class PageURLs:
    """``base_url`` has slashes at both ends; ``public_origin``: where that is known.

    ``own_host``: a Hub's service that has a host of its own. There is no page of its users' at it.
    """

    base_url: str
    public_origin: str | None = None
    hub: HubRedirect | None = None
    own_host: bool = False

    @property
    def on_hub(self) -> bool:
        """Whether browsers come by a Hub, never to the address where this process listens."""
        return self.hub is not None

    def known_origins(self, visited: str | None, listening: str | None) -> KnownOrigins:
        """What is known of the address at which browsers reach this."""
        return KnownOrigins(
            public=self.public_origin,
            hub=self.hub_origin,
            visited=visited,
            listening=listening,
            on_hub=self.on_hub,
        )

    def callback_path(self, provider: str) -> str:
        """Where a provider's answer arrives, root-absolute: what is registered has no handle."""
        return f"{self.base_url}{PREFIX}callback/{quote(plain(provider), safe='')}"

    def redirect_path(self, provider: str) -> str:
        """Where a provider sends the browser to, root-absolute; a Hub forwards from there."""
        return self.hub.redirect_path(plain(provider)) if self.hub else self.callback_path(provider)

    @property
    def hub_origin(self) -> str:
        """Where ``redirect_path`` is, if not at this server's own origin; else empty."""
        return self.hub.hub_origin if self.hub else ""

    def login_path(self, login_id: str) -> str:
        """A login's page, root-absolute."""
        return f"{self.base_url}{PREFIX}login/{quote(login_id, safe='')}"

    def placed(self, login: Login) -> Login:
        """The login with the address of its page."""
        path = self.login_path(login.id)
        url = f"{self.public_origin}{path}" if self.public_origin else None
        return dataclasses.replace(login, path=(self.own_host and url) or path, url=url)
