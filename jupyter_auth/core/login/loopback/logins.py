"""Logins without a Jupyter server: the browser comes back to this process (RFC 8252 7.3).

A login has a URL on 127.0.0.1 while it is pending. Other users of this machine can reach it too,
and may read it in the command line of a browser: so a link works in the first browser that opens
it, and a callback in the browser that left from here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote

from jupyter_auth.core.common.urls import page_of
from jupyter_auth.core.errors import (
    START_AGAIN,
    AuthError,
    ConfigurationError,
    LoginExpired,
    LoginFailed,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.loopback import uris as loopback_uris
from jupyter_auth.core.login.loopback.pages import Link, agreement, error_page
from jupyter_auth.core.login.loopback.server import NOTHING, Listener, Page, PortTaken
from jupyter_auth.core.login.loopback.uris import HOST
from jupyter_auth.core.protocol import pasted_code
from jupyter_auth.core.registration.registrations import RegistrationRefused
from jupyter_auth.core.wire import error_from_wire, login_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant
    from jupyter_auth.core.login.device_code import DeviceGrant
    from jupyter_auth.core.login.login_store import Binding
    from jupyter_auth.core.login.typed_grants import TypedGrants
    from jupyter_auth.core.models import AccountKey, Login
    from jupyter_auth.core.provider.provider import Provider

MAX_QUERY = 1 << 14  # characters
TO_SHOW = 1.0  # seconds for a browser to fetch the outcome


class LoopbackLogins:
    """Lets the browser finish logins of this process.

    ``first`` says whether a person has to see first where an API's address led, and ``scopes`` what
    a login asks for. ``forward``: see ``LocalAccounts``.
    """

    def __init__(
        self,
        configured: Callable[[str], Provider],
        redirect: AuthorizationCodeGrant,
        device: DeviceGrant,
        typed: TypedGrants,
        confirm: Callable[[str], Login],
        *,
        scopes: Callable[[str], tuple[str, ...]],
        first: Callable[[AccountKey], bool],
        forward: Callable[[str, str, str], bool],
    ) -> None:
        self.configured = configured
        self.logins = redirect.logins
        self.redirect = redirect
        self.typed = typed
        self.confirm = confirm
        self.scopes = scopes
        self.first = first
        self._forward = forward
        self._device = device
        # Stands for the user: only this process begins logins.
        self._user = secrets.token_urlsafe(32)
        self._bindings: dict[str, str] = {}  # of logins that were not opened at our listener
        self._pages: dict[int, LoopbackPages] = {}  # by port; 0: of any
        self._lock = threading.Lock()

    def begun(self, login: Login) -> Login:
        """The login with the URL of its listener, or with a device code.

        Raises:
            ConfigurationError: the fixed redirect URI of the provider cannot be listened at.
        """
        try:
            if login.grant == "device_code":
                self._device.start(login.id, confirm_by=None)
            elif login.grant == "authorization_code" and not self.is_pasted(login):
                self._pages_of(self.configured(login.provider)).add(login.id)
        except AuthError:
            self.logins.leave(login.id)
            raise
        return self.shown(self.logins.get(login.id))

    def is_pasted(self, login: Login) -> bool:
        """Whether no browser can bring the response here, wherever it is: a person has to."""
        return loopback_uris.is_pasted(self.configured(login.provider))

    def shown(self, login: Login) -> Login:
        """The login with the URL of its listener while that is open."""
        if login.verification_uri:
            url = login.verification_uri_complete or login.verification_uri
            return dataclasses.replace(login, url=url)
        pages = self._pages_showing(login)
        if pages is None or not pages.listener.open:
            return login
        return dataclasses.replace(login, url=pages.logins[login.id])

    def another_link(self, login: Login) -> str | None:
        """A second link to it, so that ``login.url`` stays unused."""
        pages = self._pages_showing(login)
        return login.url if login.verification_uri or pages is None else pages.link(login.id)

    def _pages_showing(self, login: Login) -> LoopbackPages | None:
        port = loopback_uris.port_of(self.configured(login.provider).redirect_uri)
        pages = self._pages.get(port)
        return pages if pages and login.id in pages.logins else None

    def redirect_uri(self, login_id: str) -> str:
        """The redirect URI of that login."""
        provider = self.configured(self.logins.get(login_id).provider)
        if provider.redirect_uri and loopback_uris.is_pasted(provider):
            return provider.redirect_uri
        return self._pages_of(provider).redirect_uri(provider)

    def authorization_url(self, login_id: str) -> str:
        """The authorization URL for a browser on another machine. Errors: as ``Engine.open``."""
        url, binding = self.open(login_id)
        self._bindings[binding.name] = binding.value
        return url

    def open(self, login_id: str) -> tuple[str, Binding]:
        """The authorization URL, and the cookie for the browser that goes there.

        RegistrationRefused: it ends the login, as no page here takes a client ID.
        """
        redirect_uri = self.redirect_uri(login_id)
        try:
            url, binding = self.redirect.open(login_id, redirect_uri, self._user, "")
        except RegistrationRefused as error:
            self.logins.end(login_id, "failed", error)
            raise
        pages = self._pages.get(loopback_uris.port_of(redirect_uri))
        if pages and pages.elsewhere:
            self._forward(redirect_uri, binding.name, pages.callback(redirect_uri))
        return url, binding

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
        return self._finish(self.logins.get(login_id).provider, params, self._bindings)

    def _finish(
        self, provider: str, params: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Login:
        # No confirmation: the process that began the login is the one that finishes it.
        bindings = {**cookies, **self._bindings} if "state" in params else cookies
        return self.redirect.finish(
            AuthorizationResponse(provider, params, bindings, self._user, confirm_by=None)
        )

    def show_outcome(self, login: Login) -> None:
        """Let the browser fetch a completed login's page: this process may end now."""
        if pages := self._pages_showing(login):
            pages.shown(login.id).wait(TO_SHOW)

    def close(self) -> None:
        """Close the listeners."""
        for pages in self._pages.values():
            pages.listener.close()

    def _pages_of(self, provider: Provider) -> LoopbackPages:
        """Those at the port of the provider's redirect URI, or of all providers for any port."""
        port = loopback_uris.port_of(provider.redirect_uri)
        with self._lock:
            pages = self._pages.get(port)
            if pages is None or not pages.listener.keep():
                pages = self._pages[port] = self._new_pages(provider.redirect_uri)
            return pages

    def _new_pages(self, redirect_uri: str | None) -> LoopbackPages:
        try:
            return LoopbackPages(self, redirect_uri)
        except PortTaken:
            # By a Jupyter server of this user, maybe, to which all that is registered leads.
            if not redirect_uri or not self._forward(redirect_uri, "", f"http://{HOST}"):
                raise
        return LoopbackPages(self, None, elsewhere=True)


