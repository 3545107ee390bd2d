"""The providers that a Hub's user has found by the addresses of APIs, in the service's database."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.layers import FoundProviders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption

FOUND = "found"
MOST = 50  # of one user

_log = logging.getLogger("jupyter_auth")


class SqlFoundProviders(FoundProviders):
    """One encrypted record of each user."""

    def __init__(self, database: Database, cipher: Encryption, owner: Owner) -> None:
        self._database = database
        self._cipher = cipher
        self._record = owner.record(FOUND)

    @override
    def tables(self) -> dict[str, Any]:
        data = self._database.load(self._record.id)
        if data is None:
            return {}
        try:
            (tables,) = json.loads(self._cipher.open(self._record.id, data))
            return dict(tables)
        except (ValueError, TypeError):
            _log.warning("Providers that were found by another version are not used.")
            return {}

    @override
    def keep(self, name: str, fields: Mapping[str, Any]) -> None:
        with self._change() as tables:
            if name not in tables and len(tables) >= MOST:
                raise ConfigurationError(
                    f"You have found {MOST} providers by their addresses, which is the most.",
                    hint="Remove one that you no longer use: `jupyter auth remove NAME`.",
                )
            tables.setdefault(name, dict(fields))

    @override
    def forget(self, name: str) -> None:
        with self._change() as tables:
            tables.pop(name, None)

    @contextlib.contextmanager
    def _change(self) -> Iterator[dict[str, Any]]:
        with self._database.leased(self._record) as lease:
            before = self.tables()
            tables = dict(before)
            yield tables
            if tables != before:
                # In a list: what reads records as accounts, such as key rotation, finds none here.
                content = json.dumps([tables]).encode()
                sealed = self._cipher.seal(self._record.id, content) if tables else None
                self._database.save(self._record.id, lease, sealed)
