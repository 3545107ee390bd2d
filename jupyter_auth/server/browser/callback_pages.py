"""Where the provider sends the browser back, and where its address is pasted instead."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    BrokerUnavailable,
    LoginExpired,
    LoginFailed,
    LoginOvertaken,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.openings import binding_name
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import may
from jupyter_auth.server.browser.page_handler import SEE_OTHER, ConfirmingPage
from jupyter_auth.server.http_errors import FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_auth.core.models import Login


def signed_in(
    method: Callable[[CallbackPage, str], Awaitable[None]],
) -> Callable[[CallbackPage, str], Awaitable[None]]:
    """``web.authenticated`` without a login page whose ``next`` would hold the code."""

    @functools.wraps(method)
    async def inner(self: CallbackPage, provider: str) -> None:
        if self.current_user:
            await method(self, provider)
        else:
            self.see_other("signed-out")

    return inner


class CallbackHandler(ConfirmingPage):
    """Takes an authorization response (RFC 6749 4.1.2), redirected or pasted."""

    async def complete(self, provider: str, params: dict[str, str]) -> Login:
        """Finish the login, and drop its binding cookie."""
        if not params.get("state") and "error" in params:  # words to show: nothing is finished
            cookies = {name: each.value for name, each in self.cookies.items()}
            words = AuthorizationResponse(provider, params, cookies, self.user, None)
            return await self.broker.finish(words)
        binding = binding_name(params.get("state", ""))
        name, path = self.broker.known_browsers.cookie(binding, self.broker.callback_path(provider))
        bindings = {binding: self.get_cookie(name, "")}
        if bindings[binding]:
            self.clear_cookie(name, path=path, secure=self.broker.known_browsers.host_only)
        proof = self.new_proof()
        known = proof.digest if proof else None
        response = AuthorizationResponse(provider, params, bindings, self.user, known)
        login = await self.broker.finish(response)
        self.hand_out(proof, login, self.guessed_origin())
        return login


class CallbackPage(CallbackHandler):
    """The redirect URI (RFC 6749 4.1.2). It answers any query with 303 to a URL without one.

    So the code leaves the address bar, the history and every log but this server's, which hides it.
    """

    async def prepare(self) -> None:  # type: ignore[override]
        """Send on what began elsewhere on this machine, and may not be signed in to Jupyter."""
        await super().prepare()
        if self.request.method == "GET" and not self._finished:
            forwards = getattr(self.broker, "forwards", None)  # a Hub service has none
            where = self.request.host, self.request.path, self.request.query
            if to := forwards and forwards.find(*where):
                self.redirect(to, status=SEE_OTHER)

    @allow_unauthenticated
    @signed_in
    @may("write")
    async def get(self, provider: str) -> None:
        """Finish the login. The request is cross-site by design."""
        if self.request.query:
            login = await self.complete(provider, self._params())
            self.see_other(f"login/{login.id}")
        else:  # what came may be in the fragment: the page's script asks for it as a query
            self.show_outcome(render.PROBLEMS["expired"], page="fragment")

    def _params(self) -> dict[str, str]:
        """The query's parameters, none of them twice (RFC 6749 3.1)."""
        given = self.request.query_arguments
        if any(len(values) > 1 for values in given.values()):
            raise web.HTTPError(400)
        return {name: values[0].decode("utf-8", "replace") for name, values in given.items()}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Redirect to the page for the error: this URL holds the code."""
        match (kwargs.get("exc_info") or (None, None))[1]:
            case LoginExpired():
                reason = "expired"
            case LoginOvertaken():
                reason = "overtaken"
            case LoginFailed():
                reason = "foreign"
            case ProviderUnavailable():
                reason = "busy"
            case BrokerUnavailable():
                reason = "away"
            case _:
                reason = "forbidden" if status_code == FORBIDDEN else "failed"
        self.see_other(f"problem/{reason}")


class PastedURLPage(CallbackHandler):
    """Takes the URL on which a browser ended that could not come back."""

    @web.authenticated
    @may("write")
    async def post(self, provider: str) -> None:
        """Called by the login page's script, below the callback's path for the binding cookie."""
        # Imports oauthlib: not at server start.
        from jupyter_auth.core.protocol.pasted_code import redirected

        self.require_own_origin()
        body = request_parsing.json_object(self.request.body)
        address = request_parsing.secret(body, "address")
        asked = await self.broker.login_info(request_parsing.required(body, "login"))
        fixed = (await self.broker.configured(asked.provider)).redirect_uri or ""
        login = await self.complete(provider, redirected(address.reveal(), fixed))
        self.finish({"url": self.broker.login_path(login.id)})
