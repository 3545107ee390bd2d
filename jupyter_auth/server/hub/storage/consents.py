"""What a Hub's user lets notebooks use, in the service's database."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from jupyter_auth.core.common.codec import DAMAGED, list_from_json, list_to_json
from jupyter_auth.core.common.override import override
from jupyter_auth.core.consent.store import Consent, ConsentStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption

CONSENTS = "consents"

_log = logging.getLogger("jupyter_auth")


class SqlConsents(ConsentStore):
    """One encrypted record of each user."""

    def __init__(self, database: Database, cipher: Encryption, owner: Owner) -> None:
        self._database = database
        self._cipher = cipher
        self._record = owner.record(CONSENTS)

    @override
    def read(self) -> list[Consent]:
        data = self._database.load(self._record.id)
        if data is None:
            return []
        try:
            return list_from_json(Consent, self._cipher.open(self._record.id, data))
        except DAMAGED:
            _log.warning("Consents of another version are not used: people are asked again.")
            return []

    @override
    @contextlib.contextmanager
    def change(self) -> Iterator[list[Consent]]:
        with self._database.leased(self._record) as lease:
            before = self.read()
            entries = list(before)
            yield entries
            if entries != before:
                sealed = (
                    self._cipher.seal(self._record.id, list_to_json(entries)) if entries else None
                )
                self._database.save(self._record.id, lease, sealed)
