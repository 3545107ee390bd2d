"""The service's listening sockets, which survive a lack of open files."""

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
from jupyter_auth.server.broker.long_poll import FILES

BACKLOG = 4096  # connections that wait to be accepted; the system may allow fewer
SPENT = {errno.EMFILE, errno.ENFILE}


def allow_files() -> int:
    """Raise the limit of open files as far as allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return FILES
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def listening(host: str, port: int) -> list[Listening]:
    """The listening sockets. ConfigurationError: they cannot be bound."""
    # A name that other machines use may be a load balancer's: then listen at every address.
    try:
        bound = bind_sockets(port, host if host in LOOPBACK_HOSTS else "", backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"The service cannot listen on port {port}: {error.strerror}.",
            hint="Another process may be using it, perhaps an earlier one of the service.",
        ) from None
    return [Listening(each) for each in bound]


class Listening(socket.socket):
    """Closes connections at once when no file is left for them.

    A spare file is kept for that: without one they could not even be accepted, and would wake the
    event loop and write to the log forever.
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
        """Close it and the spare file."""
        self._spare.close()
        super().close()
