"""Interrupts of a cell that awaits, for which ipykernel installs its own SIGINT handler.

That asks the event loop to cancel the cell, which fails while the loop is blocked, or asleep
(ipykernel issue 881).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jupyter_auth.kernel.prompt.front_end import in_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def raised() -> Iterator[None]:
    """In this block an interrupt of the kernel raises KeyboardInterrupt."""
    with _handled_by(signal.default_int_handler):
        yield


@contextmanager
def heard() -> Iterator[None]:
    """In this block an interrupt of the kernel wakes the event loop, which cancels the cell."""
    before = signal.getsignal(signal.SIGINT)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # another async runner
        loop = None

    def handle(number: int, frame: Any) -> None:
        if callable(before):
            before(number, frame)
        if loop:
            loop.call_soon_threadsafe(lambda: None)

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, Any], Any]) -> Iterator[None]:
    if not in_notebook() or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
