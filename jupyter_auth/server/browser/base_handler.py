"""The base of all handlers for browsers, of pages and JSON."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.wire import VERSION, VERSION_HEADER
from jupyter_auth.server.broker.redirect.uri import (
    ForeignOrigin,
    browser_origin,
    checked_origin,
    says_own,
)
from jupyter_auth.server.http_errors import FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from jupyter_auth.server.broker.broker import Broker

Method = TypeVar("Method")
RESOURCE = "jupyter_auth"  # what an Authorizer is asked about

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    VERSION_HEADER: str(VERSION),
}
_CORS = ("Origin", "Credentials", "Headers", "Methods")


def may(action: Literal["read", "write"]) -> Callable[[Method], Method]:
    """Let the method run only if Jupyter's Authorizer allows it; on a Hub only for the owner.

    A guest of a shared server would sign in for its owner. Action and resource are always given:
    without them ``authorized`` remembers those of the first call.
    """

    def decorate(method: Method) -> Method:
        asked: Any = authorized(action=action, resource=RESOURCE)(method)

        @functools.wraps(method)  # type: ignore[arg-type]
        async def inner(self: UIHandler, *args: str) -> Any:
            self.require_owner()
            return await asked(self, *args)

        return cast("Method", inner)

    return decorate


class UIHandler(JupyterHandler):
    """Jupyter's own handler, closed to other origins, and without queries in the log."""

    broker: Broker

    def initialize(self, broker: Broker) -> None:
        """Called by tornado with the route's arguments."""
        self.broker = broker

    async def prepare(self) -> None:  # type: ignore[override]
        """Jupyter's own checks (host, user, XSRF), then this user's broker."""
        await super().prepare()
        if self.current_user:
            self.broker = await self.broker.of(self.current_user)

    @property
    def user(self) -> str:
        """The user's name for Jupyter: opaque, the same in all requests of one browser."""
        return str(self.current_user.username)

    def require_owner(self) -> None:
        """Refuse with 403, on a Hub, any user but the server's owner."""
        hub = self.broker.hub
        if hub and self.user != hub.owner:
            raise web.HTTPError(FORBIDDEN, f"Only {hub.owner} can sign in on this server")

    def require_own_origin(self) -> str:
        """The browser's origin. ForeignOrigin: it is not this server's."""
        return self._checked(self.request.headers.get("Origin"))

    def _checked(self, origin: str | None) -> str:
        host, public = self.request.host, self.broker.public_origin
        return checked_origin(origin, host, public, own_page=says_own(self.request.headers))

    def guessed_origin(self) -> str:
        """The browser's origin as far as it is known from a GET, which has no ``Origin``."""
        own = self.broker.public_origin or browser_origin(self.request.headers, self.request.host)
        return own or f"{self.request.protocol}://{self.request.host}"

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:  # noqa: ARG002
        """Part of Jupyter's XSRF check, whatever ``ServerApp.allow_origin`` allows elsewhere."""
        if "Origin" in self.request.headers:
            self.require_own_origin()
        return True

    def check_xsrf_cookie(self) -> None:
        """Jupyter's own check, with an error that a page can show."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise ForeignOrigin(
                "This request lacks the page's XSRF token.",
                hint="Reload the page. Your browser must accept cookies of this server.",
            ) from None

    @property
    def content_security_policy(self) -> str:
        """Nothing from other origins, nothing inline, in no frame: no setting can loosen it."""
        return POLICY

    def set_default_headers(self) -> None:
        """Ours last: the server's own settings may allow CORS or caches, but not here."""
        super().set_default_headers()
        for name in _CORS:
            self.clear_header(f"Access-Control-Allow-{name}")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def set_cors_headers(self) -> None:
        """Set none, even if ``ServerApp.allow_origin`` or a token allows them elsewhere."""

    def _request_summary(self) -> str:
        """For tornado's log, without the query: a callback's holds the code."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """As tornado does, without the request's repr, which has the query."""
        if isinstance(value, AuthError):
            self.log.info("%s: %s", self._request_summary(), value.message)
        elif isinstance(value, web.HTTPError) or typ is None or value is None:
            super().log_exception(typ, value, tb)
        else:
            self.log.error("Failed: %s", self._request_summary(), exc_info=(typ, value, tb))