class LoopbackPages:
    """The pages of one listener: a login's link, the callback, a login's outcome.

    ``logins`` has the link that is shown for each login. ``elsewhere``: the browser comes back to a
    Jupyter server, which sends it on here.
    """

    def __init__(
        self, loopback: LoopbackLogins, redirect_uri: str | None, *, elsewhere: bool = False
    ) -> None:
        self.elsewhere = elsewhere
        self.logins: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._shown: dict[str, threading.Event] = {}
        self._taking = threading.Lock()
        self._loopback = loopback
        self.listener = self._listener(redirect_uri)

    def _listener(self, redirect_uri: str | None) -> Listener:
        """At any port, it is the same one if that is free: clients that register themselves do so
        for one redirect URI.
        """
        if not loopback_uris.port_of(redirect_uri):
            with contextlib.suppress(ConfigurationError):
                return Listener(loopback_uris.usual(), self.answer, self.needed, self.agreed)
        return Listener(redirect_uri, self.answer, self.needed, self.agreed)

    def add(self, login_id: str) -> None:
        """Make a link for a login; if it has one, a new one."""
        self.logins[login_id] = self.link(login_id)

    def link(self, login_id: str) -> str:
        """A new link to that login, under the name of this machine that its cookie is for."""
        ticket = secrets.token_urlsafe(32)
        self._links[ticket] = Link(login_id)
        provider = self._loopback.configured(self._loopback.logins.get(login_id).provider)
        origin = loopback_uris.origin(self.redirect_uri(provider), self.listener.port)
        return f"{origin}/login/{ticket}"

    def shown(self, login_id: str) -> threading.Event:
        """Set once a browser has the page that says how the login ended."""
        return self._shown.setdefault(login_id, threading.Event())

    def needed(self) -> bool:
        """Whether a login is pending, or the first one is about to be added."""
        pending = {login.id for login in self._loopback.logins.pending()}
        return not self.logins or bool(self.logins.keys() & pending)

    def redirect_uri(self, provider: Provider) -> str:
        """The provider's redirect URI here."""
        return loopback_uris.redirect_uri(provider, self.listener.port)

    def callback(self, redirect_uri: str) -> str:
        """Where that redirect URI is at this listener."""
        origin = loopback_uris.origin(redirect_uri, self.listener.port)
        return f"{origin}{page_of(redirect_uri)[-1]}"

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

    def agreed(self, url: SplitResult, cookies: Mapping[str, str]) -> Page:
        """The page for a click on the button of a link's page."""
        match url.path.split("/"):
            case ["", "login", ticket] if link := self._links.get(ticket):
                left = self._leave(lambda: self._take(link, cookies))
                title = left.title or "Taking you there"
                return dataclasses.replace(left, clicked=True, title=title)
        return NOTHING

    def _provider_at(self, url: SplitResult) -> str | None:
        """The provider of a callback; if several share its path, the state decides."""
        state = dict(parse_qsl(url.query[:MAX_QUERY])).get("state", "")
        meant, found = self._loopback.logins.provider_of(state), None
        for login_id in list(self.logins):
            with contextlib.suppress(LoginExpired):
                name = self._loopback.logins.get(login_id).provider
                provider = self._loopback.configured(name)
                if page_of(self.redirect_uri(provider))[-1] == url.path:
                    found = provider.name
                    if name == meant:
                        break
        return found

    def _open_page(self, link: Link, cookies: Mapping[str, str]) -> Page:
        try:
            if not link.taken and (asks := self._asks(link.login_id)):
                return asks
        except AuthError as error:
            return error_page(error, HTTPStatus.NOT_FOUND)
        return self._leave(lambda: self._take(link, cookies))

    def _asks(self, login_id: str) -> Page | None:
        """What an API's address led to, for a person to agree to before anything is sent there."""
        login = self._loopback.logins.get(login_id)
        if login.status != "pending" or not self._loopback.first(login.key):
            return None
        provider = self._loopback.configured(login.provider)
        return agreement(login, provider, self._loopback.scopes(login_id))

    def _leave(self, opened: Callable[[], tuple[str, Binding]]) -> Page:
        try:
            url, binding = opened()
        except (LoginExpired, LoginFailed) as error:
            return error_page(error, HTTPStatus.NOT_FOUND)
        except AuthError as error:
            return error_page(error, HTTPStatus.BAD_GATEWAY)
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
        except AuthError as error:
            return dataclasses.replace(error_page(error, HTTPStatus.NOT_FOUND), fragment=not query)
        if login.status == "pending" and login.error:
            return error_page(error_from_wire(login.error), HTTPStatus.OK)
        if login.status == "pending":  # it goes on with fewer scopes
            return self._leave(lambda: self._loopback.open(login.id))
        return Page(location=f"/done/{quote(login.id)}")  # the code leaves the address bar

    def _outcome_page(self, login_id: str) -> Page:
        try:
            login = self._loopback.logins.get(login_id)
        except LoginExpired as error:
            return error_page(error, HTTPStatus.NOT_FOUND)
        if login.status == "complete":
            shown = self.shown(login_id).set
            ending = self._loopback.redirect.ending(login)
            return Page("Signed in", f"{ending} You may close this tab.".strip(), sent=shown)
        ended = login_error(login)
        return Page(ended.message, ended.hint)
