"""The brokers of a Hub's users, over one database and one set of threads."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.override import override
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError, NextStep
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Parties
from jupyter_auth.core.registration.client_document import PUBLISHED
from jupyter_auth.core.registration.clients import Clients
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.broker import Broker, Wire
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.long_poll import PollLimit, WaitLimit
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin
from jupyter_auth.server.broker.same_person import SamePerson
from jupyter_auth.server.broker.thread_pools import SHARE, Pools
from jupyter_auth.server.hub.metrics import LOGINS, LOGOUTS, TOKENS
from jupyter_auth.server.hub.revocations import Revocations
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.found_providers import SqlFoundProviders
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.poll import DatabasePoll
from jupyter_auth.server.hub.storage.sql_registrations import SqlRegistrations
from jupyter_auth.server.hub.storage.sql_store import SqlLoginStore, SqlStore
from jupyter_auth.server.hub.storage.upkeep import Maintenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.login.admission import Admission
    from jupyter_auth.core.login.login_store import AuthorizationResponse
    from jupyter_auth.core.models import Account, Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.server.config import Settings
    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption

MOST = 2000  # brokers that are kept; making one takes a tenth of a millisecond
WAITERS = 64  # long polls of one user at a time: one for each kernel with a session
DRAIN = 30.0  # seconds at most that a stopping replica goes on answering
PACE = 0.002  # seconds between two users whose polls are answered: 2,000 in four
QUIET = 10  # checks in a row that find nothing to do

_log = logging.getLogger("jupyter_auth")
_audit = logging.getLogger("jupyter_auth.audit")


class AuditedBroker(Broker):
    """Logs and counts who did what at which provider, without tokens."""

    on_hub = True

    def __init__(self, engine: Engine, owner: Owner, **options: Any) -> None:
        super().__init__(engine, **options)
        self.engine = engine
        self.own_host = bool(separate_hub_origin())
        self._fetching = 0
        self._refused: set[str] = set()  # providers: an audit does not need each call's refusal
        self._owner = owner

    @override
    async def token(self, body: Mapping[str, Any]) -> Wire:
        self._fetching += 1
        try:
            answer = await super().token(body)
        except AuthError as error:
            TOKENS.labels(error.code).inc()
            provider = str(body.get("provider"))
            if error.code == "refresh_rejected" and provider not in self._refused:
                self._refused.add(provider)
                self._tell("refresh refused by the provider", provider)
            raise
        finally:
            self._fetching -= 1
        TOKENS.labels("ok").inc()
        self._refused.discard(str(body.get("provider")))
        return answer

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
        self._tell("provider found by its address", found["name"])
        return found

    @override
    async def begin(self, body: Mapping[str, Any]) -> Wire:
        login = await super().begin(body)
        self._tell("sign-in asked for", login["provider"])
        return login

    @override
    async def finish(self, response: AuthorizationResponse) -> Login:
        login = await super().finish(response)
        self._count(login)
        return login

    @override
    async def confirm(self, login: Login, proof: str) -> Login:
        login = await super().confirm(login, proof)
        self._count(login)
        return login

    @override
    async def logout(self, query: Mapping[str, Any]) -> Wire:
        outcome = await super().logout(query)
        if outcome["removed"]:
            LOGOUTS.inc()
            self._tell("signed out", str(query.get("provider")))
        return outcome

    def _count(self, login: Login) -> None:
        LOGINS.labels(login.status).inc()
        self._tell(f"sign-in {login.status}", login.provider)

    def _tell(self, what: str, provider: str) -> None:
        _audit.info("%s: user=%r provider=%r", what, self._owner.name, provider)


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
        self._working: asyncio.Task[None] | None = None
        self._upkeep = Maintenance(database, cipher, self._unsaved)
        self._brokers: OrderedDict[str, AuditedBroker] = OrderedDict()

    async def of(self, user: Any) -> Broker:
        """The broker of a user of ``HubIdentity``."""
        return self.of_owner(user.owner)

    def of_owner(self, owner: Owner) -> Broker:
        """The broker of this user."""
        found = self._brokers.get(owner.id)
        if found is None:
            found = self._brokers[owner.id] = self._made(owner)
            self._forget_idle()
        self._brokers.move_to_end(owner.id)
        return found

    def engine(self, owner: Owner) -> Engine:
        """The engine of this user's records."""
        record = self._database, self._cipher, owner
        return Engine(
            self._providers.with_found(SqlFoundProviders(*record)),
            SqlStore(self._database, self._cipher, owner, self._identities),
            clock=self._database.clock,
            login_lifetime=self._settings.login_lifetime,
            login_store=SqlLoginStore(*record),
            discovery=self._discovery,
            admit=self._admission(owner),
            revoker=self.revocations.of(owner),
            clients=self.clients,
            consents=SqlConsents(*record) if self._settings.consent else None,
        )

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
        news = functools.partial(self._database_poll.has_news, owner.id, [])
        return AuditedBroker(
            self.engine(owner),
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
                del self._brokers[name]

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
