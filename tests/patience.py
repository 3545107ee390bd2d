"""How long tests wait for what should take far less: a machine is slow, or stalls for seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0  # seconds


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether ``condition`` becomes true in that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return condition()
        time.sleep(0.01)
    return True


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until it is true. AssertionError: it never was, in that time."""
    assert eventually(condition, seconds), "it never happened"
