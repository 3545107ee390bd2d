"""The page of a login: where it leaves for the provider, what is typed there, and how it ended."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado import web

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.consent.consents import GRANT as CONSENT
from jupyter_auth.core.errors import (
    START_AGAIN,
    AuthError,
    ConfigurationError,
    LoginExpired,
    LoginFailed,
)
from jupyter_auth.core.provider.client_credentials import install, missing_package
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.registration.registrations import RegistrationRefused
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.known_browsers import BrowserProof
from jupyter_auth.server.broker.redirect.uri import named
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import may
from jupyter_auth.server.browser.leaving_page import LeavingPage
from jupyter_auth.server.browser.page_handler import SEE_OTHER
from jupyter_auth.server.http_errors import FORBIDDEN

if TYPE_CHECKING:
    from jupyter_auth.core.models import AccountInfo, Login
    from jupyter_auth.core.provider.provider import Provider


UNFINISHED = {"denied", "expired", "failed"}  # a wrong client may be why
FORMS = {"set", "registration", "grant", "edit"}  # of what comes before leaving for the provider


class LoginPage(LeavingPage):
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
        if (onward := await self.broker.onward(login)) and not login.candidate:
            return self.redirect(onward, status=SEE_OTHER)
        info = await self._provider_info(login.provider)
        if login.status == "pending":
            try:
                return await self._show_pending(login, info)
            except AuthError:
                login = await self.broker.login_info(login_id)
                if login.status == "pending":  # else it ended in the meantime, in another tab
                    raise
        if login.grant == CONSENT:
            return self.show_outcome(render.answered(login, info.title), page=login.status)
        account = await self.broker.account(login) if login.status == "complete" else None
        shown = {"others": await self._others(login), **render.ended(login, info.title)}
        shown["editable"] = login.status in UNFINISHED and await self.broker.editable(login)
        return self.show("outcome", login=login, provider=info, account=account, **shown)

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
        if login.grant == CONSENT:
            await self._agreed(login, body)
        elif login.candidate and "grant" not in body:
            if "yes" in body:  # else it is from a tab that does not show the candidate
                await self._answered(login, body, origin)
        elif login.grant == "authorization_code" and not FORMS & body.keys():
            by_hand = request_parsing.flag(body, "by_hand")
            try:
                return await self.leave(login, origin, by_hand=by_hand)
            except RegistrationRefused:  # then the page asks for a client, if people may add one
                if not (await self.broker.lacking(login))[0]:
                    raise
        else:
            proof = BrowserProof() if login.grant == "paste" else self.new_proof()
            digest, uri = proof.digest if proof else None, ""
            if "registration" in body:
                uri = (await self.redirect_route(login, origin)).redirect_uri
            login = await self.broker.step(login, body, digest, uri)
            if proof and await self.broker.asks(login, proof.digest):  # else another tab's counts
                self.hand_out(proof, login, origin)
        return {"url": self.broker.login_path(login.id)}

    async def _answered(self, login: Login, body: dict[str, Any], origin: str) -> None:
        """Store the account, or cancel. LoginFailed: not from the page that asked."""
        if not (yes := request_parsing.text(body, "yes")):
            await self.broker.end(login.id, {})
            return
        proof = self._checked_proof(login, yes)
        await self.broker.confirm(login, proof.reveal())
        self.broker.known_browsers.remember(self, secure=origin.startswith("https:"))

    async def _agreed(self, login: Login, body: dict[str, Any]) -> None:
        """Let a notebook use an account, or not. LoginFailed: not from the page that asked."""
        lasts = ""
        if yes := request_parsing.text(body, "yes"):
            self._checked_proof(login, yes)
            lasts = request_parsing.required(body, "lasts")
            if lasts not in render.lasts(login):
                raise ConfigurationError("'lasts' is none of those that the page offers.")
        await self.broker.agree(login, lasts)

    def _checked_proof(self, login: Login, yes: str) -> BrowserProof:
        """This browser's, if its page sent the yes. LoginFailed: another one did."""
        proof = BrowserProof.of(self, login.id)
        if proof is None or not hmac.compare_digest(yes.encode(), proof.shown.encode()):
            raise LoginFailed(
                "This page shows an earlier sign-in. Nothing was stored.", hint="Reload the page."
            )
        return proof

    async def _show_pending(self, login: Login, info: ProviderInfo) -> None:
        here, known = urlsplit(self.guessed_origin()), self.broker.known_browsers
        ask = not known.may_leave(self, secure=here.scheme == "https")
        shown: dict[str, Any] = {"login": login, "provider": info, "known_browsers": known}
        shown |= {"server": here.netloc, "ask": ask}
        if login.grant == CONSENT or login.candidate:
            return await self._show_question(login, shown)
        shown["others"] = await self._others(login)
        configured = await self.broker.outline(login.provider)
        # Who found it by an address sees what that led to before anything is sent there; and what
        # code asks for, such as another API, is read before the browser leaves.
        shown["first"] = bool(info.found_at) and await self.broker.account(login) is None
        shown["waits"] = shown["ask"] or shown["first"] or bool(login.reason)
        shown["scopes"] = await self.broker.scopes(login) if info.found_at else ()
        missing, why = await self.broker.lacking(login)
        whole = "client_id" not in missing and not configured.unset
        shown["editable"] = whole and await self.broker.editable(login)
        edits = shown["editable"] and "edit" in self.request.query_arguments
        if missing or edits:
            edited = await self._edited(login, configured) if edits else None
            shown |= {"missing": missing, "why": why, "edited": edited}
            shown["placeholders"] = render.placeholders(configured)
            if configured.unset:
                return self.show("where", **shown, host="")
            return await self._show_set_up(login, configured, shown)
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

    async def _show_set_up(self, login: Login, provider: Provider, shown: dict[str, Any]) -> None:
        problem, source = missing_package(provider), provider.credentials_from
        shown["lacking"] = problem and source and (problem.message, install(source))
        shown["choice"] = {login.grant: render.GRANTS[login.grant], **shown["others"]}
        shown["guide"] = render.guide(provider)
        shown |= {"host": await self.broker.typed_host(login), "back": self.request.path}
        self.show("setup", **shown, **self._way_back(provider))

    async def _edited(self, login: Login, provider: Provider) -> dict[str, Any]:
        """What the set-up form shows of a client that is there: never its secret."""
        return {
            "client_id": provider.client_id or "",
            "keeps_secret": await self.broker.keeps_secret(login),
            "has_accounts": await self.broker.has_accounts(login.provider),
        }

    async def _show_question(self, login: Login, shown: dict[str, Any]) -> None:
        """Show it to a person only: a script that fetches the page would learn the yes."""
        if self.request.headers.get("Sec-Fetch-Dest", "document") != "document":
            raise web.HTTPError(FORBIDDEN, "This page is for people, not for scripts")
        if login.candidate:
            return self._show_candidate(login.candidate, shown)
        return await self._show_consent(login, shown)

    async def _show_consent(self, login: Login, shown: dict[str, Any]) -> None:
        account = await self.broker.account(login)
        if account is None:  # signed out meanwhile
            await self.broker.agree(login, "")
            raise LoginExpired("This account was signed out.", next_step=START_AGAIN)
        proof = BrowserProof.of(self, login.id) or BrowserProof()
        self.hand_out(proof, login, self.guessed_origin())
        shown |= {"account": account, "yes": proof.shown, "lasts": render.lasts(login)}
        shown["scopes"] = await self.broker.scopes(login)
        self.show("consent", **shown, host=shown["provider"].host)

    def _show_candidate(self, candidate: AccountInfo, shown: dict[str, Any]) -> None:
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
            return (await self.redirect_route(login, self.guessed_origin())).lands_at
        except ConfigurationError:  # said when the page wants to leave
            return ""

    def _way_back(self, provider: Provider) -> dict[str, Any]:
        """The redirect URI to register, and its path if only the browser knows the origin."""
        path = self.broker.redirect_path(provider.name)
        origin = self.broker.hub_origin or self.guessed_origin()
        here = named(origin, provider.loopback)
        sure = self.broker.public_origin or here != origin
        fixed = provider.redirect_uri or (sure and here + path)
        return {"redirect_uri": fixed or here + path, "callback_path": "" if fixed else path}

    async def _provider_info(self, name: str) -> ProviderInfo:
        try:
            return await self.broker.provider_info(name)
        except AuthError:  # no longer configured: the login's outcome is still shown
            return ProviderInfo(name=name, title=plain(name), host="")
