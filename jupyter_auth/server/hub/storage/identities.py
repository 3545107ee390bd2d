"""Whose identity is whose on a Hub: one that rests with a user is refused to all others.

That is what stays of an attack in which somebody is made to sign in for somebody else (SECURITY 3).
A record of the database says it by a digest under the service's keys: see ``Encryption.digests``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.server.hub.storage.database import Owner, RecordKey
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from jupyter_auth.core.models import Account
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

KIND = "identity"


def digests(cipher: Encryption, account: Account) -> list[str]:
    """What the account's person is found by, under each key; none where nobody is named."""
    if account.person.startswith("?"):
        return []
    # A mere user name says something at its own provider alone.
    return cipher.digests(json.dumps([account.person, account.issuer or account.provider]))


class Identities:
    """Those of one database. ``shared``: providers at which several users may be one person.

    ``gone`` says of a user whose records are there still whether the Hub has deleted that one.
    """

    def __init__(
        self,
        database: Database,
        cipher: Encryption,
        shared: Collection[str] = (),
        gone: Callable[[Owner], bool] = lambda _: False,
    ) -> None:
        self._database, self._cipher = database, cipher
        self._shared, self._gone = frozenset(shared), gone

    def digest(self, account: Account) -> str | None:
        """What is written down beside the account."""
        return next(iter(digests(self._cipher, account)), None)

    def check(self, account: Account, owner: Owner) -> None:
        """LoginFailed: this identity rests with another user of the Hub."""
        if account.provider in self._shared or not (found := digests(self._cipher, account)):
            return
        row = records.c
        others = select(row.user_name, row.user_created).distinct()
        others = others.where(row.person.in_(found), row.user_name != owner.name)
        for other in self._database.rows(others.where(row.data.is_not(None))):
            if not self._gone(Owner(other.user_name, other.user_created)):
                raise LoginFailed(
                    f"{account.username or account.subject} at this provider is the account of"
                    " another user of this JupyterHub.",
                    hint="Nothing was saved. Sign out at the provider, then sign in as"
                    " yourself. If users are meant to share it, the Hub's administrator can"
                    " list the provider in c.JupyterAuth.shared_identities:"
                    f" {account.provider!r}.",
                )

    @contextlib.contextmanager
    def reserved(self, account: Account, owner: Owner) -> Iterator[None]:
        """Nobody else gets this identity meanwhile, of two who try at once. Errors: ``check``."""
        if account.provider in self._shared or not (digest := self.digest(account)):
            yield
            return
        lease = RecordKey(
            id=hashlib.sha256(f"{KIND} {digest}".encode()).hexdigest(),
            owner=owner.id,
            kind=KIND,
            user_name=owner.name,
            user_created=owner.created,
        )
        with self._database.leased(lease):
            self.check(account, owner)
            yield
