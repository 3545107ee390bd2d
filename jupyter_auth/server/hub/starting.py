"""The service listens before it can serve, and says why it does not: it tries until it does.

A Hub that starts a service itself ends where the service ends, or does not answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from tornado import web
from tornado.routing import Router

from jupyter_auth.core.common.backoff import Backoff
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, ConfigurationError
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import HEADERS, POLICY
from jupyter_auth.server.browser.pages import SEE_OTHER
from jupyter_auth.server.http_errors import refuse
from jupyter_auth.server.hub.config import PORT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

    T = TypeVar("T")

FIRST, LONGEST = 1.0, 30.0  # seconds between tries, at most
AGAIN = 2.0  # seconds after which who asked meanwhile may ask again
NOT_FOUND = 404

_log = logging.getLogger("jupyter_auth")


class ListenAddress(NamedTuple):
    """Where the service is: below which path, with slashes at both ends, at what address."""

    prefix: str
    address: SplitResult
    home: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ListenAddress:
        """What the Hub says to its service. ConfigurationError: this is none."""
        return cls(
            prefix=prefix_of(environ),
            address=_address(environ.get("JUPYTERHUB_SERVICE_URL") or f"http://:{PORT}"),
            home=f"{environ.get('JUPYTERHUB_BASE_URL', '/')}hub/home",
        )


def _address(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        if address.scheme in {"http", "https"} and address.port != 0:
            return address
    except ValueError:  # its port is no number, say
        pass
    raise ConfigurationError(
        f"JUPYTERHUB_SERVICE_URL is {url!r}, which is not an address to listen on.",
        hint=f"Set it to http://127.0.0.1:{PORT}, for example. Unset, the service listens on all"
        " addresses.",
    )


def needed(environ: Mapping[str, str], name: str) -> str:
    """That variable. ConfigurationError: it is not set."""
    if value := environ.get(name):
        return value
    raise ConfigurationError(
        f"{name} is not set.",
        hint="This command runs as a JupyterHub service: see `jupyter_auth.hub_config`.",
    )


def prefix_of(environ: Mapping[str, str]) -> str:
    """Where the Hub's proxy has the service: a replica elsewhere knows it from the name alone."""
    if environ.get("JUPYTERHUB_SSL_KEYFILE"):
        raise ConfigurationError(
            "The service does not work on a JupyterHub with internal_ssl.",
            hint="Switch c.JupyterHub.internal_ssl off, or use jupyter_auth without the service.",
        )
    name, base = environ.get("JUPYTERHUB_SERVICE_NAME"), environ.get("JUPYTERHUB_BASE_URL", "")
    if name and not environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return f"{base.rstrip('/')}/services/{name}/"
    return needed(environ, "JUPYTERHUB_SERVICE_PREFIX")


class StartingApp(Router):
    """Where all requests come in: to the service, once there is one."""

    def __init__(self, place: ListenAddress) -> None:
        self._reason = AuthError("It has just started.")
        self._within: Router = web.Application(
            [
                (
                    rf"{place.prefix}static/(.*)",
                    web.StaticFileHandler,
                    {"path": str(render.STATIC)},
                ),
                (r".*", _NotReady, {"app": self, "place": place}),
            ],
            log_function=lambda _: None,
        )

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """As in ``Router``."""
        return self._within.find_handler(request, **kwargs)

    def open(self, service: Router) -> None:
        """From now on it is the service that answers."""
        self._within = service

    @property
    def reason(self) -> str:
        """Why there is no service yet, for the administrator."""
        return str(self._reason)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """What ``call`` returns, once it does. Until then its error is the reason."""
        tries = Backoff(FIRST, LONGEST)
        while True:
            try:
                return await call()
            except AuthError as error:
                self._say(error)
            except Exception:  # noqa: BLE001 (it would take the Hub down)
                if self.reason != str(_UNFORESEEN):
                    _log.exception("The start of the service failed")
                self._say(_UNFORESEEN)
            await asyncio.sleep(tries.pause())

    def _say(self, error: AuthError) -> None:
        if str(error) != self.reason:
            _log.error("The service is not ready yet and keeps trying. %s", error)
        self._reason = error


_UNFORESEEN = AuthError("Its start failed unexpectedly.", hint="See its log.")


class _NotReady(web.RequestHandler):
    """Everybody hears that it is not their fault; whoever runs the service, why."""

    def initialize(self, app: StartingApp, place: ListenAddress) -> None:
        self._app = app
        self._place = place

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", POLICY)

    def prepare(self) -> None:
        """Every method, on every path."""
        path = self.request.path.removeprefix(self._place.prefix)
        if path == "health":
            self.finish({"status": "ok"})
            return
        error = BrokerUnavailable(
            "The Hub's sign-in service is not ready yet.",
            hint="Nothing is lost. Try again in a moment, or ask the Hub's administrator.",
            retry_after=AGAIN,
        )
        # The Hub asks for the prefix itself until that is no 5xx: it never is a page.
        refuse(self, error)
        if not path:
            self.set_status(NOT_FOUND)
        if path == "ready":
            self.finish({"status": self._app.reason})
        elif self.request.method == "POST" or path.startswith("api/"):
            self.finish(error.to_wire())
        elif self.request.query:
            # A provider's answer, perhaps: as ever the code leaves the address bar.
            self.redirect(f"{self._place.prefix}problem/failed", status=SEE_OTHER)
        else:
            outcome = render.Outcome("warning", "Not yet", error.message, error.hint)
            base_url = self._place.prefix.removesuffix(PREFIX)
            static = f"{self._place.prefix}static/"
            self.finish(
                render.render("problem", base_url, static, self._place.home, outcome=outcome)
            )
