"""A user's broker on the Hub, which logs and counts who did what."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.consent.consents import GRANT as CONSENT
from jupyter_auth.core.errors import AuthError, ConfigurationError, NextStep
from jupyter_auth.core.models import AccountKey
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.broker import Broker, Wire
from jupyter_auth.server.broker.login_pages import pool_of
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.metrics import LOGINS, LOGOUTS, TOKENS
from jupyter_auth.server.hub.storage.sql_store import USE, SqlStore

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.login.login_store import AuthorizationResponse
    from jupyter_auth.core.models import AccountInfo, Login
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.server.hub.storage.database import Owner

REMEMBERED = 1000  # uses and logins of one user, not to log them twice

T = TypeVar("T")
V = TypeVar("V")


class AuditedBroker(Broker):
    """Logs and counts who did what at which provider, without tokens."""

    on_hub = True

    def __init__(self, engine: Engine, store: SqlStore, owner: Owner, **options: Any) -> None:
        super().__init__(engine, **options)
        self.engine = engine
        self.own_host = bool(separate_hub_origin())
        self._store = store
        self._owner = owner
        self._fetching = 0
        self._refused: set[AccountKey] = set()  # an audit does not need each call's refusal
        self._uses: OrderedDict[tuple[AccountKey, str], float] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()  # ids of logins
        self._noting: set[asyncio.Task[object]] = set()

    @override
    async def token(self, body: Mapping[str, Any]) -> Wire:
        self._fetching += 1
        try:
            answer = await super().token(body)
        except AuthError as error:
            TOKENS.labels(error.code).inc()
            if error.code == "refresh_rejected" and (key := _key(body)) not in self._refused:
                self._refused.add(key)
                self._tell("refresh refused by the provider", key, await self._account(key))
            raise
        finally:
            self._fetching -= 1
        TOKENS.labels("ok").inc()
        self._refused.discard(_key(body))
        self._used(body)
        return answer

    def _used(self, body: Mapping[str, Any]) -> None:
        """Note the first use of an account by a notebook in each hour."""
        use = _key(body), request_parsing.shown(body, "notebook") or ""
        now = self._store.clock()
        if now - self._uses.get(use, -USE) < USE:
            return
        _remember(self._uses, use, now)
        # In the background: with the database away a token is still answered.
        self._begin(self._note(*use, of_person="grant" not in body))

    async def _note(self, key: AccountKey, notebook: str, *, of_person: bool) -> None:
        if not of_person:
            self._tell("token of the service account used", key, notebook=notebook)
            return
        await self._note_use(key)
        self._tell("token used", key, await self._account(key), notebook)

    async def _note_use(self, key: AccountKey) -> None:
        with contextlib.suppress(AuthError):
            await self._pools.run(None, lambda: self._store.used(self.engine.source_of(key)))

    @override
    async def usage(self, body: Mapping[str, Any]) -> Wire:
        """As in ``Broker``. A use too: a kernel asks for no token while it has one."""
        found = await super().usage(body)
        if not found.get("client_id"):
            self._begin(self._note_use(_key(body)))
        return found

    @property
    def busy(self) -> bool:
        """Also while a token is fetched, which may then have to be saved."""
        return self._fetching > 0 or super().busy

    async def import_accounts(self, body: Mapping[str, Any]) -> Wire:
        """Raise ConfigurationError: the files here are the service's own, not a user's."""
        raise ConfigurationError(
            "Importing sign-ins of other packages is not available on a JupyterHub.",
            next_step=NextStep("sign_in", request_parsing.required(body, "provider")),
        )

    @override
    async def find(self, body: Mapping[str, Any]) -> Wire:
        found = await super().find(body)
        audit.log("provider found by its address", self._owner.name, provider=found["name"])
        return found

    @override
    async def begin(self, body: Mapping[str, Any]) -> Wire:
        login = await super().begin(body)
        key = AccountKey(login["provider"], login.get("session_key", DEFAULT_KEY))
        what = "consent" if login.get("grant") == CONSENT else "sign-in"
        self._tell(f"{what} asked for", key, notebook=login.get("notebook"))
        return login

    @override
    async def finish(self, response: AuthorizationResponse) -> Login:
        return await self._counted(await super().finish(response))

    @override
    async def confirm(self, login: Login, proof: str) -> Login:
        return await self._counted(await super().confirm(login, proof))

    @override
    async def step(self, login: Login, *given: Any, **more: Any) -> Login:
        return await self._counted(await super().step(login, *given, **more))

    @override
    async def agree(self, login: Login, lasts: str) -> Login:
        return await self._counted(await super().agree(login, lasts))

    @override
    async def revoke_consent(self, query: Mapping[str, Any]) -> Wire:
        revoked = await super().revoke_consent(query)
        if revoked["removed"]:
            self._tell("consent revoked", _key(query), notebook=query.get("notebook"))
        return revoked

    @override
    async def end(self, login_id: str, query: Mapping[str, Any]) -> Wire:
        ended = await super().end(login_id, query)
        await self._counted(await self.login_info(login_id))
        return ended

    @override
    def _polled(self, login: Login) -> None:
        self._begin(self._counted(login))

    def _begin(self, call: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(call)
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    @override
    async def logout(self, query: Mapping[str, Any]) -> Wire:
        key = _key(query)
        account = await self._account(key)
        outcome = await super().logout(query)
        if outcome["removed"]:
            LOGOUTS.inc()
            self._tell("signed out", key, account)
            self._forget_uses(key)
        return outcome

    async def _counted(self, login: Login) -> Login:
        """Log and count how a login ended, once."""
        if login.status != "pending" and login.id not in self._ended:
            _remember(self._ended, login.id, None)
            if login.grant == CONSENT:
                said = "given" if login.status == "complete" else login.status
                self._tell(f"consent {said}", login.key, notebook=login.notebook)
                return login
            LOGINS.labels(login.status).inc()
            account = None
            if login.status == "complete":
                self._forget_uses(login.key)
                account = await self._account(login.key)
            self._tell(f"sign-in {login.status}", login.key, account, login.notebook)
        return login

    async def adopt(self, provider: str, refresh_token: Secret) -> None:
        """Take over a sign-in to the Hub itself."""
        adopt = self._engine.adopt
        account = await self._pools.run(pool_of(provider), adopt, provider, refresh_token)
        self._forget_uses(account.key)
        self._tell("sign-in taken over from the Hub", account.key, account)

    async def refresh(self, provider: str) -> None:
        """Refresh the default account's token if it is due. Raises as ``Engine.token``."""
        await self._pools.run(pool_of(provider), self._engine.token, provider)

    async def trouble(self, provider: str) -> str:
        """Why the default account is not renewed now, or ""; see ``AccountInfo``."""
        account = await self._account(AccountKey(provider))
        return account.trouble if account else ""

    def _forget_uses(self, key: AccountKey) -> None:
        """The next account of this name is another."""
        for use in [each for each in self._uses if each[0] == key]:
            del self._uses[use]

    async def _account(self, key: AccountKey) -> AccountInfo | None:
        with contextlib.suppress(AuthError):
            return await self._pools.run(None, self._engine.account, key)
        return None

    def _tell(
        self,
        event: str,
        key: AccountKey,
        account: AccountInfo | None = None,
        notebook: str | None = None,
    ) -> None:
        audit.log(event, self._owner.name, key, account=account, notebook=notebook)


def _key(given: Mapping[str, Any]) -> AccountKey:
    return AccountKey(str(given.get("provider")), str(given.get("session_key") or DEFAULT_KEY))


def _remember(kept: OrderedDict[T, V], key: T, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
