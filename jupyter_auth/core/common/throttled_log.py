"""Log lines that would repeat: each once a minute."""

from __future__ import annotations

import logging
import time

from jupyter_auth.core.errors import AuthError

PAUSE = 60.0  # seconds

_log = logging.getLogger("jupyter_auth")


class ThrottledLog:
    """Logs warnings that begin with ``what``, equal ones once a minute at most."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._logged: dict[str, float] = {}

    def failed(self, error: Exception) -> None:
        """Log its message; with the traceback where it is no error of this package."""
        if isinstance(error, AuthError):
            self.warn(error.message)
        else:
            self.warn(type(error).__name__, error)

    def warn(self, why: str, error: Exception | None = None) -> None:
        """Log ``why``, with the traceback of ``error``."""
        now = time.monotonic()
        self._logged = {each: when for each, when in self._logged.items() if now - when < PAUSE}
        if why not in self._logged:
            self._logged[why] = now
            _log.warning("%s: %s", self._what, why, exc_info=error)
