"""The engine of Python in a browser: a person comes back by a page of the same site.

That page, ``callback.html``, passes the response on to all that this site has open. The one that
began the sign-in knows its state, and alone has the PKCE verifier, without which the code is of no
use. It takes the response from that sign-in's own page alone: providers with different pages cannot
pass off each other's codes as theirs (RFC 9700 4.4, mix-up). Tokens are in memory alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pyodide.ffi import run_sync

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.urls import same_place
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import SCRIPT, AuthError, ConfigurationError, speak
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.openings import binding_name
from jupyter_auth.core.protocol.http import require_waiting
from jupyter_auth.core.wire import login_error
from jupyter_auth.kernel.pyodide.memory_store import MemoryStore
from jupyter_auth.kernel.pyodide.site import Channel, callback_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.errors import Step
    from jupyter_auth.core.models import Changes, Login
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.registry import Providers

MAX_QUERY = 1 << 14  # characters
# A site has no terminal, and no file of providers.
WORDS: dict[Step, str] = SCRIPT | {
    "sign_in": "Run `UserSession({provider!r})` in a cell.",
    "sign_in_waiting": "Run `UserSession({provider!r})` in a cell.",
    "name_or_add_provider": "Name one, as in `UserSession({provider!r})`, or define your own with"
    " `jupyter_auth.Provider`.",
    "add_provider": "Run `UserSession(jupyter_auth.provider({provider!r}, client_id=...))`.",
    "add_secret": "A page keeps no client secret: register a public client.",
    "doctor": "`%auth doctor` shows more, after `%load_ext jupyter_auth`.",
}


class PageAccounts(Engine):
    """One person's accounts, for as long as this kernel lives."""

    has_pages = False
    trusts_code = True  # it is this program's own

    def __init__(self, providers: Providers) -> None:
        super().__init__(providers, MemoryStore())
        speak(lambda: WORDS)
        self._user = secrets.token_urlsafe(32)  # only this kernel begins logins
        self._bindings: dict[str, str] = {}
        self._pages: dict[str, str] = {}  # redirect URIs, by the names of the bindings
        self._links: dict[str, str] = {}
        self._channel = Channel(self._came_back)

    @override
    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        raise ConfigurationError(
            "In a browser there is no file of providers.",
            hint=f"Define it: UserSession(Provider(name={name!r}, issuer=..., client_id=...)).",
        )

    @override
    def examine(self, name: str | None = None) -> list[Finding]:
        """As in ``Engine``, with what to register at a provider."""
        found = super().examine(name)
        if name is not None:
            uri = self.configured(name).redirect_uri or callback_page()
            says = f"Register {uri} for a public client, and allow requests from this site (CORS)."
            found.insert(1, Finding("Redirect URI", says))
        return found

    @override
    def find(self, address: str) -> ProviderInfo:
        raise ConfigurationError(
            f"In a browser, no provider is looked up for {address}.",
            hint="Define it: UserSession(Provider(name=..., issuer=..., client_id=...)).",
        )

    @override
    def _begun(self, login: Login) -> Login:
        try:
            require_waiting()
            if login.grant != "authorization_code":
                raise ConfigurationError(
                    f"In a browser, no one can sign in to {plain(login.provider)} by"
                    f" {login.grant}.",
                    hint="This takes a provider with the grant authorization_code, and a public"
                    " client.",
                )
            if self.configured(login.provider).header.name.lower() != "authorization":
                raise ConfigurationError(
                    f"The header {self.configured(login.provider).header.name} cannot be kept"
                    " from other hosts in a browser, which follows redirects by itself.",
                    hint="Use this provider in a Jupyter server or a script.",
                )
            if login.id not in self._links:
                uri = self.configured(login.provider).redirect_uri or callback_page()
                self._links[login.id], binding = self.open(login.id, uri, self._user)
                self._bindings[binding.name], self._pages[binding.name] = binding.value, uri
        except AuthError:
            self.leave(login.id)
            raise
        return self.login(login.id)

    @override
    def login(self, login_id: str) -> Login:
        found = super().login(login_id)
        pending = found.status == "pending"
        return replace(found, url=self._links.get(login_id)) if pending else found

    def _came_back(self, query: str, page: str) -> str | None:
        """What the page says to the person; None if it is not for a sign-in of this kernel."""
        params = dict(parse_qsl(query[:MAX_QUERY]))
        state = params.get("state", "")
        provider, own = self._logins.provider_of(state), self._pages.get(binding_name(state))
        pages = (page, f"{page}.html")  # some sites serve the second one at the first
        if not (provider and own and any(same_place(own, each) for each in pages)):
            return None
        response = AuthorizationResponse(
            plain(provider), params, self._bindings, self._user, confirm_by=None
        )
        try:
            login = self.finish(response)
        except AuthError as error:
            return str(error)
        self._links.pop(login.id, None)  # its state is used up
        if login.status == "complete":
            account = self.account(login.key)
            who = f" as {account.username}" if account and account.username else ""
            return f"Signed in{who}. You may close this tab."
        if login.status == "pending":
            return "Not signed in yet. Run the cell in your notebook again for another link."
        return str(login_error(login))

    @override
    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        self.poll()
        news = super().changes(since)
        if wait and not (news.changes or news.reset):
            run_sync(_next_change(self.listen, wait))
            news = super().changes(since)
        return news


async def _next_change(listen: Callable[[Callable[[], None]], Any], seconds: float) -> None:
    """Return after a change or ``seconds``, whatever comes first; the browser goes on meanwhile."""
    changed = asyncio.Event()
    end = listen(changed.set)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), seconds)
    end()
