"""A queue of pending revocations in the service's database, which any replica works off.

A record is encrypted as an account's is. Its lease lets one replica try it. After a failed try the
lease is free, ``lease_until`` is when the next try is due, and ``stamp`` counts the tries.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import logging
import random
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.errors import AuthError, ConfigurationError, StoreError
from jupyter_auth.core.models import ApiKeyAccount, Logout
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.tokens.revocation import Revoker, sign_out
from jupyter_auth.core.tokens.store import decoded, encoded
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.found_providers import SqlFoundProviders
from jupyter_auth.server.hub.storage.sql_store import ACCOUNT, SqlStore
from jupyter_auth.server.hub.storage.tables import records
from jupyter_auth.server.hub.storage.upkeep import repeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Row

    from jupyter_auth.core.models import Account, AccountKey
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.server.broker.thread_pools import Pools
    from jupyter_auth.server.hub.storage.database import Database, RecordKey
    from jupyter_auth.server.hub.storage.encryption import Encryption

KIND = "revocation"
BEAT = 10.0  # seconds between two looks at what is due
BATCH = 200  # records at a time
TRY = 90.0  # seconds: more than a try takes, with discovery and a request for each of two tokens
SOON, LATE = 30.0, 6 * 3600.0  # seconds between the first two tries, and between the last ones
AWAY = 60.0  # seconds until a provider that did not answer is asked again
TRIES = 32  # until it is given up: about a week
_NEW_SIGN_IN = "The user has signed in there again since; a revocation could end that sign-in too."


class RevocationResult(NamedTuple):
    """The result of one try. ``waits``: it is tried again, or another replica is trying."""

    provider: str
    revoked: bool
    waits: bool
    note: str


class Revocations:
    """The queue of one database. All methods may raise StoreError."""

    def __init__(
        self,
        database: Database,
        cipher: Encryption,
        providers: Providers,
        party: Callable[[Provider, str | None], Party],
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._providers = providers
        self._party = party
        self._me = secrets.token_hex(16)
        self._at: dict[str | None, asyncio.Task[None]] = {}  # by provider
        self._trouble = ThrottledLog("Revocations wait")

    def of(self, owner: Owner) -> Revoker:
        """A ``Revoker`` that queues this user's revocations."""
        return _QueueingRevoker(self, owner)

    def remove_records(self, owner: Owner, *, mine: bool = False) -> None:
        """Queue the revocation of all of a user's accounts, then delete the user's records.

        In this order a kill between the two loses no token, and the call can be repeated. ``mine``:
        the caller tries them before other replicas do.

        Raises:
            ProviderUnavailable: a replica is using one of them.
        """
        row, store = records.c, SqlStore(self._database, self._cipher, owner)
        full = (row.owner == owner.id, row.kind == ACCOUNT, row.data.is_not(None))
        for found in self._database.rows(select(row.id, row.data).where(*full)):
            known = None
            with contextlib.suppress(StoreError):
                known = store.opened(found.id, found.data)
            if known is None:  # damaged; if it was saved since, the next call takes it
                same = delete(records).where(row.id == found.id, row.data == found.data)
                if self._database.change(same):
                    event = "damaged record dropped, not revoked"
                    audit.log(event, owner.name, level=logging.WARNING)
                continue
            with store.locked(known.key) as slot:
                if account := slot.load():
                    self.put(owner, account, wait=TRY if mine else 0.0, mine=mine)
                    slot.delete()
        rest = delete(records).where(row.owner == owner.id)
        self._database.change(rest.where(or_(row.kind != ACCOUNT, row.data.is_(None))))

    def remove_unused(self, owner: Owner, key: AccountKey, since: float) -> bool:
        """Queue an account's revocation and delete it, unless it was used ``since``, in seconds.

        Raises:
            ProviderUnavailable: a replica is using it.
        """
        store = SqlStore(self._database, self._cipher, owner)
        with store.locked(key) as slot:
            account = slot.load()
            if account is None or max(account.signed_in_at, store.used_at(key) or 0.0) >= since:
                return False
            self.put(owner, account)
            slot.delete()
        with SqlConsents(self._database, self._cipher, owner).change() as consents:
            consents[:] = [each for each in consents if each.key != key]
        return True

    def put(
        self,
        owner: Owner,
        account: Account,
        *,
        wait: float = 0.0,
        mine: bool = False,
        tries: int = 0,
    ) -> None:
        """Queue one, due in ``wait`` seconds; ``mine``: it is tried here first."""
        record = _record(owner, account)
        # In a list: what reads records as accounts, such as key rotation, finds none here.
        now = self._database.clock()
        found = SqlFoundProviders(self._database, self._cipher, owner).tables()
        table = [found[account.provider]] if account.provider in found else []  # it may end first
        content = json.dumps([encoded(account).decode(), now, *table]).encode()
        values = {
            "data": self._cipher.seal(record.id, content),
            "stamp": tries,
            "lease": self._me if mine else None,
            "lease_until": now + wait,
        }
        with contextlib.suppress(IntegrityError):  # it is queued already
            self._database.change(insert(records).values(vars(record) | values))

    def due(self, name: str | None = None) -> dict[str | None, list[Row[Any]]]:
        """What is due, by provider (None: unreadable); of users ``name`` all that is not leased."""
        row = records.c
        statement = select(records).where(row.owner == KIND).order_by(row.lease_until)
        if name is None:
            statement = statement.where(self._lapsed()).limit(BATCH)
        else:
            statement = statement.where(row.user_name == name, self._free())
        found: dict[str | None, list[Row[Any]]] = {}
        for each in self._database.rows(statement):
            provider = None
            with contextlib.suppress(StoreError):
                provider = self._opened(each)[0].provider
            found.setdefault(provider, []).append(each)
        return found

    def count(self, name: str | None = None) -> int:
        """How many are queued, of users of that name or of all."""
        statement = select(func.count()).where(records.c.owner == KIND)
        if name is not None:
            statement = statement.where(records.c.user_name == name)
        return int(self._database.rows(statement)[0][0])

    def attempt(self, found: Row[Any]) -> RevocationResult:
        """Try one that is due."""
        row, until = records.c, self._database.clock() + TRY
        # As it was found: if another replica has tried it since, it is due later.
        same = update(records).where(row.id == found.id, row.stamp == found.stamp, self._free())
        if not self._database.change(same.values(lease=self._me, lease_until=until)):
            note = "A replica of the service is revoking it."
            return RevocationResult("", revoked=False, waits=True, note=note)
        owner, provider = Owner(found.user_name, found.user_created), ""
        try:
            account, since, table = self._opened(found)
            provider = account.provider
            if self._signed_in_again(owner, account, since):
                outcome = Logout(removed=True, revoked=False, note=_NEW_SIGN_IN)
            else:
                outcome = sign_out(account, self._definition(account, table), self._party)
        except AuthError as error:
            waits = self._again(found.id, owner, provider, error.message)
            return RevocationResult(provider, revoked=False, waits=waits, note=error.message)
        self.dequeue(owner, account, outcome)
        return RevocationResult(provider, outcome.revoked, waits=False, note=outcome.note)

    def postpone(self, owner: Owner, account: Account, why: str) -> bool:
        """Record a failed try. Returns whether it will be tried again."""
        record = _record(owner, account)
        with contextlib.suppress(StoreError):
            if self._again(record.id, owner, account.provider, why):
                return True
            self.put(owner, account, wait=_pause(1), tries=1)
            return True
        return False

    def dequeue(self, owner: Owner, account: Account, outcome: Logout) -> None:
        """Remove it from the queue, and log the outcome."""
        with contextlib.suppress(StoreError):  # then it is tried once more
            record = _record(owner, account)
            self._database.change(delete(records).where(records.c.id == record.id))
        done = "revoked" if outcome.revoked else "not revoked"
        event, note = f"{done} at the provider", "" if outcome.revoked else outcome.note
        audit.log(event, owner.name, account.key, account=account, note=note)

    def _again(self, record_id: str, owner: Owner, provider: str, why: str) -> bool:
        """Schedule another try. False: it is given up, or there is no such record."""
        row = records.c
        mine = (row.id == record_id, row.lease == self._me)
        if not (found := self._database.rows(select(row.stamp).where(*mine))):
            return False
        if (tries := found[0].stamp + 1) >= TRIES:
            self._database.change(delete(records).where(*mine))
            audit.log(
                "not revoked at the provider, given up after a week",
                owner.name,
                provider=provider,
                note=f"{why} Revoke the user's access there.",
                level=logging.WARNING,
            )
            return False
        until = self._database.clock() + _pause(tries)
        values = {"stamp": tries, "lease": None, "lease_until": until}
        self._database.change(update(records).where(*mine).values(values))
        return True

    async def run(self, pools: Pools) -> None:
        """Try what is due, until cancelled."""
        try:
            await repeat(functools.partial(self._look, pools), BEAT, self._trouble)
        finally:  # without waiting for a try that hangs
            for task in self._at.values():
                task.cancel()

    async def _look(self, pools: Pools) -> None:
        for provider, waiting in (await asyncio.to_thread(self.due)).items():
            if provider not in self._at or self._at[provider].done():
                trying = self._in_turn(pools, provider, waiting)
                self._at[provider] = asyncio.create_task(trying)

    async def _in_turn(self, pools: Pools, provider: str | None, waiting: list[Row[Any]]) -> None:
        """Try one after the other, in one of the provider's threads: users have the others."""
        for each in waiting:
            try:
                attempt = functools.partial(self.attempt, each)
                tried = await pools.pool(provider).run(KIND, attempt)
            except AuthError as error:
                self._trouble.failed(error)
                return
            except Exception as error:  # noqa: BLE001 (the others are tried)
                self._trouble.failed(error)
                continue
            if tried.waits and tried.provider:  # it is away: the others would hang too
                await asyncio.to_thread(self._put_off, [each.id for each in waiting])
                return

    def _put_off(self, ids: list[str]) -> None:
        """Delay these, so that a batch has room for others."""
        these = update(records).where(records.c.id.in_(ids), self._lapsed())
        with contextlib.suppress(StoreError):
            self._database.change(these.values(lease_until=self._database.clock() + AWAY))

    def _lapsed(self) -> ColumnElement[bool]:
        return records.c.lease_until <= self._database.clock()

    def _free(self) -> ColumnElement[bool]:
        """Not being tried elsewhere, due or not."""
        lease = records.c.lease
        return or_(self._lapsed(), lease.is_(None), lease == self._me)

    def _signed_in_again(self, owner: Owner, account: Account, since: float) -> bool:
        """Many providers end the whole grant, whichever token is revoked (RFC 7009 2.1)."""
        return any(
            each.signed_in_at > since and account.may_share_grant(each)
            for each in SqlStore(self._database, self._cipher, owner).accounts()
        )

    def _opened(self, row: Row[Any]) -> tuple[Account, float, Any]:
        """The account to revoke, when it was queued, and its provider if the user had found it."""
        try:
            account, since, *table = json.loads(self._cipher.open(row.id, row.data))
            return decoded(account.encode()), float(since), next(iter(table), None)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise StoreError("A database record is damaged.") from None

    def _definition(self, account: Account, table: Any) -> Provider | None:
        """The provider that it was made with, for people or for services; ``table``: as found."""
        found = functools.partial(provider_from_mapping, mapping=table)
        for find in (found,) if table else (self._providers.get, self._providers.service):
            with contextlib.suppress(ConfigurationError):
                if (provider := find(account.provider)).fingerprint == account.fingerprint:
                    return provider
        return None


class _QueueingRevoker(Revoker):
    """One user's revoker, which queues what cannot be revoked at once."""

    def __init__(self, revocations: Revocations, owner: Owner) -> None:
        super().__init__()
        self._revocations, self._owner = revocations, owner

    def expect(self, account: Account) -> None:
        if not isinstance(account, ApiKeyAccount):
            self._revocations.put(self._owner, account, wait=TRY, mine=True)

    def later(self, account: Account, attempt: Callable[[], Logout], why: str) -> str:  # noqa: ARG002
        if self._revocations.postpone(self._owner, account, why):
            return "The service keeps trying."
        return "It could not be queued for later either: revoke the access there."

    def settled(self, account: Account, outcome: Logout) -> None:
        self._revocations.dequeue(self._owner, account, outcome)


def _record(owner: Owner, account: Account) -> RecordKey:
    """The record's key, without an owner: it outlives the user."""
    record = owner.record(KIND, account.provider, account.access_token.digest)
    return dataclasses.replace(record, owner=KIND)


def _pause(tries: int) -> float:
    """Seconds until the next try, with jitter: what failed together must not return together."""
    return min(SOON * 4.0 ** (tries - 1), LATE) * random.uniform(0.75, 1.25)  # noqa: S311
