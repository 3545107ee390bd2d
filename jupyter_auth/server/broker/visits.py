"""The addresses at which people and programs reach this server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.server.broker.redirect_uri import browser_origin, origin_or_none

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

OF_BROWSERS = ("Origin", "Referer", "Sec-Fetch-Site")


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
