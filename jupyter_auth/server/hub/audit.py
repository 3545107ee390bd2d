"""The audit log: who did what with which account, when and from where. Never a token.

The logger ``jupyter_auth.audit`` gets one line for each event. Values are quoted as in JSON, so
that no name, however odd, looks like another value or another line.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jupyter_auth.core.common.override import override

if TYPE_CHECKING:
    from jupyter_auth.core.models import Account, AccountInfo, AccountKey

_log = logging.getLogger("jupyter_auth.audit")
_address: ContextVar[str] = ContextVar("address", default="")


def came_from(address: str) -> None:
    """Set the address that the rest of this request is logged with."""
    _address.set(address)


def log(
    event: str,
    user: str,
    key: AccountKey | None = None,
    *,
    provider: str = "",
    account: Account | AccountInfo | None = None,
    notebook: str | None = None,
    note: str = "",
    level: int = logging.INFO,
) -> None:
    """Log an event of a Hub user, with the time in UTC and the request's address.

    ``account`` gives its subject: the ``sub``, or the user name. What is empty is left out. The
    record's ``audit`` is a dict of the same fields.
    """
    if not _log.isEnabledFor(level):
        return
    given = {
        "user": user,
        "provider": key.provider if key else provider,
        "session_key": key.session_key if key else "",
        "subject": (account.subject or account.username) if account else "",
        "address": _address.get(),
        "notebook": notebook,
        "note": note,
    }
    fields = {name: value for name, value in given.items() if value}
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    said = " ".join(f"{name}={json.dumps(value)}" for name, value in fields.items())
    of_record = {"audit": {"time": now, "event": event, **fields}}
    _log.log(level, "%s %s: %s", now, event, said, extra=of_record)


class JSONLines(logging.Formatter):
    """Formats each event as a JSON object on one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(getattr(record, "audit", {"event": record.getMessage()}))
