"""The brokers of a Hub's users, over one database and one set of threads."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Parties
from jupyter_auth.core.registration.client_document import PUBLISHED
from jupyter_auth.core.registration.clients import Clients
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.long_poll import PollLimit, WaitLimit
from jupyter_auth.server.broker.same_person import SamePerson
from jupyter_auth.server.broker.thread_pools import SHARE, Pools
from jupyter_auth.server.hub.audited_broker import AuditedBroker
from jupyter_auth.server.hub.metrics import TimedEngine
from jupyter_auth.server.hub.revocations import Revocations
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.counters import SharedCounters
from jupyter_auth.server.hub.storage.found_providers import SqlFoundProviders
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.poll import DatabasePoll
from jupyter_auth.server.hub.storage.sql_registrations import SqlRegistrations
from jupyter_auth.server.hub.storage.sql_store import SqlLoginStore, SqlStore
from jupyter_auth.server.hub.storage.upkeep import Maintenance

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.login.admission import Admission
    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.server.broker.broker import Broker
    from jupyter_auth.server.config import Settings
    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption

MOST = 2000  # brokers that are kept; making one takes a tenth of a millisecond
WAITERS = 64  # long polls of one user at a time: one for each kernel with a session
DRAIN = 30.0  # seconds at most that a stopping replica goes on answering
PACE = 0.002  # seconds between two users whose polls are answered: 2,000 in four
QUIET = 10  # checks in a row that find nothing to do

_log = logging.getLogger("jupyter_auth")


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

        def admit(account: Account, party: Party, claim: Callable[[str], Any]) -> bool:
            # First: tokens of a person who is signed in for another user are not revoked. At many
            # providers that would sign the other user out.
            alone = self._identities.check(account, owner)
            return same_person(account, party, claim) and alone

        return admit

    def _made(self, owner: Owner) -> AuditedBroker:
        confirm = self._settings.confirm
        store = self._store(owner)
        changed = functools.partial(self._database_poll.has_news, owner.id, [])
        engine = self.engine(owner, store)
        return AuditedBroker(
            engine,
            store,
            owner,
            base_url=self.base_url,
            public_origin=self.public_origin,
            default_provider=self._settings.default_provider,
            known_browsers=KnownBrowsers.of_server(owner.name, os.environ, confirm=confirm),
            pools=self._pools.of(owner.id),
            waits=WaitLimit(
                WAITERS,
                self._poll_limit,
                lambda: changed() or bool(engine.consents and engine.consents.ended()),
            ),
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
