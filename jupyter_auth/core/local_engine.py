"""The engine of a process without a Jupyter server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.parts import OnFirstUse
from jupyter_auth.core.provider import guides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.login.loopback.logins import LoopbackLogins
    from jupyter_auth.core.models import AccountKey, Login
    from jupyter_auth.core.provider.info import ProviderInfo


class LocalAccounts(Engine):
    """An engine whose logins finish without a Jupyter server, in a browser on this machine.

    ``forward(redirect_uri, cookie, to)``: have the Jupyter server at that redirect URI send the
    browser with this cookie on; False if there is none of this user.
    """

    has_pages = False
    trusts_code = True  # it is this program's own

    def __init__(
        self, *given: Any, forward: Callable[[str, str, str], bool] = lambda *_: False, **more: Any
    ) -> None:
        super().__init__(*given, **more)
        self._forward = forward

    @OnFirstUse
    def local(self) -> LoopbackLogins:
        """See ``Accounts.local``."""
        from jupyter_auth.core.login.loopback.logins import LoopbackLogins

        grants = (self.redirect, self.device, self.typed)
        return LoopbackLogins(
            self.configured,
            *grants,
            self.confirm,
            scopes=self.scopes,
            first=self._first,
            forward=self._forward,
        )

    def _first(self, key: AccountKey) -> bool:
        """Whether nothing was signed in to yet where an API's address led."""
        return bool(self.configured(key.provider).found_at) and self.account(key) is None

    def _begun(self, login: Login) -> Login:
        return self.local.begun(login)

    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        """As in ``Engine``. Its client has one redirect URI for scripts and for Jupyter here."""
        if fields.get("client_id"):
            made = self._providers.changed(name, fields, replace=replace)
            if not made.grants or "authorization_code" in made.grants:
                fields = {**fields, "redirect_uri": guides.redirect_uri(made)}
        return super().add(name, fields, replace=replace)

    def login(self, login_id: str) -> Login:
        """As in ``Engine``, with the URL of its listener while that is open."""
        return self.local.shown(super().login(login_id))

    def examine(self, name: str | None = None) -> list[Finding]:
        """As in ``Engine``, with the redirect URI to register at a provider, if any."""
        found = super().examine(name)
        if name is not None and not self.obtains_client(name):
            from jupyter_auth.core.login.loopback.uris import redirect_uri_finding

            found.insert(1, redirect_uri_finding(self.configured(name)))
        return found

    def close(self) -> None:
        """Close the listeners too."""
        if loopback := LocalAccounts.local.made(self):
            loopback.close()
        super().close()
