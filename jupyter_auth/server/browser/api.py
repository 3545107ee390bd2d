"""JSON for front ends and the widget. No answer holds a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from jupyter_auth.core.common.override import override
from jupyter_auth.server.browser.base_handler import UIHandler, may
from jupyter_auth.server.browser.render import hint
from jupyter_auth.server.json_handler import JSONHandler, handlers

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError


class APIHandler(JSONHandler, UIHandler):
    """JSON for pages of this server only."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Jupyter's own checks (host, user, XSRF), then the origin if there is one.

        A read that has a ``Referer`` alone is refused like the changes that will follow.
        """
        await super().prepare()
        self.check_origin()
        if referer := self.request.headers.get("Referer"):
            self._checked(referer)

    def get_login_url(self) -> str:
        """Answer 403 where ``web.authenticated`` would redirect to a login form."""
        raise web.HTTPError(403, "This browser is not signed in to Jupyter")

    @override
    def told(self, error: AuthError) -> dict[str, Any]:
        return super().told(error) | {"hint": hint(error)}

    @property
    def origin(self) -> str:  # type: ignore[override]
        """The browser's origin: a redirect URI made from it is exact."""
        return self.guessed_origin()


@web.authenticated
@may("read")
async def _read(handler: APIHandler, *names: str) -> None:
    await handler.call(*names)


@web.authenticated
@may("write")
async def _write(handler: APIHandler, *names: str) -> None:
    await handler.call(*names)


ROUTES = [
    (f"/jupyter-auth{pattern}", handler)
    for pattern, handler in handlers(APIHandler, _read, _write, browser=True)
]
