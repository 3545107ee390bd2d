"""The pages of a login, the callback, and the pages on how it ended."""

from __future__ import annotations

import dataclasses
import functools
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import (
    OUTCOMES,
    AuthError,
    BrokerUnavailable,
    ConfigurationError,
    LoginExpired,
    LoginFailed,
    LoginOvertaken,
    Outcome,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.openings import binding_name
from jupyter_auth.core.provider.client_credentials import install, missing_package
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.known_browsers import BrowserProof
from jupyter_auth.server.broker.loopback_callback import LoopbackCallback
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect_uri import moved, redirect_route
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import UIHandler, may
from jupyter_auth.server.http_errors import FORBIDDEN, error_of, refuse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_auth.core.models import AccountInfo, Login
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.server.broker.redirect_uri import RedirectRoute

SEE_OTHER = 303


class PageHandler(UIHandler):
    """HTML, errors included."""

    def show(self, template: str, status: int = 200, **values: Any) -> None:
        """Finish with a page."""
        self.set_status(status)
        static_url = self.settings.get(
            "jupyter_auth_static", f"{self.base_url}static/jupyter_auth/"
        )
        home = self.settings.get("jupyter_auth_home", self.base_url)
        own = f"{self.request.host} {self.broker.public_origin or ''}"
        self.finish(render.render(template, self.base_url, static_url, home, own=own, **values))

    def show_outcome(self, outcome: Outcome, status: int = 200, page: str = "problem") -> None:
        """Finish with a message only."""
        self.show("problem", status, outcome=outcome, hint=render.hint(outcome), page=page)

    def see_other(self, place: str) -> None:
        """Redirect to a page of ours without a query, so that the address bar has none either."""
        self.redirect(f"{self.base_url}{PREFIX}{place}", status=SEE_OTHER)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as a page, or as JSON for its script, without any of the request."""
        error = error_of(status_code, kwargs.get("exc_info"))
        refuse(self, error, status_code)
        if self.request.method == "POST":
            self.finish(error.to_wire() | {"hint": render.hint(error)})
        else:
            title, tone = OUTCOMES["failed"].title, OUTCOMES["failed"].tone
            outcome = Outcome(title, error.message, tone, error.own_hint, error.next_step)
            self.show_outcome(outcome, self.get_status())


class ConfirmingPage(PageHandler):
    """A page whose account may have to wait for a yes."""

    def new_proof(self) -> BrowserProof | None:
        """A proof for ``hand_out``, or None if this browser is not asked."""
        return BrowserProof() if self.broker.known_browsers.must_ask(self) else None

    def hand_out(self, proof: BrowserProof | None, login: Login, origin: str) -> None:
        """Let only this browser say yes to the login's account."""
        if proof and login.status == "pending":
            path, secure = self.broker.login_path(login.id), origin.startswith("https:")
            proof.give(self, login.id, path, secure=secure)


class LoginPage(ConfirmingPage):
    """One login: while pending it leaves for the provider, else it shows the outcome."""

    @web.authenticated
    @may("read")
    async def get(self, login_id: str) -> None:
        """Show the page, which leaves by itself in a known browser: see ``post``."""
        self.xsrf_token  # noqa: B018 (sets the cookie that the page's script needs)
        try:
            login = await self.broker.login_info(login_id)
        except LoginExpired:
            app = self.settings.get("serverapp")  # none in the Hub service
            gateway = app is not None and app.gateway_config.gateway_enabled
            return self.show_outcome(render.PROBLEMS["gateway" if gateway else "expired"])
        info = await self._provider_info(login.provider)
        if login.status == "pending":
            try:
                return await self._show_pending(login, info)
            except AuthError:
                login = await self.broker.login_info(login_id)
                if login.status == "pending":  # else it ended in the meantime, in another tab
                    raise
        account = await self.broker.account(login) if login.status == "complete" else None
        others, how = await self._others(login), render.ended(login, info.title)
        return self.show(
            "outcome", login=login, provider=info, account=account, others=others, **how
        )

    @web.authenticated
    @may("write")
    async def post(self, login_id: str) -> None:
        """Called by the page's script: answers the next URL, and sets the binding cookie.

        A form's ``Origin`` would be ``null`` under ``no-referrer``.
        """
        self.finish(await self._next(login_id, self.require_own_origin()))

    async def _next(self, login_id: str, origin: str) -> dict[str, Any]:
        """The URL to go to: the provider's, or this page's again."""
        login = await self.broker.login_info(login_id)
        body = request_parsing.json_object(self.request.body)
        if login.candidate and "grant" not in body:
            if "yes" in body:  # else it is from a tab that does not show the candidate
                await self._answered(login, body, origin)
        elif login.grant == "authorization_code" and not {"registration", "grant"} & body.keys():
            return await self._leave(login, origin, by_hand=request_parsing.flag(body, "by_hand"))
        else:
            proof = BrowserProof() if login.grant == "paste" else self.new_proof()
            login = await self.broker.step(login, body, proof.digest if proof else None)
            if proof and await self.broker.asks(login, proof.digest):  # else another tab's counts
                self.hand_out(proof, login, origin)
        return {"url": self.broker.login_path(login.id)}

    async def _answered(self, login: Login, body: dict[str, Any], origin: str) -> None:
        """Store the account, or cancel. LoginFailed: not from the page that asked."""
        if not (yes := request_parsing.text(body, "yes")):
            await self.broker.end(login.id, {})
            return
        proof = BrowserProof.of(self, login.id)
        if proof is None or not hmac.compare_digest(yes.encode(), proof.shown.encode()):
            raise LoginFailed(
                "This page shows an earlier sign-in. Nothing was stored.", hint="Reload the page."
            )
        await self.broker.confirm(login, proof.reveal())
        self.broker.known_browsers.remember(self, secure=origin.startswith("https:"))

    async def _leave(self, login: Login, origin: str, *, by_hand: bool) -> dict[str, Any]:
        """``by_hand``: the page stays, and takes the URL that another tab ends on."""
        callback_path = self.broker.callback_path(login.provider)
        route = await self._redirect_route(login, origin)
        if route.move_to:
            return {"url": route.move_to}
        own = (self.broker.hub_origin or origin) + self.broker.redirect_path(login.provider)
        there, back = "", LoopbackCallback(login.id, "", origin + callback_path)
        if route.listen:
            there = await self._listen(route, own, back, by_hand=by_hand)
        url, binding = await self.broker.open(login, there or route.redirect_uri, self.user)
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

    async def _redirect_route(self, login: Login, origin: str) -> RedirectRoute:
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

    async def _show_pending(self, login: Login, info: ProviderInfo) -> None:
        here, known = urlsplit(self.guessed_origin()), self.broker.known_browsers
        ask = not known.may_leave(self, secure=here.scheme == "https")
        shown: dict[str, Any] = {"login": login, "provider": info, "known_browsers": known}
        shown |= {"server": here.netloc, "ask": ask}
        if login.candidate:
            return self._show_candidate(login.candidate, shown)
        shown["others"] = await self._others(login)
        configured = await self.broker.configured(login.provider)
        if missing := await self.broker.missing(login):
            shown |= {"missing": missing, "host": await self.broker.typed_host(login)}
            problem, source = missing_package(configured), configured.credentials_from
            shown["lacking"] = problem and source and (problem.message, install(source))
            choice = {login.grant: render.GRANTS[login.grant], **shown["others"]}
            return self.show("setup", **shown, choice=choice, **self._way_back(configured))
        if login.grant == "device_code":
            elsewhere = shown["ask"] and login.user_code and not BrowserProof.of(self, login.id)
            return self.show("device", **shown, elsewhere=elsewhere, **render.device(login))
        if login.grant != "authorization_code":
            shown |= {"host": await self.broker.typed_host(login), **render.typed(configured)}
            return self.show(login.grant, **shown)
        shown |= {"client_id": configured.client_id or "", "lands_at": await self._lands_at(login)}
        shown["host"] = login.host or self.request.host
        shown["redirected"] = f"{self.broker.callback_path(login.provider)}/redirected"
        return self.show("login", **shown, **self._way_back(configured))

    def _show_candidate(self, candidate: AccountInfo, shown: dict[str, Any]) -> None:
        """Show it to a person only: a script that fetches the page would learn the yes."""
        if self.request.headers.get("Sec-Fetch-Dest", "document") != "document":
            raise web.HTTPError(FORBIDDEN, "This page is for people, not for scripts")
        proof = BrowserProof.of(self, shown["login"].id)
        at = host_of(candidate.issuer) if candidate.issuer else shown["login"].host
        self.show("confirm", **shown, host=at, yes=proof and proof.shown)

    async def _others(self, login: Login) -> dict[str, str]:
        try:
            return render.others(login, await self.broker.alternatives(login))
        except AuthError:  # as in ``_provider_info``
            return {}

    async def _lands_at(self, login: Login) -> str:
        try:
            return (await self._redirect_route(login, self.guessed_origin())).lands_at
        except ConfigurationError:  # said when the page wants to leave
            return ""

    def _way_back(self, provider: Provider) -> dict[str, Any]:
        """The redirect URI to register, and its path if only the browser knows the origin."""
        path = self.broker.redirect_path(provider.name)
        here = self.broker.hub_origin or self.guessed_origin()
        fixed = provider.redirect_uri or (self.broker.public_origin and here + path)
        return {"redirect_uri": fixed or here + path, "callback_path": "" if fixed else path}

    async def _provider_info(self, name: str) -> ProviderInfo:
        try:
            return await self.broker.provider_info(name)
        except AuthError:  # no longer configured: the login's outcome is still shown
            return ProviderInfo(name=name, title=plain(name), host="")


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
        """Send on what is for a script of this user's, who need not be signed in to Jupyter."""
        await super().prepare()
        if self.request.method == "GET" and not self._finished:
            forwards = getattr(self.broker, "forwards", None)  # a Hub service has none
            if to := forwards and forwards.find(self.request.path, self.request.query):
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


class ProblemPage(PageHandler):
    """Why a callback failed. Open to all, and static."""

    @allow_unauthenticated
    def get(self, reason: str = "signed-out") -> None:
        """Show the page."""
        if reason not in render.PROBLEMS:
            raise web.HTTPError(404, "No such page")
        self.show_outcome(render.PROBLEMS[reason])


ROUTES: list[tuple[str, type[UIHandler]]] = [
    (r"/jupyter-auth/login/([^/]+)", LoginPage),
    (r"/jupyter-auth/callback/([^/]+)", CallbackPage),
    (r"/jupyter-auth/callback/([^/]+)/redirected", PastedURLPage),
    (r"/jupyter-auth/signed-out", ProblemPage),
    (r"/jupyter-auth/problem/([a-z]+)", ProblemPage),
]
