"""Warnings at the line of the user's code."""

from __future__ import annotations

import sys
import warnings


class AuthWarning(UserWarning):
    """Of a request sent without the token, a near rate limit, a secret in a cell, and the like."""


def warn(message: str) -> None:
    """Warn at the nearest line outside this package and HTTP clients."""
    level, frame = 2, sys._getframe(1)  # noqa: SLF001
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in {
        "jupyter_auth",
        "requests",
        "httpx",
        "httpx2",
    }:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, AuthWarning, stacklevel=level)
