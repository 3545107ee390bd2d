"""Signs a browser in where the provider knows it already (OIDC Core 3.1.2.1, ``prompt=none``).

The browser goes there itself: these pages are in no frame, and neither are a provider's. However
that ends, it goes on to ``next``. A provider that asks for a person's login or consent says so by
an error, which no one is shown: the button to sign in is still there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tornado import web

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.login.openings import digest
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.onward import leads_to
from jupyter_auth.server.browser.base_handler import may
from jupyter_auth.server.browser.leaving_page import LeavingPage
from jupyter_auth.server.browser.page_handler import SEE_OTHER
from jupyter_auth.server.http_errors import BAD_REQUEST


class ArrivePage(LeavingPage):
    """Leaves for the provider once in a browser session, if it may leave without a click."""

    @web.authenticated
    @may("read")
    async def get(self, provider: str) -> None:
        """Show the page that leaves: see ``post``. Otherwise go on at once."""
        self.xsrf_token  # noqa: B018 (sets the cookie that the page's script needs)
        onward = self._checked_path(self.get_query_argument("next", ""))
        secure = self.guessed_origin().startswith("https:")
        due = provider in await self.broker.silent() and not self._has_been_there(provider)
        if not due or not self.broker.known_browsers.may_arrive(self, secure=secure):
            return self.redirect(onward, status=SEE_OTHER)
        name, path = self._cookie_of(provider)
        self.set_cookie(name, "1", path=path, httponly=True, samesite="Lax", secure=secure)
        info = await self.broker.provider_info(provider)
        return self.show("arrive", provider=info, onward=onward)

    @web.authenticated
    @may("write")
    async def post(self, provider: str) -> None:
        """Called by the page's script: answers the next URL, and sets the binding cookie."""
        origin = self.require_own_origin()
        body = request_parsing.json_object(self.request.body)
        onward = self._checked_path(request_parsing.required(body, "next"))
        # Without the cookie it would leave each time that it comes.
        due = self._has_been_there(provider) and provider in await self.broker.silent()
        self.finish(await self._next(provider, onward, origin) if due else {"url": onward})

    async def _next(self, provider: str, onward: str, origin: str) -> dict[str, Any]:
        """The URL to go to: the provider's; ``onward`` if there is none or the way back is long."""
        try:
            login = await self.broker.arrive(provider, onward)
            answer = await self.leave(login, origin, by_hand=False)
        except AuthError as error:
            self.log.info("Not signed in at %s without a click: %s", provider, error.message)
            return {"url": onward}
        return {"url": onward} if answer.get("by_hand") else answer

    def _checked_path(self, path: str) -> str:
        """``path``, which leads to this server, or on a Hub to another one of its owner."""
        roots = [self.base_url]
        if users := self.settings.get("jupyter_auth_users"):
            roots.append(f"{users}{quote(self.user, safe='@~')}/")
        if not any(leads_to(root, path) for root in roots):
            raise web.HTTPError(BAD_REQUEST, "`next` is not a path of this Jupyter server")
        return path

    def _has_been_there(self, provider: str) -> bool:
        return self.get_cookie(self._cookie_of(provider)[0]) is not None

    def _cookie_of(self, provider: str) -> tuple[str, str]:
        """Name and path of the session cookie that says that the browser has been there."""
        place = digest(f"{self.request.host}{self.base_url}{provider}")[:16]
        path = f"{self.base_url}{PREFIX}arrive"
        return self.broker.known_browsers.cookie(f"jupyter-auth-arrived-{place}", path)
