"""A page that a browser leaves for the provider: the redirect URI, and what binds the browser."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.server.broker.redirect.loopback import LoopbackCallback
from jupyter_auth.server.broker.redirect.uri import moved, redirect_route
from jupyter_auth.server.browser.page_handler import ConfirmingPage

if TYPE_CHECKING:
    from jupyter_auth.core.models import Login
    from jupyter_auth.server.broker.redirect.uri import RedirectRoute


class LeavingPage(ConfirmingPage):
    """A page that a browser leaves for the provider."""

    async def leave(self, login: Login, origin: str, *, by_hand: bool) -> dict[str, Any]:
        """``by_hand``: the page stays, and takes the URL that another tab ends on."""
        callback_path = self.broker.callback_path(login.provider)
        route = await self.redirect_route(login, origin)
        twin = route.twin and not self.broker.on_hub
        if route.move_to and not twin:
            return {"url": route.move_to}
        own = (self.broker.hub_origin or origin) + self.broker.redirect_path(login.provider)
        there, back = "", LoopbackCallback(login.id, "", origin + callback_path)
        if route.listen:
            there = await self._listen(route, own, back, by_hand=by_hand)
        url, binding = await self.broker.open(login, there or route.redirect_uri, self.user)
        if twin:
            at = urlsplit(route.redirect_uri).path
            self.broker.forwards.keep(at, binding.name, back.callback)
        if there:
            back = dataclasses.replace(back, binding=binding.name)
            await self.broker.listen_at(route.redirect_uri, back)
        name, path = self.broker.known_browsers.cookie(binding.name, callback_path)
        self.set_cookie(
            name,
            binding.value,
            path=path,
            max_age=int(LIFETIME),
            httponly=True,
            samesite="Lax",
            secure=origin.startswith("https:"),
        )
        return {"url": url, "by_hand": route.by_hand or (by_hand and route.listen)}

    async def redirect_route(self, login: Login, origin: str) -> RedirectRoute:
        """See ``redirect_route``: of this login, for a browser at ``origin``."""
        provider = await self.broker.configured(login.provider)
        return redirect_route(
            origin,
            self.broker.public_origin,
            self.broker.redirect_path(login.provider),
            self.broker.login_path(login.id),
            provider.redirect_uri,
            hub=self.broker.hub_origin,
            loopback=provider.loopback,
        )

    async def _listen(
        self, route: RedirectRoute, own: str, back: LoopbackCallback, *, by_hand: bool
    ) -> str:
        """The redirect URI of a listener; "": the answer must be pasted. Else this raises."""
        try:
            return await self.broker.listen_at(route.redirect_uri, back)
        except ConfigurationError as error:
            if by_hand:
                return ""
            raise moved(route.redirect_uri, own) or error from None
