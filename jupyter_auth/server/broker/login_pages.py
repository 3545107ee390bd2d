"""What a login's pages ask of the broker. Every call runs in a thread of the provider's pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.handles import names_one
from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import ConfigurationError, Unavailable
from jupyter_auth.core.login.loopback.server import PortTaken
from jupyter_auth.server.broker import login_forms
from jupyter_auth.server.broker.page_urls import PageURLs
from jupyter_auth.server.broker.redirect.loopback import LoopbackCallback, LoopbackCallbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.login.login_store import AuthorizationResponse, Binding
    from jupyter_auth.core.models import AccountInfo, Login
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.server.broker.thread_pools import UserPools


class LoginPages(PageURLs):
    """The pages' side of a ``Broker``, which documents the arguments."""

    def __init__(
        self,
        engine: Engine,
        pools: UserPools,
        neighbour: Callable[[str, str, str], bool],
        *urls: Any,
    ) -> None:
        super().__init__(*urls)
        self._engine = engine
        self._pools = pools
        self._neighbour = neighbour
        self._visited: str | None = None  # the origin of the last browser that left for a provider
        self.loopback_callbacks = LoopbackCallbacks(lambda: {login.id for login in engine.logins()})

    async def provider_info(self, name: str) -> ProviderInfo:
        """The public part of a provider."""
        return await self._pools.run(None, self._engine.provider, name)

    async def configured(self, name: str) -> Provider:
        """The whole provider, secrets included: for this server's own use."""
        return await self._pools.run(None, self._engine.configured, name)

    async def outline(self, name: str) -> Provider:
        """The same, be it incomplete."""
        return await self._pools.run(None, self._engine.outline, name)

    async def login_info(self, login_id: str) -> Login:
        """One login. LoginExpired: it is not known any more."""
        return self.placed(await self._pools.run(None, self._engine.login, login_id))

    async def arrive(self, provider: str, onward: str) -> Login:
        """Begin a silent login; see ``begin_silent``."""
        begin = self._engine.redirect.begin_silent
        return await self._pools.run(pool_of(provider), begin, provider, onward)

    async def onward(self, login: Login) -> str:
        """The path to go on to after a silent login, which ends with this; "" for any other."""
        logins = self._engine.redirect.logins
        onward = await self._pools.run(None, logins.onward, login.id)
        if onward and not login.candidate:
            await self._pools.run(None, self._engine.cancel, login.id)
        return onward

    async def account(self, login: Login) -> AccountInfo | None:
        """The account that a login made, or None if it was signed out since."""
        return await self._pools.run(None, self._engine.account, login.key)

    async def open(self, login: Login, redirect_uri: str, user: str) -> tuple[str, Binding]:
        """The authorization URL for this browser, and its binding cookie."""
        if obstacle := await self._obstacle(login.provider):
            raise obstacle
        if redirect_uri.endswith(self.redirect_path(login.provider)):
            self._visited = origin_of(redirect_uri)
        return await self._pools.run(
            pool_of(login.provider),
            self._engine.open,
            login.id,
            redirect_uri,
            user,
            state_suffix=self.hub.state_suffix if self.hub else "",
        )

    async def listen_at(self, redirect_uri: str, expected: LoopbackCallback) -> str:
        """Have what is ``expected`` at another port of this machine brought here: by a listener, or
        by the Jupyter server that is there. Returns the redirect URI with its port.

        Raises:
            ConfigurationError: another program is there.
        """
        try:
            return self.loopback_callbacks.listen(redirect_uri, expected)
        except PortTaken:
            asked = redirect_uri, expected.binding, expected.callback
            if not await self._pools.run(None, self._neighbour, *asked):
                raise
        return redirect_uri

    async def step(
        self,
        login: Login,
        body: Mapping[str, Any],
        confirm_by: str | None,
        redirect_uri: str = "",
    ) -> Login:
        """Carry out what was entered on the login's page; see ``login_forms.take``."""
        entered = self._engine, login, body, confirm_by, redirect_uri
        await self._pools.run(pool_of(login.provider), login_forms.take, *entered)
        return await self.login_info(login.id)

    async def asks(self, login: Login, confirm_by: str) -> bool:
        """Whether the login accepts this proof; see ``Logins.asks``."""
        return await self._pools.run(None, self._engine.device.logins.asks, login.id, confirm_by)

    async def confirm(self, login: Login, proof: str) -> Login:
        """Store the account that waits for confirmation. LoginFailed: another browser's proof."""
        return await self._pools.run(pool_of(login.provider), self._engine.confirm, login.id, proof)

    async def agree(self, login: Login, lasts: str) -> Login:
        """See ``ConsentGrant.agree``."""
        return await self._pools.run(None, self._engine.consent.agree, login.id, lasts)

    async def lacking(self, login: Login) -> tuple[tuple[str, ...], str]:
        """The fields of the provider to be entered before this login, and why."""
        if not await self._pools.run(None, self._engine.typed.incomplete, login.id):
            return (), ""  # the page of a provider that hangs does not wait for it
        return await self._pools.run(pool_of(login.provider), self._engine.typed.lacking, login.id)

    async def editable(self, login: Login) -> bool:
        """Whether its page may change the client registration; not if that cannot be read."""
        try:
            return await self._pools.run(None, self._engine.typed.editable, login)
        except ConfigurationError:
            return False

    async def keeps_secret(self, login: Login) -> bool:
        """Whether the person's own client secret is kept, which stays unless another is given."""
        return bool(await self._pools.run(None, self._engine.typed.kept_secret, login))

    async def has_accounts(self, provider: str) -> bool:
        """Whether anyone is signed in there."""
        known = await self._pools.run(None, self._engine.accounts)
        return any(each.provider == provider for each in known)

    async def scopes(self, login: Login) -> tuple[str, ...]:
        """The scopes that this login asks for."""
        return await self._pools.run(pool_of(login.provider), self._engine.scopes, login.id)

    async def alternatives(self, login: Login) -> tuple[str, ...]:
        """The other grants that this login could use."""
        return await self._pools.run(None, self._engine.typed.alternatives, login.id)

    async def typed_host(self, login: Login) -> str:
        """The host that gets what is typed on the login's page."""
        return await self._pools.run(pool_of(login.provider), self._engine.typed.host, login.id)

    async def finish(self, response: AuthorizationResponse) -> Login:
        """Finish the login that an authorization response belongs to."""
        logins = self._engine.redirect.logins
        meant = await self._pools.run(None, logins.provider_of, response.state)
        pool = pool_of(meant or response.provider)
        try:
            return self.placed(await self._pools.run(pool, self._engine.finish, response))
        except Unavailable as error:  # too many calls wait, and no browser brings this one again
            fail = self._engine.redirect.fail
            return self.placed(await self._pools.run(None, fail, response, error))

    async def _obstacle(self, provider: str) -> ConfigurationError | None:
        """Why this provider cannot send a browser back here; another grant may do."""
        return self.hub.obstacle(await self.configured(provider)) if self.hub else None


def pool_of(name: str) -> str | None:
    """The pool's name: none is made for what cannot name a provider."""
    return name if names_one(name) else None
