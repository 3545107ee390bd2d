"""Connections to a provider: to a checked address, and for a bounded time."""

from __future__ import annotations

import functools
import io
import queue
import socket
import threading
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from jupyter_auth.core.common.override import override

if TYPE_CHECKING:
    import requests
    from urllib3.connection import HTTPConnection

    from jupyter_auth.core.common.blocked_addresses import RequestRules


class Deadline:
    """The moment at which all waiting ends, in ``seconds``, however slowly data arrives."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError once it has passed."""
        if (left := self._at - time.monotonic()) <= 0:
            raise TimeoutError
        return left


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests for one request, which ends by ``deadline``.

    A host name is resolved once; its addresses are checked by ``rules``, then connected to. A proxy
    of the environment resolves names itself, so then only a host that is an address is checked.

    Raises:
        ConfigurationError: the host of the request, named ``what``, is blocked.
    """

    def __init__(self, what: str, rules: RequestRules, deadline: Deadline) -> None:
        super().__init__()
        self._what = what
        self._rules = rules
        self._deadline = deadline

    @override
    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        url = str(request.url)
        if proxied := bool(select_proxy(url, proxies)):
            self._rules.check_spelled(self._what, url)
        pool.ConnectionCls = self._bounded(pool.ConnectionCls, proxied=proxied)
        return pool

    def _bounded(self, kind: type[HTTPConnection], *, proxied: bool) -> type[HTTPConnection]:
        connect = self._connect

        class Bounded(kind):  # type: ignore[misc, valid-type]
            response_class = staticmethod(functools.partial(_Response, self._deadline))

            def _new_conn(self) -> Any:
                if proxied:
                    return super()._new_conn()
                try:
                    return connect(self)
                except TimeoutError:
                    raise ConnectTimeoutError(self, "no connection in time") from None
                except OSError as error:
                    raise NewConnectionError(self, str(error)) from None

        return Bounded

    def _connect(self, connection: Any) -> socket.socket:
        host = connection.host  # the name stays in Host, SNI and certificate checks
        found = _addresses(host, self._deadline)
        self._rules.check(self._what, host, found)
        problem = OSError("no address")
        for each in found:
            timeout = min(connection.timeout, self._deadline.left())
            try:
                return create_connection(
                    (each, connection.port), timeout, socket_options=connection.socket_options
                )
            except OSError as error:
                problem = error
        raise problem


def _addresses(host: str, deadline: Deadline) -> list[str]:
    """The addresses of ``host``. A daemon thread waits for a name server that may never answer."""
    result: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: too long for a name
            result.put(OSError(str(error)))
        else:
            result.put([str(each[4][0]) for each in found])

    threading.Thread(target=look, daemon=True, name="name look-up").start()
    try:
        found = result.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return found


class _Response(HTTPResponse):
    """A response that is read until the deadline, from its first byte on."""

    def __init__(self, deadline: Deadline, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, deadline))


class _DeadlineReader(io.RawIOBase):
    """Reads a socket, whose own timeout starts again with every byte."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    @override
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left()
        self._sock.settimeout(min(self._sock.gettimeout() or left, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
