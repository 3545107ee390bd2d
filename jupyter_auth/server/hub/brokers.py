"""The brokers of a Hub's users, over one database and one set of threads."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError, ConfigurationError, NextStep
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Parties
from jupyter_auth.core.registration.client_document import PUBLISHED
from jupyter_auth.core.registration.clients import Clients
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.broker import Broker, Wire
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.login_pages import pool_of
from jupyter_auth.server.broker.long_poll import PollLimit, WaitLimit
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin
from jupyter_auth.server.broker.same_person import SamePerson
from jupyter_auth.server.broker.thread_pools import SHARE, Pools
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.metrics import LOGINS, LOGOUTS, TOKENS, TimedEngine
from jupyter_auth.server.hub.revocations import Revocations
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.counters import SharedCounters
from jupyter_auth.server.hub.storage.found_providers import SqlFoundProviders
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.poll import DatabasePoll
from jupyter_auth.server.hub.storage.sql_registrations import SqlRegistrations
from jupyter_auth.server.hub.storage.sql_store import USE, SqlLoginStore, SqlStore
from jupyter_auth.server.hub.storage.upkeep import Maintenance

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.login.admission import Admission
    from jupyter_auth.core.login.login_store import AuthorizationResponse
    from jupyter_auth.core.models import Account, AccountInfo, Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.server.config import Settings
    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption

MOST = 2000  # brokers that are kept; making one takes a tenth of a millisecond
WAITERS = 64  # long polls of one user at a time: one for each kernel with a session
DRAIN = 30.0  # seconds at most that a stopping replica goes on answering
PACE = 0.002  # seconds between two users whose polls are answered: 2,000 in four
QUIET = 10  # checks in a row that find nothing to do
REMEMBERED = 1000  # uses and logins of one user, not to log them twice

T = TypeVar("T")
V = TypeVar("V")

_log = logging.getLogger("jupyter_auth")


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
        with contextlib.suppress(AuthError):
            await self._pools.run(None, self._store.used, key)
        self._tell("token used", key, await self._account(key), notebook)

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
        self._tell("sign-in asked for", key, notebook=login.get("notebook"))
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


class HubBrokers:
    """Finds a user's broker. Only the last used and the busy ones are kept: making one is cheap."""

    hub = None

    def __init__(
        self,
        settings: Settings,
        providers: Providers,
        database: Database,
        cipher: Encryption,
        *,
        base_url: str,
        gone: Callable[[Owner], bool] = lambda _: False,
        poll_limit: PollLimit | None = None,
    ) -> None:
        self.base_url = base_url
        self.public_origin = settings.public_origin
        self._settings = settings
        self._providers = providers
        self._administered = frozenset(each.name for each in providers.all())
        self._database = database
        self._cipher = cipher
        self._identities = Identities(database, cipher, settings.shared_identities, gone)
        self._discovery = Discovery(database.clock)
        self._pools = Pools(share=SHARE)
        registrations = SqlRegistrations(database, cipher)
        document = settings.client_document or PUBLISHED
        self.clients = Clients(registrations, database.clock, document)
        parties = Parties(
            providers,
            self._discovery,
            trusts_code=False,
            with_client=self.clients.with_client,
        )
        self.revocations = Revocations(database, cipher, providers, parties.at)
        self._poll_limit = poll_limit or PollLimit()
        self._database_poll = DatabasePoll(database, self._pools.of(""))
        self.counters = SharedCounters(database)
        self._working: asyncio.Task[None] | None = None
        self._upkeep = Maintenance(database, cipher, self._unsaved, self.counters)
        self._brokers: OrderedDict[str, AuditedBroker] = OrderedDict()
        self._groups: dict[str, frozenset[str]] = {}  # of their owners, as the Hub said last

    async def of(self, user: Any) -> Broker:
        """The broker of a user of ``HubIdentity``."""
        return self.of_owner(user.owner)

    def of_owner(self, owner: Owner) -> AuditedBroker:
        """The broker of this user."""
        self._groups[owner.id] = owner.groups
        found = self._brokers.get(owner.id)
        if found is None:
            found = self._brokers[owner.id] = self._made(owner)
            self._forget_idle()
        self._brokers.move_to_end(owner.id)
        return found

    def engine(self, owner: Owner, store: SqlStore | None = None) -> Engine:
        """The engine of this user's records. ``store`` None: one of its own."""
        record = self._database, self._cipher, owner
        engine = TimedEngine(
            self._providers.with_found(
                SqlFoundProviders(*record),
                lambda groups: not self._groups.get(owner.id, frozenset()).isdisjoint(groups),
            ),
            store or self._store(owner),
            clock=self._database.clock,
            login_lifetime=self._settings.login_lifetime,
            login_store=SqlLoginStore(*record),
            discovery=self._discovery,
            admit=self._admission(owner),
            revoker=self.revocations.of(owner),
            clients=self.clients,
            consents=SqlConsents(*record) if self._settings.consent else None,
        )
        engine.administered = self._administered
        return engine

    def _store(self, owner: Owner) -> SqlStore:
        return SqlStore(self._database, self._cipher, owner, self._identities)

    def _admission(self, owner: Owner) -> Admission:
        same_person = SamePerson(owner.name, self._settings.same_person)

        def admit(account: Account, party: Party, claim: Callable[[str], Any]) -> None:
            # First: tokens of a person who is signed in for another user are not revoked. At many
            # providers that would sign the other user out.
            self._identities.check(account, owner)
            same_person(account, party, claim)

        return admit

    def _made(self, owner: Owner) -> AuditedBroker:
        confirm = self._settings.confirm
        store = self._store(owner)
        news = functools.partial(self._database_poll.has_news, owner.id, [])
        return AuditedBroker(
            self.engine(owner, store),
            store,
            owner,
            base_url=self.base_url,
            public_origin=self.public_origin,
            default_provider=self._settings.default_provider,
            known_browsers=KnownBrowsers.of_server(owner.name, os.environ, confirm=confirm),
            pools=self._pools.of(owner.id),
            waits=WaitLimit(WAITERS, self._poll_limit, news),
        )

    def _forget_idle(self) -> None:
        surplus = len(self._brokers) - MOST
        for name, broker in list(self._brokers.items())[: 2 * max(0, surplus)]:
            if not broker.busy:
                del self._brokers[name], self._groups[name]

    def start(self) -> None:
        """Start what a replica does by itself: leases, unsaved tokens, pending revocations."""
        self._upkeep.start()
        self._working = asyncio.create_task(self.revocations.run(self._pools))

    def _unsaved(self) -> list[Callable[[], None]]:
        """A call that saves again, for each user with unsaved tokens."""
        return [each.engine.save_again for each in list(self._brokers.values()) if each.engine.busy]

    async def drain(self) -> None:
        """Answer all polls, one by one, and return once all requests are answered and saved."""
        if self._working:
            self._working.cancel()
        for broker in list(self._brokers.values()):
            busy = broker.busy
            broker.answer_polls()
            if busy:
                await asyncio.sleep(PACE)  # they all turn to the next replica
        loop = asyncio.get_running_loop()
        deadline, quiet = loop.time() + DRAIN, 0
        while quiet < QUIET and loop.time() < deadline:
            done = self._pools.idle and not self._unsaved()
            quiet = quiet + 1 if done else 0  # a request is idle between two calls
            await asyncio.sleep(0.05)
        if lost := len(self._unsaved()):
            _log.error("Tokens of %d users could not be saved: they have to sign in again.", lost)

    def close(self) -> None:
        """Stop without waiting for running calls."""
        self._upkeep.close()
        self._database_poll.close()
        for broker in self._brokers.values():
            broker.close()
        self._pools.close()
