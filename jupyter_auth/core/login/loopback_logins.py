"""Logins without a Jupyter server: the browser comes back to this process (RFC 8252 7.3).

A login has a URL on 127.0.0.1 while it is pending. Other users of this machine can reach it too,
and may read it in the command line of a browser: so a link works in the first browser that opens
it, and a callback in the browser that left from here.
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

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.errors import START_AGAIN, AuthError, LoginExpired, LoginFailed
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.loopback_server import (
    NOTHING,
    Listener,
    Page,
    can_listen,
    not_of_this_machine,
)
from jupyter_auth.core.protocol import pasted_code
from jupyter_auth.core.wire import login_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant
    from jupyter_auth.core.login.device_code import DeviceGrant
    from jupyter_auth.core.login.login_store import Binding
    from jupyter_auth.core.login.typed_grants import TypedGrants
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.provider.provider import Provider

MAX_QUERY = 1 << 14  # characters


class LoopbackLogins:
    """Lets the browser finish logins of this process."""

    def __init__(
        self,
        configured: Callable[[str], Provider],
        redirect: AuthorizationCodeGrant,
        device: DeviceGrant,
        typed: TypedGrants,
        confirm: Callable[[str], Login],
    ) -> None:
        self.configured = configured
        self.logins = redirect.logins
        self.redirect = redirect
        self.typed = typed
        self.confirm = confirm
        self._device = device
        # Stands for the user: only this process begins logins.
        self._user = secrets.token_urlsafe(32)
        self._bindings: dict[str, str] = {}  # of logins that were not opened at our listener
        self._pages: dict[str, LoopbackPages] = {}
        self._lock = threading.Lock()

    def begun(self, login: Login) -> Login:
        """The login with the URL of its listener, or with a device code.

        Raises:
            ConfigurationError: the fixed redirect URI of the provider cannot be listened at.
        """
        if login.grant == "authorization_code":
            self._pages_of(self.configured(login.provider)).add(login.id)
        elif login.grant == "device_code":
            try:
                self._device.start(login.id, confirm_by=None)
            except AuthError:
                self.logins.leave(login.id)
                raise
        return self.shown(self.logins.get(login.id))

    def shown(self, login: Login) -> Login:
        """The login with the URL of its listener while that is open."""
        if login.verification_uri:
            url = login.verification_uri_complete or login.verification_uri
            return dataclasses.replace(login, url=url)
        pages = self._pages.get(self.configured(login.provider).redirect_uri or "")
        if pages is None or login.id not in pages.logins or not pages.listener.open:
            return login
        return dataclasses.replace(login, url=pages.logins[login.id])

    def another_link(self, login: Login) -> str | None:
        """A second link to it, so that ``login.url`` stays unused."""
        pages = self._pages.get(self.configured(login.provider).redirect_uri or "")
        if login.verification_uri or pages is None or login.id not in pages.logins:
            return login.url
        return pages.link(login.id)

    def redirect_uri(self, login_id: str) -> str:
        """The redirect URI of that login."""
        provider = self.configured(self.logins.get(login_id).provider)
        return self._pages_of(provider).redirect_uri(provider)

    def authorization_url(self, login_id: str) -> str:
        """The authorization URL for a browser on another machine. Errors: as ``Engine.open``."""
        url, binding = self.open(login_id)
        self._bindings[binding.name] = binding.value
        return url

    def open(self, login_id: str) -> tuple[str, Binding]:
        """The authorization URL, and the cookie for the browser that goes there."""
        return self.redirect.open(login_id, self.redirect_uri(login_id), self._user, "")

    def callback(self, provider: str, query: str, cookies: Mapping[str, str]) -> Login:
        """The login that a redirect finishes, with its outcome.

        Raises:
            LoginExpired, LoginFailed: it belongs to no login of this process and browser.
        """
        params = dict(parse_qsl(query[:MAX_QUERY]))
        return self._finish(provider, params, cookies)

    def paste(self, login_id: str, address: str) -> Login:
        """Finish a login with the redirect URL that a browser on another machine ended on.

        Raises:
            LoginFailed: it is not such a URL.
            LoginExpired: it belongs to no login of this process.
        """
        params = pasted_code.redirected(address, self.redirect_uri(login_id))
        return self._finish(self.logins.get(login_id).provider, params, {})

    def _finish(
        self, provider: str, params: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Login:
        # No confirmation: the process that began the login is the one that finishes it.
        bindings = {**cookies, **self._bindings}
        return self.redirect.finish(
            AuthorizationResponse(provider, params, bindings, self._user, confirm_by=None)
        )

    def close(self) -> None:
        """Close the listeners."""
        for pages in self._pages.values():
            pages.listener.close()

    def _pages_of(self, provider: Provider) -> LoopbackPages:
        """Those at the provider's fixed redirect URI, or those of all providers without one."""
        fixed = provider.redirect_uri or ""
        with self._lock:
            pages = self._pages.get(fixed)
            if pages is None or not pages.listener.keep():
                pages = self._pages[fixed] = LoopbackPages(self, fixed)
            return pages


