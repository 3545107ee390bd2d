"""Hints for front ends, by Jupyter Server's own event system, that something changed.

They are without data: whoever hears one asks the browser API. Anybody with the server's token can
forge one, and gains nothing by it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from jupyter_auth.server.broker.broker import Broker

CHANGED = "https://events.jupyter.org/jupyter_auth_session/changed/v1"
PAUSE = 0.05  # seconds in which all that changes is one hint

_SCHEMA = {
    "$id": CHANGED,
    "version": "1",
    "title": "Accounts or sign-ins changed",
    "description": "A hint without data: ask jupyter-auth/api/v1/ anew.",
    "personal-data": False,
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


class ChangeEvents:
    """Emits hints from ``start`` on, on that event loop, until the broker is closed."""

    def __init__(self, events: EventLogger, broker: Broker) -> None:
        self._events = events
        self._broker = broker
        self._coming: asyncio.TimerHandle | None = None
        events.register_event_schema(_SCHEMA)

    def start(self) -> None:
        """Called on the event loop, which emission needs: not from a thread of the engine."""
        self._loop = asyncio.get_running_loop()
        self._broker.listen(self._changed)

    def _changed(self) -> None:
        """Several changes at once, as a finished login makes, are one hint."""
        if self._coming is None:
            self._coming = self._loop.call_later(PAUSE, self._emit)

    def _emit(self) -> None:
        self._coming = None
        self._events.emit(schema_id=CHANGED, data={})
