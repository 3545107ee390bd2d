"""Warnings, at the line of whoever uses a session."""

from __future__ import annotations

import sys
import warnings


class AuthWarning(UserWarning):
    """Something a person should know: a token that did not go along, a limit that is near."""


def warn(message: str) -> None:
    """Warn at the nearest line that is neither ours nor that of an HTTP client."""
    level, frame = 2, sys._getframe(1)  # noqa: SLF001
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in {
        "jupyter_auth",
        "requests",
        "httpx",
    }:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, AuthWarning, stacklevel=level)