def redirect_uri_finding(provider: Provider) -> Finding:
    """For ``doctor``: the redirect URI to register at a provider."""
    fixed = urlsplit(provider.redirect_uri) if provider.redirect_uri else None
    if fixed is None:
        says = (
            f"Register http://127.0.0.1/callback/{provider.name}, for any port (RFC 8252 7.3). For"
            " sign-ins in Jupyter also register the base URL of your Jupyter server with"
            f" jupyter-auth/callback/{provider.name} after it."
        )
    elif can_listen(fixed.geturl()):
        says = f"Register {fixed.geturl()} (it is fixed in the provider's configuration)."
    else:
        return wrong("Redirect URI", not_of_this_machine(fixed.geturl()))
    return Finding(about="Redirect URI", says=says)


@dataclass
class Link:
    """A link that starts a login, for the first browser that opens it."""

    login_id: str
    taken: bool = False
    cookies: dict[str, str] = field(default_factory=dict, repr=False)  # set in that browser

    def knows(self, cookies: Mapping[str, str]) -> bool:
        """Whether the cookies are those of the browser that opened it."""
        return any(
            hmac.compare_digest(cookies.get(name, "").encode(), value.encode())
            for name, value in self.cookies.items()
        )


class LoopbackPages:
    """The pages of one listener: a login's link, the callback, a login's outcome.

    ``logins`` has the link that is shown for each login.
    """

    def __init__(self, loopback: LoopbackLogins, fixed: str) -> None:
        self.logins: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._taking = threading.Lock()
        self._loopback = loopback
        self.listener = Listener(fixed, self.answer, self.needed)

    def add(self, login_id: str) -> None:
        """Make a link for a login; if it has one, a new one."""
        self.logins[login_id] = self.link(login_id)

    def link(self, login_id: str) -> str:
        """A new link to that login."""
        ticket = secrets.token_urlsafe(32)
        self._links[ticket] = Link(login_id)
        return f"{self.listener.origin}/login/{ticket}"

    def needed(self) -> bool:
        """Whether a login is pending, or the first one is about to be added."""
        pending = {login.id for login in self._loopback.logins.pending()}
        return not self.logins or bool(self.logins.keys() & pending)

    def redirect_uri(self, provider: Provider) -> str:
        """The provider's redirect URI (RFC 8252 7.3: any port)."""
        return provider.redirect_uri or f"{self.listener.origin}/callback/{quote(provider.name)}"

    def answer(self, url: SplitResult, cookies: Mapping[str, str]) -> Page:
        """The page for a request."""
        if provider := self._provider_at(url):
            return self._callback_page(provider, url.query, cookies)
        match url.path.split("/"):
            case ["", "login", ticket] if link := self._links.get(ticket):
                return self._open_page(link, cookies)
            case ["", "done", login_id]:
                return self._outcome_page(unquote(login_id))
        return NOTHING

    def _provider_at(self, url: SplitResult) -> str | None:
        """The provider of a callback; if several share its path, the state decides."""
        state = dict(parse_qsl(url.query[:MAX_QUERY])).get("state", "")
        meant, found = self._loopback.logins.provider_of(state), None
        for login_id in list(self.logins):
            with contextlib.suppress(LoginExpired):
                name = self._loopback.logins.get(login_id).provider
                provider = self._loopback.configured(name)
                if urlsplit(self.redirect_uri(provider)).path == url.path:
                    found = provider.name
                    if name == meant:
                        break
        return found

    def _open_page(self, link: Link, cookies: Mapping[str, str]) -> Page:
        try:
            url, binding = self._take(link, cookies)
        except (LoginExpired, LoginFailed) as error:
            return _error_page(error, HTTPStatus.NOT_FOUND)
        except AuthError as error:
            return _error_page(error, HTTPStatus.BAD_GATEWAY)
        cookie = f"{binding.name}={binding.value}; Path=/; Max-Age={LIFETIME:.0f}"
        return Page(location=url, cookie=f"{cookie}; HttpOnly; SameSite=Lax")

    def _take(self, link: Link, cookies: Mapping[str, str]) -> tuple[str, Binding]:
        """LoginFailed: another browser, maybe another user's, opened the link: the login ends."""
        with self._taking:
            foreign = link.taken and not link.knows(cookies)
            link.taken = True
        if foreign:
            error = LoginFailed(
                "This link was already opened in another browser, so the sign-in has ended.",
                next_step=START_AGAIN,
            )
            self._loopback.logins.end(link.login_id, "failed", error)
            raise error
        try:
            url, binding = self._loopback.open(link.login_id)
        except AuthError:
            link.taken = bool(link.cookies)  # it led nowhere and can be opened again
            raise
        link.cookies[binding.name] = binding.value
        return url, binding

    def _callback_page(self, provider: str, query: str, cookies: Mapping[str, str]) -> Page:
        try:
            login = self._loopback.callback(provider, query, cookies)
        except (LoginExpired, LoginFailed) as error:
            return _error_page(error, HTTPStatus.NOT_FOUND)
        return Page(location=f"/done/{quote(login.id)}")  # the code leaves the address bar

    def _outcome_page(self, login_id: str) -> Page:
        try:
            login = self._loopback.logins.get(login_id)
        except LoginExpired as error:
            return _error_page(error, HTTPStatus.NOT_FOUND)
        if login.status == "complete":
            return Page("Signed in", "You may close this tab.")
        ended = login_error(login)
        return Page(ended.message, ended.hint)


def _error_page(error: AuthError, status: HTTPStatus) -> Page:
    return Page(error.message, error.hint, status)
