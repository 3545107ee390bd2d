"""Tells front ends, by Jupyter Server's event system, to ask the browser API for changes.

The events hold no data: forging one, which the server's token allows, gains nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from jupyter_auth.server.broker.broker import Broker

CHANGED = "https://events.jupyter.org/jupyter_auth_session/changed/v1"
PAUSE = 0.05  # seconds within which all changes are one event

_SCHEMA = {
    "$id": CHANGED,
    "version": "1",
    "title": "Accounts or sign-ins changed",
    "description": "A hint without data: ask jupyter-auth/api/v1/ again.",
    "personal-data": False,
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


class ChangeEvents:
    """Emits events from ``start`` until the broker is closed."""

    def __init__(self, events: EventLogger, broker: Broker) -> None:
        self._events = events
        self._broker = broker
        self._coming: asyncio.TimerHandle | None = None
        events.register_event_schema(_SCHEMA)

    def start(self) -> None:
        """Start emitting. Called on the event loop, which events need."""
        self._loop = asyncio.get_running_loop()
        self._broker.listen(self._changed)

    def _changed(self) -> None:
        """Emit one event for several changes at once, as a finished login makes."""
        if self._coming is None:
            self._coming = self._loop.call_later(PAUSE, self._emit)

    def _emit(self) -> None:
        self._coming = None
        self._events.emit(schema_id=CHANGED, data={})
