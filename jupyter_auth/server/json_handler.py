"""Makes the handlers of both APIs, kernel and browser, from the table of routes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tornado import web

from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.http_errors import error_of, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.common.routes import Route
    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.server.broker.broker import Broker


class JSONHandler(web.RequestHandler):
    """A JSON handler. ``routes`` are those of its path, by HTTP method."""

    broker: Broker
    routes: dict[str, Route]
    origin: str | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return {name: self.get_query_argument(name) for name in self.request.query_arguments}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        return request_parsing.json_object(self.request.body)

    async def call(self, *names: str) -> None:
        """Answer with what the broker returns; ``names`` are those in the path."""
        route = self.routes[self.request.method or ""]
        given = {each: getattr(self, each) for each in route.takes}
        self.answer(await self.broker.call(route, *names, **given), route.status)

    def answer(self, data: dict[str, Any], status: int = 200) -> None:
        """End with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(data))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as JSON with code, message and hint."""
        error = error_of(status_code, kwargs.get("exc_info"))
        refuse(self, error, status_code)
        self.answer(self.told(error), self.get_status())

    def told(self, error: AuthError) -> dict[str, Any]:
        """The JSON of an error."""
        return error.to_wire()


def handlers(
    base: type[JSONHandler],
    read: Callable[..., Any],
    write: Callable[..., Any],
    *,
    browser: bool = False,
) -> list[tuple[str, type[JSONHandler]]]:
    """Pattern and handler for each path, of the browser API only or of all routes."""
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES.values():
        if route.browser or not browser:
            paths.setdefault(route.pattern, {})[route.method] = route
    made = []
    for pattern, routes in paths.items():
        methods = {name.lower(): read if name == "GET" else write for name in routes}
        made.append((pattern, type(base.__name__, (base,), {"routes": routes, **methods})))
    return made
