"""Logins without a Jupyter server: the browser comes back to this process (RFC 8252 7.3).

A login that an engine of this process begins has an address on 127.0.0.1. The listener is open
while such a login is, and for nobody but this machine's browser.
Other users of this machine reach it too, and may read a link in the command line of a browser: a
link is good for the first browser that opens it, and a callback for the one that left from here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.errors import AuthError, LoginExpired, LoginFailed
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.loopback_server import NOTHING, Listener, Page, can_listen
from jupyter_auth.core.protocol import pasted_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from jupyter_auth.core.login.login_store import Binding
    from jupyter_auth.core.login.sign_ins import SignIns
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers

MAX_QUERY = 1 << 14  # characters


class LoopbackLogins:
    """The logins of this process, each with what a browser needs to finish it here."""

    def __init__(self, providers: Providers, sign_ins: SignIns) -> None:
        self.logins = sign_ins.logins
        self.redirect = sign_ins.redirect
        self.typed = sign_ins.typed
        self.confirm = sign_ins.confirm
        self.configured = providers.get
        self._device = sign_ins.device
        # In the place of a user: this process began the login, nobody else did.
        self._user = secrets.token_urlsafe(32)
        self._bindings: dict[str, str] = {}  # of those that no browser opened at our listener
        self._desks: dict[str, LoopbackPages] = {}
        self._opening = threading.Lock()

    def begun(self, login: Login) -> Login:
        """It has the address of its listener then, or a device's code.

        ConfigurationError: the provider's fixed redirect URI cannot be listened at.
        """
        if login.grant == "authorization_code":
            self._desk(self.configured(login.provider)).welcome(login.id)
        elif login.grant == "device_code":
            self._take_code(login)
        return self.shown(self.logins.get(login.id))

    def shown(self, login: Login) -> Login:
        """With the address of its listener while that is open."""
        if login.verification_uri:
            return dataclasses.replace(
                login, url=login.verification_uri_complete or login.verification_uri
            )
        desk = self._desks.get(self.configured(login.provider).redirect_uri or "")
        if desk is None or login.id not in desk.logins or not desk.listener.open:
            return login
        return dataclasses.replace(login, url=desk.logins[login.id])

    def another_link(self, login: Login) -> str | None:
        """A link to it that nobody has seen yet, and that takes nothing from ``login.url``."""
        desk = self._desks.get(self.configured(login.provider).redirect_uri or "")
        if login.verification_uri or desk is None or login.id not in desk.logins:
            return login.url
        return desk.link(login.id)

    def _take_code(self, login: Login) -> None:
        try:
            self._device.start(login.id, confirm_by=None)
        except AuthError:
            self.logins.leave(login.id)
            raise

    def redirect_uri(self, login_id: str) -> str:
        """Where the provider's answer to that login arrives: what is registered there."""
        provider = self.configured(self.logins.get(login_id).provider)
        return self._desk(provider).redirect_uri(provider)

    def depart(self, login_id: str) -> str:
        """The authorization URL for a browser that does not pass here. Errors: as ``open``."""
        url, binding = self.depart_bound(login_id)
        self._bindings[binding.name] = binding.value
        return url

    def depart_bound(self, login_id: str) -> tuple[str, Binding]:
        """That URL, and the cookie for the browser that goes there now."""
        return self.redirect.open(login_id, self.redirect_uri(login_id), self._user, "")

    def arrive(self, provider: str, query: str, cookies: Mapping[str, str]) -> Login:
        """The login that the query of a redirect belongs to, with its outcome.

        LoginExpired, LoginFailed: no login of this process and browser; nothing was exchanged.
        """
        params = dict(parse_qsl(query[:MAX_QUERY]))
        return self._finish(provider, params, cookies)

    def paste(self, login_id: str, address: str) -> Login:
        """Finish a login with the address that a browser elsewhere ended on (state is checked).

        LoginFailed: it is not such an address. LoginExpired: it belongs to no login of ours.
        """
        params = pasted_code.redirected(address, self.redirect_uri(login_id))
        return self._finish(self.logins.get(login_id).provider, params, {})

    def _finish(
        self, provider: str, params: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Login:
        """Nobody is asked: the process that began the login is the one that finishes it."""
        bindings = {**cookies, **self._bindings}
        return self.redirect.finish(
            AuthorizationResponse(provider, params, bindings, self._user, confirm_by=None)
        )

    def close(self) -> None:
        """End the listeners."""
        for desk in self._desks.values():
            desk.listener.close()

    def _desk(self, provider: Provider) -> LoopbackPages:
        """The one at the provider's fixed redirect URI, or the one for all that have none."""
        fixed = provider.redirect_uri or ""
        with self._opening:
            desk = self._desks.get(fixed)
            if desk is None or not desk.listener.keep():
                desk = self._desks[fixed] = LoopbackPages(self, fixed)
            return desk


def way_back(provider: Provider) -> Finding:
    """For ``doctor``: the redirect URI to register for a provider."""
    fixed = urlsplit(provider.redirect_uri) if provider.redirect_uri else None
    if fixed is None:
        says = (
            f"Register http://127.0.0.1/callback/{provider.name}, for any port (RFC 8252 7.3). For"
            " sign-ins in Jupyter also the address in its browser up to the base URL, with"
            f" jupyter-auth/callback/{provider.name} after it."
        )
    elif can_listen(fixed.geturl()):
        says = f"Register {fixed.geturl()} (it is fixed in the provider's configuration)."
    else:
        return Finding(
            about="Redirect URI",
            says=f"A browser cannot come back to {fixed.geturl()} without its server.",
            fix="Sign in from the Jupyter server that has this address.",
            state="wrong",
        )
    return Finding(about="Redirect URI", says=says)


@dataclass
class Link:
    """A way to start a login, for the first browser that takes it."""

    login_id: str
    taken: bool = False
    cookies: dict[str, str] = field(default_factory=dict, repr=False)  # that its browser got

    def knows(self, cookies: Mapping[str, str]) -> bool:
        """Whether they are of the browser that took it."""
        return any(
            hmac.compare_digest(cookies.get(name, "").encode(), value.encode())
            for name, value in self.cookies.items()
        )


class LoopbackPages:
    """The pages of one listener: a login's start, the provider's answer, a login's outcome.

    ``logins`` has the link to each that a person is shown.
    """

    def __init__(self, loopback: LoopbackLogins, fixed: str) -> None:
        self.logins: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._taking = threading.Lock()
        self._loopback = loopback
        self.listener = Listener(fixed, self.answer, self.needed)

    def welcome(self, login_id: str) -> None:
        """It was begun here, or once more: then with a new link."""
        self.logins[login_id] = self.link(login_id)

    def link(self, login_id: str) -> str:
        """A new link to that login."""
        ticket = secrets.token_urlsafe(32)
        self._links[ticket] = Link(login_id)
        return f"{self.listener.origin}/login/{ticket}"

    def needed(self) -> bool:
        """Whether a login of it is under way, or about to be begun."""
        pending = {login.id for login in self._loopback.logins.pending()}
        return not self.logins or bool(self.logins.keys() & pending)

    def redirect_uri(self, provider: Provider) -> str:
        """Where that provider's answer arrives (RFC 8252 7.3: any port)."""
        return provider.redirect_uri or f"{self.listener.origin}/callback/{quote(provider.name)}"

    def answer(self, url: SplitResult, cookies: Mapping[str, str]) -> Page:
        """What a browser of this machine is shown."""
        if provider := self._provider_at(url):
            return self._arrive(provider, url.query, cookies)
        match url.path.split("/"):
            case ["", "login", ticket] if link := self._links.get(ticket):
                return self._depart(link, cookies)
            case ["", "done", login_id]:
                return self._outcome(unquote(login_id))
        return NOTHING

    def _provider_at(self, url: SplitResult) -> str | None:
        """Whose callback that is: several may come back to one path, then the state says it."""
        state = dict(parse_qsl(url.query[:MAX_QUERY])).get("state", "")
        meant, found = self._loopback.redirect.provider_of(state), None
        for login_id in list(self.logins):
            with contextlib.suppress(LoginExpired):
                name = self._loopback.logins.get(login_id).provider
                provider = self._loopback.configured(name)
                if urlsplit(self.redirect_uri(provider)).path == url.path:
                    found = provider.name
                    if name == meant:
                        break
        return found

    def _depart(self, link: Link, cookies: Mapping[str, str]) -> Page:
        try:
            url, binding = self._take(link, cookies)
        except (LoginExpired, LoginFailed) as error:
            return _trouble(error, HTTPStatus.NOT_FOUND)
        except AuthError as error:
            return _trouble(error, HTTPStatus.BAD_GATEWAY)
        cookie = f"{binding.name}={binding.value}; Path=/; Max-Age={LIFETIME:.0f}"
        return Page(location=url, cookie=f"{cookie}; HttpOnly; SameSite=Lax")

    def _take(self, link: Link, cookies: Mapping[str, str]) -> tuple[str, Binding]:
        """LoginFailed: another browser has it, perhaps another user's: then nobody finishes it."""
        with self._taking:
            foreign = link.taken and not link.knows(cookies)
            link.taken = True
        if foreign:
            error = LoginFailed(
                "This link was opened already, in another browser, so the sign-in has ended.",
                hint="Run the cell again for a new link.",
            )
            self._loopback.logins.end(link.login_id, "failed", error)
            raise error
        try:
            url, binding = self._loopback.depart_bound(link.login_id)
        except AuthError:
            link.taken = bool(link.cookies)  # it led nowhere: it can be tried again
            raise
        link.cookies[binding.name] = binding.value
        return url, binding

    def _arrive(self, provider: str, query: str, cookies: Mapping[str, str]) -> Page:
        try:
            login = self._loopback.arrive(provider, query, cookies)
        except (LoginExpired, LoginFailed) as error:
            return _trouble(error, HTTPStatus.NOT_FOUND)
        return Page(location=f"/done/{quote(login.id)}")  # the code leaves the address bar

    def _outcome(self, login_id: str) -> Page:
        try:
            login = self._loopback.logins.get(login_id)
        except LoginExpired as error:
            return _trouble(error, HTTPStatus.NOT_FOUND)
        if login.status == "complete":
            return Page("Signed in", "You may close this tab.")
        said = login.error or {}
        message = str(said.get("message") or f"The sign-in is {login.status}.")
        return Page(message, str(said.get("hint") or ""))


def _trouble(error: AuthError, status: HTTPStatus) -> Page:
    return Page(error.message, error.hint, status)
