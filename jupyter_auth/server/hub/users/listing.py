"""``jupyter auth hub accounts``: users' accounts as lines of a table or of JSON, never a token."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.wire import info_to_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_auth.server.hub.storage.every_account import StoredAccount

DAMAGED = "The record is damaged, or encrypted with an unknown key."
WIDTH = 200  # characters at most of one value
# Of the table: the headings, and the widths of columns; the last one has none.
COLUMNS = {
    "USER": 20,
    "PROVIDER": 14,
    "SESSION KEY": 12,
    "PERSON": 24,
    "SIGNED IN (UTC)": 16,
    "LAST USED (UTC)": 16,
    "RENEWED": 8,
    "SCOPES": 30,
    "TROUBLE": 0,
}


def as_json(found: Iterable[StoredAccount]) -> Iterator[str]:
    """The lines of one JSON array."""
    before = "["
    for each in found:
        yield f"{before}{json.dumps(_entry(each))}"
        before = ","
    yield "]" if before == "," else "[]"


def as_table(found: Iterable[StoredAccount]) -> Iterator[str]:
    """The lines of a table, with its heading."""
    yield _line(COLUMNS)
    for each in found:
        it = _entry(each)
        yield _line(
            [
                it["user"],
                it.get("provider", ""),
                it.get("session_key", ""),
                it.get("username") or it.get("subject") or "",
                _time(it.get("signed_in_at")),
                _time(it["used_at"]),
                "yes" if it.get("refreshes") and not it["trouble"] else "no",
                it.get("scope", ""),
                it["trouble"],
            ]
        )


def _entry(found: StoredAccount) -> dict[str, Any]:
    info = found.account.info() if found.account else None
    said = info_to_wire(info) if info else {"trouble": DAMAGED}
    return {"user": found.owner.name, "used_at": found.used_at, **said}


def _line(values: Iterable[str]) -> str:
    widths = COLUMNS.values()
    cells = [plain_text(value, WIDTH).ljust(n) for value, n in zip(values, widths, strict=True)]
    return "  ".join(cells).rstrip()


def _time(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" if at else ""
