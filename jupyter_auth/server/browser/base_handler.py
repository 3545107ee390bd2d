"""What every answer to a browser has in common, whether page or JSON."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.wire import VERSION, VERSION_HEADER
from jupyter_auth.server.broker.redirect_uri import ForeignOrigin, checked_origin
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
    """Let the method run only for those whom Jupyter's Authorizer lets do that.

    On a JupyterHub, for the server's owner alone: a guest of a shared server would sign in for her.
    Action and resource are always given: left to itself, ``authorized`` remembers those of the
    first call.
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
    """Jupyter's own handler, closed to other origins, and silent about queries in the log."""

    broker: Broker

    def initialize(self, broker: Broker) -> None:
        """What the route table gives."""
        self.broker = broker

    async def prepare(self) -> None:  # type: ignore[override]
        """Jupyter's own checks (host, user, XSRF); then the broker of this very user."""
        await super().prepare()
        if self.current_user:
            self.broker = await self.broker.of(self.current_user)

    @property
    def user(self) -> str:
        """Who this is for Jupyter: an opaque name, the same in all requests of one browser."""
        return str(self.current_user.username)

    def require_owner(self) -> None:
        """403 on a JupyterHub for whoever may use this server but is not its owner."""
        hub = self.broker.hub
        if hub and self.user != hub.owner:
            raise web.HTTPError(FORBIDDEN, f"Only {hub.owner} signs in on this server")

    def require_own_origin(self) -> str:
        """The browser's origin, known to be this server's. ForeignOrigin: it is not."""
        return checked_origin(
            self.request.headers.get("Origin"), self.request.host, self.broker.public_origin
        )

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:  # noqa: ARG002
        """As strict where ``ServerApp.allow_origin`` opens the rest. Part of Jupyter's XSRF check.

        ForeignOrigin where Jupyter would answer False, and 404.
        """
        if "Origin" in self.request.headers:
            self.require_own_origin()
        return True

    def check_xsrf_cookie(self) -> None:
        """Jupyter's own check, in words that a page can show. ForeignOrigin: refused."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            raise ForeignOrigin(
                "This request does not carry the page's XSRF token.",
                hint="Reload the page. Your browser has to accept cookies of this address.",
            ) from None

    @property
    def content_security_policy(self) -> str:
        """Nothing from elsewhere, nothing inline, in no frame: not to be loosened by settings."""
        return POLICY

    def set_default_headers(self) -> None:
        """Ours last: the server's own settings may open CORS or caches, but not here."""
        super().set_default_headers()
        for name in _CORS:
            self.clear_header(f"Access-Control-Allow-{name}")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def set_cors_headers(self) -> None:
        """None, also where ``ServerApp.allow_origin`` or a token would open the others."""

    def _request_summary(self) -> str:
        """What tornado logs of a failed request: without the query, a callback's holds the code."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """As tornado does, without the request's repr: the query is in that."""
        if isinstance(value, AuthError):
            self.log.info("%s: %s", self._request_summary(), value.message)
        elif isinstance(value, web.HTTPError) or typ is None or value is None:
            super().log_exception(typ, value, tb)
        else:
            self.log.error("Failed: %s", self._request_summary(), exc_info=(typ, value, tb))

    def data_received(self, chunk: bytes) -> Any:
        """Not used: bodies are small."""
