"""The kernel door's routes. Its gate is asked before anything else, on every route and verb."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Protocol

from tornado import web

from jupyter_auth.core import wire
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.http_errors import error_of, refuse

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.httputil import HTTPServerRequest

    from jupyter_auth.core.secret import Secret
    from jupyter_auth.server.broker.broker import Broker

_log = logging.getLogger("jupyter_auth")


class Gate(Protocol):
    """Who may pass."""

    async def broker(self, request: HTTPServerRequest) -> Broker:
        """That of the accounts which this request may use. BrokerUnavailable: none."""


class KeyGate:
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


class KernelHandler(web.RequestHandler):
    """A request of a kernel, which its gate lets pass, and with nothing of a browser's."""

    broker: Broker

    def initialize(self, gate: Gate) -> None:
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

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        return request_parsing.json_object(self.request.body)

    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}

    def answer(self, data: dict[str, Any], status: int = 200) -> None:
        """End with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(data))

    def on_connection_close(self) -> None:
        """Whoever waited has left."""
        self.gone.set()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error is an object with code, message and hint."""
        error = error_of(status_code, kwargs.get("exc_info"))
        refuse(self, error, status_code)
        self.answer(error.to_wire(), self.get_status())

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


class NotFound(KernelHandler):
    """Whatever is no route; strangers do not even learn that."""

    async def prepare(self) -> None:
        """As everywhere, then 404."""
        await super().prepare()
        raise web.HTTPError(404, "There is no such route.")


class Providers(KernelHandler):
    """All providers."""

    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.providers())

    async def post(self) -> None:
        """Write one down for good."""
        self.answer(await self.broker.add(self.body()), 201)


class OneProvider(KernelHandler):
    """One provider by name."""

    async def get(self, name: str) -> None:
        """What a kernel may know of it."""
        self.answer(await self.broker.provider(name))

    async def put(self, name: str) -> None:
        """A kernel's own provider."""
        self.answer(await self.broker.register(name, self.body()))


class Configuration(KernelHandler):
    """All that is configured of one provider, but for its client secrets."""

    async def get(self, name: str) -> None:
        """For a kernel that has a client secret of its own."""
        self.answer(await self.broker.configuration(name))


class Accounts(KernelHandler):
    """Who is signed in."""

    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.accounts())

    async def delete(self) -> None:
        """Sign one out."""
        self.answer(await self.broker.logout(self.query()))


class Logins(KernelHandler):
    """Logins under way."""

    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.logins())

    async def post(self) -> None:
        """Begin one, or join it."""
        self.answer(await self.broker.begin(self.body()), 201)


class OneLogin(KernelHandler):
    """One login by id."""

    async def get(self, login_id: str) -> None:
        """How it stands."""
        self.answer(await self.broker.login(login_id))

    async def delete(self, login_id: str) -> None:
        """Cancel or leave it."""
        self.answer(await self.broker.end(login_id, self.query()))


class Token(KernelHandler):
    """Tokens, on this door alone."""

    async def post(self) -> None:
        """The account's token, refreshed first where it has to be."""
        self.answer(await self.broker.token(self.body()))

    async def delete(self) -> None:
        """A service account's: forget and revoke it."""
        self.answer(await self.broker.client_logout(self.query()))


class Imports(KernelHandler):
    """Other packages' sign-ins."""

    async def post(self) -> None:
        """Take them over."""
        self.answer(await self.broker.import_accounts(self.body()))


class Usage(KernelHandler):
    """What kernels see of the limits of APIs."""

    async def get(self) -> None:
        """All of it."""
        self.answer(await self.broker.limits())

    async def post(self) -> None:
        """What one kernel saw."""
        self.answer(await self.broker.usage(self.body()))


class Doctor(KernelHandler):
    """What this side of the door finds."""

    async def get(self) -> None:
        """Of the server, or of one provider."""
        self.answer(await self.broker.examine(self.query()))


class ChangesSince(KernelHandler):
    """The long poll."""

    async def get(self) -> None:
        """What happened after a sequence number."""
        found = await self.broker.changes(self.query(), self.gone)
        if not self.gone.is_set():
            self.answer(found)


ROUTES: list[tuple[str, type[KernelHandler]]] = [
    (r"/api/v1/providers", Providers),
    (r"/api/v1/providers/([^/]+)", OneProvider),
    (r"/api/v1/providers/([^/]+)/configuration", Configuration),
    (r"/api/v1/accounts", Accounts),
    (r"/api/v1/logins", Logins),
    (r"/api/v1/logins/([^/]+)", OneLogin),
    (r"/api/v1/token", Token),
    (r"/api/v1/imports", Imports),
    (r"/api/v1/usage", Usage),
    (r"/api/v1/changes", ChangesSince),
    (r"/api/v1/doctor", Doctor),
]


def kernel_application(gate: Gate, prefix: str = "") -> web.Application:
    """The routes under ``prefix``, for kernels alone. It writes no access log."""
    given = {"gate": gate}
    return web.Application(
        [(re.escape(prefix) + pattern, handler, given) for pattern, handler in ROUTES],
        default_handler_class=NotFound,
        default_handler_args=given,
        log_function=lambda _: None,
    )
