"""The kernel API's handlers. Each request is authenticated first, whatever its route."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from typing import TYPE_CHECKING, Protocol

from tornado import web

from jupyter_auth.core import wire
from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.server.json_handler import JSONHandler, handlers

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.httputil import HTTPServerRequest

    from jupyter_auth.core.secret import Secret
    from jupyter_auth.server.broker.broker import Broker

_log = logging.getLogger("jupyter_auth")


class KernelAuthenticator(Protocol):
    """Decides who may use the kernel API."""

    async def broker(self, request: HTTPServerRequest) -> Broker:
        """The broker of the accounts that this request may use. BrokerUnavailable: none."""


class SocketKeyAuthenticator(KernelAuthenticator):
    """One broker, for requests that carry this server's socket key."""

    def __init__(self, broker: Broker, key: Secret) -> None:
        self._broker = broker
        self._key = key

    @override
    async def broker(self, request: HTTPServerRequest) -> Broker:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {self._key.reveal()}".encode()):
            raise BrokerUnavailable(
                "The socket key is not this server's.", hint="Was the Jupyter server restarted?"
            )
        return self._broker


def refuse_browsers(request: HTTPServerRequest) -> None:
    """Raise BrokerUnavailable for a request with headers that only browsers send."""
    headers = request.headers
    if "Origin" in headers or any(name.lower().startswith("sec-fetch-") for name in headers):
        raise BrokerUnavailable("The kernel API is not for browsers.")


class KernelHandler(JSONHandler):
    """An authenticated request of a kernel. Browsers are refused."""

    def initialize(self, authenticator: KernelAuthenticator) -> None:
        """Called by tornado with the route's arguments."""
        self._authenticator = authenticator
        self.gone = asyncio.Event()

    def set_default_headers(self) -> None:
        """No cache keeps a token; both sides send their version."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header(wire.VERSION_HEADER, str(wire.VERSION))

    async def prepare(self) -> None:
        """Refuse browsers, unauthenticated requests and other versions."""
        refuse_browsers(self.request)
        self.broker = await self._authenticator.broker(self.request)
        try:
            wire.check_version(self.request.headers.get(wire.VERSION_HEADER), "kernel")
        except ValueError:
            raise BrokerUnavailable("The kernel's protocol version is not a number.") from None

    def on_connection_close(self) -> None:
        """Release a long poll whose client has disconnected."""
        self.gone.set()

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log bugs only: the kernel shows all other errors."""
        if not isinstance(value, AuthError | web.HTTPError) and typ and value:
            where = f"{self.request.method} {self.request.path}"
            _log.error("The kernel API failed at %s", where, exc_info=(typ, value, tb))


class NotFoundHandler(KernelHandler):
    """404 for other paths, after authentication: without it not even that is revealed."""

    @override
    async def prepare(self) -> None:
        await super().prepare()
        raise web.HTTPError(404, "No such route.")


async def _call(handler: KernelHandler, *names: str) -> None:
    await handler.call(*names)


ROUTES = handlers(KernelHandler, _call, _call)


def kernel_application(authenticator: KernelAuthenticator, prefix: str = "") -> web.Application:
    """The routes under ``prefix``, without an access log."""
    given = {"authenticator": authenticator}
    return web.Application(
        [(re.escape(prefix) + pattern, handler, given) for pattern, handler in ROUTES],
        default_handler_class=NotFoundHandler,
        default_handler_args=given,
        log_function=lambda _: None,
    )
