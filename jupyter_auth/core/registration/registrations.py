"""Clients that registered themselves, and where they are kept: like client secrets."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Protocol

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.private_files import PrivateList
from jupyter_auth.core.errors import ConfigurationError, StoreError
from jupyter_auth.core.protocol.parties import Client
from jupyter_auth.core.provider.field_types import URLS, ClientAuth
from jupyter_auth.core.record import record
from jupyter_auth.core.secret import Secret  # noqa: TC001 (the codec reads the fields' types)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from jupyter_auth.core.protocol.parties import Party

MOST = 50  # at one provider
EARLY = 60.0  # seconds before its end from which a client secret is not used any more
LOCK_TIMEOUT = 90.0  # seconds: longer than it takes to register

_log = logging.getLogger("jupyter_auth")


class RegistrationRefused(ConfigurationError):
    """The provider does not register this client, or not as it has to."""


@record(frozen=True, kw_only=True)
class Registration:
    """A client that registered itself (RFC 7591 3.2.1).

    ``redirect_uri``: the only one that it is for; empty: it is for device codes. ``scopes`` are
    those that were asked for. ``expires_at``: when the secret ends, in seconds since 1970; None:
    never. ``managed_at`` and ``access_token``: where and by what it can be deleted (RFC 7592).
    """

    client_id: str
    client_secret: Secret | None = None
    client_auth: ClientAuth = "none"
    redirect_uri: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None
    managed_at: str = ""
    access_token: Secret | None = None

    @property
    def client(self) -> Client:
        """What requests need of it."""
        return Client(
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_auth=self.client_auth,
        )

    def serves(self, redirect_uri: str, scopes: Sequence[str], now: float) -> bool:
        """Whether a sign-in can use it."""
        lasts = self.expires_at is None or now < self.expires_at - EARLY
        return lasts and self.redirect_uri == redirect_uri and {*scopes} <= {*self.scopes}


def place_of(party: Party) -> str:
    """A digest of the provider, and of wherever its client secrets are sent: registrations are
    kept for that, and never used elsewhere.
    """
    urls = {name: getattr(party.endpoints, name) for name in URLS}
    where = [party.provider.name, party.endpoints.issuer, party.provider.ca_bundle, urls]
    return hashlib.sha256(json.dumps(where, sort_keys=True).encode()).hexdigest()


class RegistrationStore(Protocol):
    """The registrations, by ``place_of``."""

    shared: bool = False  # whether they are of several people

    def read(self, place: str) -> list[Registration]:
        """Those at one provider, the oldest first. Raises StoreError."""

    def change(self, place: str) -> AbstractContextManager[list[Registration]]:
        """Exclusive access to them; changes are saved if the block succeeds.

        Raises:
            StoreError: they cannot be saved.
        """


class MemoryRegistrations(RegistrationStore):
    """Registrations that end with this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[str, list[Registration]] = {}

    @override
    def read(self, place: str) -> list[Registration]:
        return list(self._kept.get(place, ()))

    @override
    @contextlib.contextmanager
    def change(self, place: str) -> Iterator[list[Registration]]:
        with self._lock:
            entries = self.read(place)
            yield entries
            self._kept[place] = entries


class FileRegistrations(RegistrationStore):
    """Registrations in private files, one for each provider."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "registrations"

    @override
    def read(self, place: str) -> list[Registration]:
        """None where a file is damaged: the client is registered again."""
        return self._at(place).read()

    @override
    def change(self, place: str) -> AbstractContextManager[list[Registration]]:
        return self._at(place).change(LOCK_TIMEOUT)

    def _at(self, place: str) -> PrivateList[Registration]:
        path = self._directory / f"{place}.json"
        return PrivateList(path, Registration, unusable=_no_access, damaged=_damaged)


def _damaged(path: Path) -> None:
    _log.warning("%s was damaged. Its clients will be registered again.", path)


def _no_access(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The clients registered for you are kept in {path}, which cannot be used:"
        f" {error.strerror or error}.",
        hint="Make it a file that you alone can read and write, or move it away.",
    )
