"""Lines of the log that would come again and again: each once a minute."""

from __future__ import annotations

import logging
import time

from jupyter_auth.core.errors import AuthError

PAUSE = 60.0  # seconds

_log = logging.getLogger("jupyter_auth")


class ThrottledLog:
    """Says what is the matter, the same once a minute at most. ``what`` begins each line."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said: dict[str, float] = {}

    def failed(self, error: Exception) -> None:
        """In its words, or with the traceback of what nobody has foreseen."""
        if isinstance(error, AuthError):
            self.warn(error.message)
        else:
            self.warn(type(error).__name__, error)

    def warn(self, why: str, error: Exception | None = None) -> None:
        """With the traceback of an ``error`` that nobody has foreseen."""
        now = time.monotonic()
        self._said = {each: when for each, when in self._said.items() if now - when < PAUSE}
        if why not in self._said:
            self._said[why] = now
            _log.warning("%s: %s", self._what, why, exc_info=error)
