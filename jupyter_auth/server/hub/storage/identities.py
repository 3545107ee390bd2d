"""Refuses an identity of another Hub user, who may be tricked into signing in for this one.

See SECURITY 3. The database holds it as a digest under the service's keys: ``Encryption.digests``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from jupyter_auth.core.models import Account
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

KIND = "identity"


def digests(cipher: Encryption, account: Account) -> list[str]:
    """The digests of the account's person, for each key; none for an unnamed one."""
    if account.person.startswith("?"):
        return []
    # A mere user name means something only at its own provider.
    return cipher.digests(json.dumps([account.person, account.issuer or account.provider]))


class Identities:
    """The identities of one database. At providers in ``shared`` several users may have one."""

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
        """The digest to store with the account."""
        return next(iter(digests(self._cipher, account)), None)

    def check(self, account: Account, owner: Owner) -> bool:
        """Whether no other user can have this identity. LoginFailed: another one has it."""
        if account.provider in self._shared or not (found := digests(self._cipher, account)):
            return False
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
        return True

    @contextlib.contextmanager
    def reserved(self, account: Account, owner: Owner) -> Iterator[None]:
        """``check``, and let no other user have this identity within the block."""
        if account.provider in self._shared or not (digest := self.digest(account)):
            yield
            return
        record_id = hashlib.sha256(f"{KIND} {digest}".encode()).hexdigest()
        with self._database.leased(dataclasses.replace(owner.record(KIND), id=record_id)):
            self.check(account, owner)
            yield
