"""The routes of the broker API: the table that handlers, forwarder and client are made from.

``openapi.yaml`` describes each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "api/v1/"
NAME = re.compile(r"\{\w+\}")  # in a path: an argument of the call


@dataclass(frozen=True)
class Route:
    """The method ``call`` of a broker over HTTP; ``path`` is relative to ``API``.

    ``takes``: the arguments of ``call`` besides the names in the path; ``origin`` is that of the
    browser, ``gone`` an event that is set once the caller has left. ``browser``: the browser API
    has the route too. ``status`` is that of a successful response.
    """

    call: str
    method: str
    path: str
    takes: tuple[Literal["query", "body", "origin", "gone"], ...] = ()
    browser: bool = False
    status: int = 200

    @property
    def pattern(self) -> str:
        """A regular expression for the path of a request, with a group for each name."""
        return NAME.sub("([^/]+)", f"/{API}{self.path}")

    def address(self, *names: str, query: Mapping[str, Any] | None = None) -> str:
        """The URL of a request, relative to ``API``."""
        path = NAME.sub("{}", self.path).format(*(quote(name, safe="") for name in names))
        return f"{path}?{urlencode(query)}" if query else path


ROUTES = {
    route.call: route
    for route in (
        Route("providers", "GET", "providers", ("query",), browser=True),
        Route("add", "POST", "providers", ("body",), status=201),
        Route("find", "POST", "discoveries", ("body",), browser=True, status=201),
        Route("provider", "GET", "providers/{name}", browser=True),
        Route("remove", "DELETE", "providers/{name}", browser=True),
        Route("register", "PUT", "providers/{name}", ("body",)),
        Route("configuration", "GET", "providers/{name}/configuration"),
        Route("accounts", "GET", "accounts", browser=True),
        Route("logout", "DELETE", "accounts", ("query",), browser=True),
        Route("consents", "GET", "consents", browser=True),
        Route("revoke_consent", "DELETE", "consents", ("query",), browser=True),
        Route("logins", "GET", "logins", browser=True),
        Route("begin", "POST", "logins", ("body",), browser=True, status=201),
        Route("login", "GET", "logins/{login_id}", browser=True),
        Route("end", "DELETE", "logins/{login_id}", ("query",), browser=True),
        Route("forward", "POST", "forwards", ("body",), status=201),
        Route("token", "POST", "token", ("body",)),
        Route("client_logout", "DELETE", "token", ("query",)),
        Route("import_accounts", "POST", "imports", ("body",)),
        Route("limits", "GET", "usage", browser=True),
        Route("usage", "POST", "usage", ("body",)),
        Route("changes", "GET", "changes", ("query", "gone")),
        Route("examine", "GET", "doctor", ("query", "origin"), browser=True),
    )
}
