"""The demo in a Jupyter server: starts the provider, adds its page, registers it."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Int

from jupyter_auth.core.errors import AuthError
from jupyter_auth.demo.guard import REVOKE
from jupyter_auth.demo.page import NAME, PATH, AuthorizationPage
from jupyter_auth.demo.provider import CLIENT_ID, DemoProvider

if TYPE_CHECKING:
    from jupyter_auth.server.broker.broker import Broker


class JupyterAuthDemo(ExtensionApp):
    """``jupyter_auth.demo`` in a Jupyter server, beside ``jupyter_auth``. Off unless enabled."""

    name = "jupyter_auth_demo"
    extension_url = "/"
    load_other_extensions = True
    static_paths = [str(Path(__file__).with_name("static"))]  # noqa: RUF012 (how it is declared)

    token_lifetime = Int(60, min=1, help="Seconds until an access token expires.").tag(config=True)

    broker: Broker | None = None
    provider: DemoProvider | None = None

    def initialize(self, argv: Any = None) -> None:  # noqa: ARG002 (ExtensionApp has none)
        """Called while the server loads, after ``jupyter_auth``: extensions load by name."""
        assert self.serverapp is not None  # noqa: S101 (linked before)
        apps = self.serverapp.extension_manager.extension_apps.get("jupyter_auth", set())
        self.broker = next((app.broker for app in apps), None)
        if self.broker is None:
            self.log.error("The demo needs the extension jupyter_auth, which is not enabled.")
            return
        self.provider = DemoProvider(token_lifetime=self.token_lifetime)
        atexit.register(self._close)
        super().initialize()  # type: ignore[no-untyped-call]

    def initialize_handlers(self) -> None:
        """The authorization page."""
        given = {"broker": self.broker, "provider": self.provider}
        self.handlers.append((rf"/{PATH}", AuthorizationPage, given))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:  # noqa: ARG002
        """Register the provider at ``jupyter_auth``, once the event loop runs."""
        if self.broker and self.provider:
            try:
                await self.broker.configure(NAME, description(self.provider, self.broker.base_url))
            except AuthError as error:
                self.log.error("The demo cannot be used. %s", error)  # noqa: TRY400 (no traceback)

    async def stop_extension(self) -> None:
        """Stop the provider with the server."""
        self._close()

    def _close(self) -> None:
        atexit.unregister(self._close)
        provider, self.provider = self.provider, None
        if provider:
            provider.close()


def description(provider: DemoProvider, base_url: str) -> dict[str, Any]:
    """The fields of ``Provider``. Its authorization endpoint is a page of this server."""
    return {
        "title": "Demo provider",
        "issuer": provider.issuer,
        "endpoints": {
            "authorization_endpoint": f"{base_url}{PATH}",
            "revocation_endpoint": f"{provider.issuer}{REVOKE}",
        },
        "client_id": CLIENT_ID,
        "client_secret": provider.client_secret.reveal(),
        "scopes": ["openid", "profile", "email"],
        "base_url": provider.issuer,
    }
