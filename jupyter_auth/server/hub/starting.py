"""Answers while the service cannot start yet: a Hub would stop if the service did not answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from tornado import web
from tornado.routing import Router

from jupyter_auth.core.common.backoff import Backoff
from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, ConfigurationError, Outcome
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import HEADERS, POLICY
from jupyter_auth.server.browser.page_handler import SEE_OTHER
from jupyter_auth.server.http_errors import refuse
from jupyter_auth.server.hub.config import KERNEL_URL, PORT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

    T = TypeVar("T")

FIRST, LONGEST = 1.0, 30.0  # seconds between tries, at most
AGAIN = 2.0  # seconds until a refused request may be repeated
NOT_FOUND = 404

_log = logging.getLogger("jupyter_auth")


class ListenAddress(NamedTuple):
    """The path of the service, with slashes at both ends, and the URLs where it listens.

    ``kernels``: the one for kernels, if that is another.
    """

    prefix: str
    address: SplitResult
    home: str
    kernels: SplitResult | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ListenAddress:
        """From the environment that the Hub gives its service."""
        name, kernel_url = "JUPYTERHUB_SERVICE_URL", environ.get(KERNEL_URL)
        address = _address(name, environ.get(name) or f"http://:{PORT}")
        kernels = _address(KERNEL_URL, kernel_url) if kernel_url else None
        if kernels and port_of(kernels) == port_of(address):
            raise ConfigurationError(
                f"{KERNEL_URL} and {name} have the same port, {port_of(address)}.",
                hint="Give `kernel_url` of `hub_config` a port of its own, such as"
                f" {port_of(address) + 1}.",
            )
        return cls(
            prefix=prefix_of(environ),
            address=address,
            home=f"{environ.get('JUPYTERHUB_BASE_URL', '/')}hub/home",
            kernels=kernels,
        )


def port_of(address: SplitResult) -> int:
    """Where the service listens, which speaks http."""
    return address.port or 80


def _address(name: str, url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        if address.scheme in {"http", "https"} and address.port != 0:
            return address
    except ValueError:  # a port that is not a number, say
        pass
    raise ConfigurationError(
        f"{name} is {url!r}, which is not an address to listen on.",
        hint=f"Set it to http://127.0.0.1:{PORT}, for example. Without JUPYTERHUB_SERVICE_URL the"
        " service listens on all addresses.",
    )


def needed(environ: Mapping[str, str], name: str) -> str:
    """The variable's value. ConfigurationError: it is not set."""
    if value := environ.get(name):
        return value
    raise ConfigurationError(
        f"{name} is not set.",
        hint="This command runs as a JupyterHub service: see `jupyter_auth.hub_config`.",
    )


def prefix_of(environ: Mapping[str, str]) -> str:
    """The service's path on the Hub's proxy; a replica elsewhere derives it from the name."""
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
    """Routes all requests: to the service, once there is one."""

    def __init__(self, place: ListenAddress) -> None:
        self._reason = AuthError("It has just started.")
        self._within: Router = web.Application(
            [
                (f"{place.prefix}static/(.*)", web.StaticFileHandler, {"path": str(render.STATIC)}),
                (".*", _NotReady, {"app": self, "place": place}),
            ],
            log_function=lambda _: None,
        )

    @override
    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        return self._within.find_handler(request, **kwargs)

    def open(self, service: Router) -> None:
        """Let the service answer from now on."""
        self._within = service

    @property
    def reason(self) -> str:
        """Why the service has not started yet, for the administrator."""
        return str(self._reason)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds, and return the result. Until then its error is the reason."""
        tries = Backoff(FIRST, LONGEST)
        while True:
            try:
                return await call()
            except AuthError as error:
                self._say(error)
            except Exception:  # noqa: BLE001 (it would stop the Hub)
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
    """Answers all requests with 503, and ``ready`` with the reason."""

    def initialize(self, app: StartingApp, place: ListenAddress) -> None:
        self._app = app
        self._place = place

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", POLICY)

    def prepare(self) -> None:
        """Answer every method on every path."""
        path = self.request.path.removeprefix(self._place.prefix)
        if path == "health":
            self.finish({"status": "ok"})
            return
        error = BrokerUnavailable(
            "The Hub's sign-in service is not ready yet.",
            hint="You're still signed in. Try again shortly, or ask the Hub's administrator.",
            retry_after=AGAIN,
        )
        # The Hub asks for the prefix itself until that is not a 5xx: there is no page there.
        refuse(self, error)
        if not path:
            self.set_status(NOT_FOUND)
        if path == "ready":
            self.finish({"status": self._app.reason})
        elif self.request.method == "POST" or path.startswith("api/"):
            self.finish(error.to_wire())
        elif self.request.query:
            # Perhaps a provider's answer: the code must leave the address bar.
            self.redirect(f"{self._place.prefix}problem/failed", status=SEE_OTHER)
        else:
            outcome = Outcome("Not ready yet", error.message, "warning")
            prefix, home = self._place.prefix, self._place.home
            base_url, static = prefix.removesuffix(PREFIX), f"{prefix}static/"
            self.finish(
                render.render("problem", base_url, static, home, outcome=outcome, hint=error.hint)
            )
