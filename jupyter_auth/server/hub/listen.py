"""Where the service listens, and what it does when it runs out of open files."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
from typing import Any

from tornado.netutil import bind_sockets

from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.common.urls import LOOPBACK_HOSTS
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.broker.poll_limit import FILES

BACKLOG = 4096  # connections that wait to be taken; the system may allow fewer
SPENT = {errno.EMFILE, errno.ENFILE}


def allow_files() -> int:
    """Let this process open as many files as its hard limit allows; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return FILES
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def listening(host: str, port: int) -> list[Listening]:
    """Sockets for whoever has to reach the service there. ConfigurationError: it cannot be."""
    # A name that other machines use may lead to a balancer: then listen at every address.
    try:
        bound = bind_sockets(port, host if host in LOOPBACK_HOSTS else "", backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"The service cannot listen on port {port}: {error.strerror}.",
            hint="Another process may listen there, perhaps an earlier one of the service.",
        ) from None
    return [Listening(each) for each in bound]


class Listening(socket.socket):
    """Whose connections are closed at once where no file is left for them.

    One is held back for that: with none at all they could not even be taken, and would wake the
    event loop, and write to the log, for ever.
    """

    def __init__(self, bound: socket.socket) -> None:
        super().__init__(fileno=bound.detach())
        self.setblocking(False)
        self._spare = socket.socket()
        self._seldom = ThrottledLog("Connections are refused")

    def accept(self) -> tuple[socket.socket, Any]:
        """As in ``socket``. ConnectionAbortedError: it was closed at once."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in SPENT:
                raise
        self._seldom.warn("this process has too many open files.")
        self._spare.close()
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = socket.socket()
        raise ConnectionAbortedError

    def close(self) -> None:
        """And with it what was held back."""
        self._spare.close()
        super().close()
