"""The service as a client that is a document: one for each provider, below its redirect URI.

So a provider's name is not listed anywhere, and a provider that someone has found has a document.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import get_browser_protocol
from tornado import web

from jupyter_auth.core.common.handles import NAME
from jupyter_auth.core.registration import client_document
from jupyter_auth.server.browser.base_handler import HEADERS

PATH = rf"/callback/{NAME.pattern}/{client_document.NAME}"
MAX_AGE = 3600  # seconds for which a provider may keep it


class ClientDocument(web.RequestHandler):
    """Open to all: there is no secret in it."""

    def initialize(self, public_origin: str | None) -> None:
        """``public_origin``: where browsers and providers reach the service, if configured."""
        self._public_origin = public_origin

    def set_default_headers(self) -> None:
        """Like the pages', but it may be kept."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", f"public, max-age={MAX_AGE}")
        self.set_header("Vary", "Host")

    def get(self) -> None:
        """Answer the document of the address that was asked for."""
        here = f"{get_browser_protocol(self.request)}://{self.request.host}"
        origin = self._public_origin or here
        redirect_uri = origin + self.request.path.removesuffix(f"/{client_document.NAME}")
        url = f"{redirect_uri}/{client_document.NAME}"
        found: dict[str, Any] = client_document.document(url, [redirect_uri])
        self.finish(found)
