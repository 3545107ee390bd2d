"""The test's own process, forked or interrupted."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from patience import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def child(call: Callable[[], Any]) -> Any:
    """What ``call`` returns in a forked child of this process."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: what is tested
        pid = os.fork()
    if pid == 0:
        try:
            result: Any = call()
        except BaseException as error:  # noqa: BLE001
            result = f"{type(error).__name__}: {error}"
        os.write(writing, pickle.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pickle.loads(pipe.read())  # noqa: S301
    os.waitpid(pid, 0)
    return result


@contextmanager
def interrupted(condition: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl-C as soon as that is true."""

    def press() -> None:
        if eventually(condition):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        thread.join()
