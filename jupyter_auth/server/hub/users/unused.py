"""Signs out of accounts that were not used for longer than their provider's policy allows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import or_

from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.metrics import UNUSED
from jupyter_auth.server.hub.storage.every_account import every_account
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.server.hub.revocations import Revocations
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

DAY = 86400.0  # seconds

_log = logging.getLogger("jupyter_auth")


def days_unused(providers: Iterable[Provider]) -> dict[str, int]:
    """The days after which an unused account ends, by a provider's name and by its issuer.

    By the issuer too: users may find the same provider by the address of an API.
    """
    limited = [(each, each.policy.unused) for each in providers if each.policy]
    days = [(each, unused) for each, unused in limited if unused]
    issuers = {each.issuer: unused for each, unused in days if each.issuer}
    return issuers | {each.name: unused for each, unused in days}


def remove_unused(
    database: Database, cipher: Encryption, revocations: Revocations, days: Mapping[str, int]
) -> None:
    """Remove accounts that were not used for as long as ``days_unused``; queue their revocation.

    A sign-in counts as a use. One that is in use right now is left to the next call.
    """
    if not days:
        return
    row, now = records.c, database.clock()
    long_ago = or_(row.used_at.is_(None), row.used_at < now - min(days.values()) * DAY)
    for found in every_account(database, cipher, long_ago):
        account = found.account
        if account is None:
            continue
        if not (limit := days.get(account.provider) or days.get(account.issuer or "")):
            continue
        since = now - limit * DAY
        if max(account.signed_in_at, found.used_at or 0.0) >= since:
            continue  # without its lease
        try:
            if revocations.remove_unused(found.owner, account.key, since):
                UNUSED.inc()
                event = f"signed out, not used for {limit} days"
                audit.log(event, found.owner.name, account.key, account=account)
        except AuthError as error:
            _log.warning("An unused account could not be removed: %s", error.message)
