"""The kernel API's handlers. Their gate is asked before anything else, whatever the route."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from typing import TYPE_CHECKING, Protocol

from tornado import web

from jupyter_auth.core import wire
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.server.json_handler import JSONHandler, handlers

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.httputil import HTTPServerRequest

    from jupyter_auth.core.secret import Secret
    from jupyter_auth.server.broker.broker import Broker

_log = logging.getLogger("jupyter_auth")


class KernelAuthenticator(Protocol):
    """Who may pass."""

    async def broker(self, request: HTTPServerRequest) -> Broker:
        """That of the accounts which this request may use. BrokerUnavailable: none."""


class SocketKeyAuthenticator:
    """One broker, for whoever has this server's key."""

    def __init__(self, broker: Broker, key: Secret) -> None:
        self._broker = broker
        self._key = key

    async def broker(self, request: HTTPServerRequest) -> Broker:
        """As in the protocol; the key is compared in constant time."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {self._key.reveal()}".encode()):
            raise BrokerUnavailable(
                "The key is not this server's.", hint="Was the Jupyter server started anew?"
            )
        return self._broker


class KernelHandler(JSONHandler):
    """A request of a kernel, which its gate lets pass, and with nothing of a browser's."""

    def initialize(self, gate: KernelAuthenticator) -> None:
        """What the route table gives."""
        self._gate = gate
        self.gone = asyncio.Event()

    def set_default_headers(self) -> None:
        """No cache keeps a token; both sides send their version."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header(wire.VERSION_HEADER, str(wire.VERSION))

    async def prepare(self) -> None:
        """Browsers, strangers and other versions go no further."""
        headers = self.request.headers
        if "Origin" in headers or any(name.lower().startswith("sec-fetch-") for name in headers):
            raise BrokerUnavailable("This door is not for browsers.")
        self.broker = await self._gate.broker(self.request)
        try:
            wire.check_version(headers.get(wire.VERSION_HEADER), "kernel")
        except ValueError:
            raise BrokerUnavailable("The kernel's version of the wire is not a number.") from None

    def on_connection_close(self) -> None:
        """Whoever waited has left."""
        self.gone.set()

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """What is foreseen is the kernel's to tell; the rest is a bug of ours."""
        if not isinstance(value, AuthError | web.HTTPError) and typ and value:
            where = f"{self.request.method} {self.request.path}"
            _log.error("The kernel door failed at %s", where, exc_info=(typ, value, tb))


class NotFoundHandler(KernelHandler):
    """Whatever is no route; strangers do not even learn that."""

    async def prepare(self) -> None:
        """As everywhere, then 404."""
        await super().prepare()
        raise web.HTTPError(404, "There is no such route.")


async def _call(handler: KernelHandler, *names: str) -> None:
    await handler.call(*names)


ROUTES = handlers(KernelHandler, _call, _call)


def kernel_application(gate: KernelAuthenticator, prefix: str = "") -> web.Application:
    """The routes under ``prefix``, for kernels alone. It writes no access log."""
    given = {"gate": gate}
    return web.Application(
        [(re.escape(prefix) + pattern, handler, given) for pattern, handler in ROUTES],
        default_handler_class=NotFoundHandler,
        default_handler_args=given,
        log_function=lambda _: None,
    )
