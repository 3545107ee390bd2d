"""The UI door's JSON routes: what front ends and the widget ask. None of them has a token."""

from __future__ import annotations

import json
from typing import Any

from tornado import web

from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.browser.base_handler import UIHandler, may
from jupyter_auth.server.http_errors import error_of, refuse


class APIHandler(UIHandler):
    """JSON in, JSON out, to pages of this server alone."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Jupyter's own checks (host, user, XSRF), then the origin where one is named."""
        await super().prepare()
        self.check_origin()

    def get_login_url(self) -> str:
        """``web.authenticated`` asks for it to redirect there; JSON has no use for a form."""
        raise web.HTTPError(403, "This browser is not signed in to Jupyter")

    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        return request_parsing.json_object(self.request.body)

    def answer(self, data: dict[str, Any], status: int = 200) -> None:
        """End with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(data))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error is an object with code, message and hint."""
        error = error_of(status_code, kwargs.get("exc_info"))
        refuse(self, error, status_code)
        self.answer(error.to_wire(), self.get_status())


class Providers(APIHandler):
    """All providers."""

    @web.authenticated
    @may("read")
    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.providers())


class OneProvider(APIHandler):
    """One provider by name."""

    @web.authenticated
    @may("read")
    async def get(self, name: str) -> None:
        """What a person may know of it."""
        self.answer(await self.broker.provider(name))


class Accounts(APIHandler):
    """Who is signed in."""

    @web.authenticated
    @may("read")
    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.accounts())

    @web.authenticated
    @may("write")
    async def delete(self) -> None:
        """Sign one out."""
        self.answer(await self.broker.logout(self.query()))


class Usage(APIHandler):
    """What kernels saw of the limits of APIs."""

    @web.authenticated
    @may("read")
    async def get(self) -> None:
        """List it."""
        self.answer(await self.broker.limits())


class Logins(APIHandler):
    """Logins under way."""

    @web.authenticated
    @may("read")
    async def get(self) -> None:
        """List them."""
        self.answer(await self.broker.logins())

    @web.authenticated
    @may("write")
    async def post(self) -> None:
        """Begin one, or join it."""
        self.answer(await self.broker.begin(self.body()), 201)


class OneLogin(APIHandler):
    """One login by id."""

    @web.authenticated
    @may("read")
    async def get(self, login_id: str) -> None:
        """How it stands."""
        self.answer(await self.broker.login(login_id))

    @web.authenticated
    @may("write")
    async def delete(self, login_id: str) -> None:
        """Cancel or leave it."""
        self.answer(await self.broker.end(login_id, self.query()))


class Doctor(APIHandler):
    """What this server finds; the redirect URI is exact here, a browser asks."""

    @web.authenticated
    @may("read")
    async def get(self) -> None:
        """Of the server, or of one provider."""
        origin = f"{self.request.protocol}://{self.request.host}"
        self.answer(await self.broker.examine(self.query(), origin))


ROUTES: list[tuple[str, type[UIHandler]]] = [
    (r"/jupyter-auth/api/v1/providers", Providers),
    (r"/jupyter-auth/api/v1/providers/([^/]+)", OneProvider),
    (r"/jupyter-auth/api/v1/accounts", Accounts),
    (r"/jupyter-auth/api/v1/usage", Usage),
    (r"/jupyter-auth/api/v1/logins", Logins),
    (r"/jupyter-auth/api/v1/logins/([^/]+)", OneLogin),
    (r"/jupyter-auth/api/v1/doctor", Doctor),
]
