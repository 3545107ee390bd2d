"""The kernel's end of the broker socket: finding it, checking that it is ours, and HTTP over it.

``http.client`` is used because it reads no proxies and no netrc from the environment.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_auth.core import wire
from jupyter_auth.core.common.private_files import read_private, refused
from jupyter_auth.core.common.routes import API
from jupyter_auth.core.errors import BrokerUnavailable, NextStep
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 100.0  # seconds; more than the broker gives a provider for a refresh
MAX_IDLE = 8  # kept connections; a burst of threads opens more
MAX_FILE = 65536
REDIRECTS = range(300, 400)

RESTART: dict[str, Any] = {"next_step": NextStep("restart_server")}


@dataclass(frozen=True)
class Address:
    """Of a connection file: ``unix:<path>`` or ``tcp:127.0.0.1:<port>``, and the key."""

    side: ClassVar[str] = "Jupyter server"  # who answers, in errors
    advice: ClassVar[dict[str, Any]] = RESTART  # in the error where nothing answers

    where: str
    key: Secret
    host: str = "localhost"
    prefix: str = "/"  # of its routes
    machine: str = ""  # its host name, if it is known

    def connect(self) -> socket.socket:
        """A new connection; OSError or BrokerUnavailable without one."""
        return _connect(self.where)


def read_connection_file(path: Path) -> Address | None:
    """The address in ``path``; None without such a file.

    Raises:
        BrokerUnavailable: another user can read or write the file, or it is malformed.
    """
    try:
        text = read_private(path, most=MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, error.strerror or "it cannot be read") from None
    data = _json(text)
    if not isinstance(data, dict) or not {"version", "address", "key"} <= data.keys():
        raise _refused(path, "it is not a jupyter_auth connection file")
    wire.check_version(str(data["version"]), "Jupyter server")
    machine = str(data.get("machine", ""))
    return Address(str(data["address"]), Secret(data["key"]), machine=machine)


def _refused(path: Path, why: str) -> BrokerUnavailable:
    return BrokerUnavailable(f"{path} cannot be used to reach the token broker: {why}.", **RESTART)


def _json(text: bytes) -> Any:
    """None for malformed JSON: the exception would hold the whole text."""
    try:
        return json.loads(text)
    except ValueError:
        return None


class _Connection:
    """One connection to a broker; ``kept`` once it has brought a response."""

    def __init__(self, address: Address) -> None:
        self.socket = address.connect()
        self.kept = False
        self._side = address.side

    def close(self) -> None:
        """Close it, which ends a long poll at the broker too."""
        self.kept = False
        self.socket.close()

    def ask(self, method: str, request: bytes, timeout: float) -> tuple[int, Any]:
        """Status and JSON of the response, within ``timeout`` seconds.

        The request is sent in one piece: headers and body apart would wake the server twice.
        """
        self.socket.settimeout(timeout)
        self.socket.sendall(request)
        with http.client.HTTPResponse(self.socket, method=method) as response:
            response.begin()
            text = response.read()
            if response.status in REDIRECTS:  # no route redirects
                raise http.client.HTTPException
            wire.check_version(response.getheader(wire.VERSION_HEADER), self._side)
            self.kept = not response.will_close
            return response.status, _json(text)


def _connect(where: str) -> socket.socket:
    kind, _, address = where.partition(":")
    if kind == "unix" and hasattr(socket, "AF_UNIX"):
        return _connect_unix(Path(address))
    if kind == "tcp" and address.startswith("127.0.0.1:"):
        port = int(address.partition(":")[2])
        return socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT)
    raise BrokerUnavailable(f"The token broker's {kind}: address cannot be used here.")


def _connect_unix(path: Path) -> socket.socket:
    """A socket in a directory of this user's: another user's socket there would get our key."""
    if why := refused(path.parent.lstat()):
        raise _refused(path.parent, why)
    end = time.monotonic() + CONNECT_TIMEOUT
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_TIMEOUT)
        while True:
            try:
                connection.connect(str(path))
            except BlockingIOError:  # its backlog is full: not a timeout yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
            else:
                return connection
    except BaseException:
        connection.close()
        raise


class BrokerTransport:
    """HTTP to one broker, for any number of threads. A forked child opens its own connections.

    ``find`` returns the broker's address now, or None. ``timeout``: seconds for a response, None:
    ``ANSWER_TIMEOUT``.
    """

    def __init__(self, find: Callable[[], Address | None], timeout: float | None = None) -> None:
        self._find = find
        self._timeout = timeout
        self._address: Address | None = None
        self.idle: deque[_Connection] = deque()
        self._pid = os.getpid()

    def answers(self) -> bool:
        """Whether the broker accepts connections; BrokerUnavailable if its address is refused."""
        if (address := self._find()) is None:
            return False
        self._address = address
        try:
            _Connection(address).close()
        except OSError:
            return False
        return True

    @property
    def elsewhere(self) -> str:
        """The machine that it is on, if that is another one, as on a cluster; else ""."""
        machine = self._address.machine if self._address else ""
        return machine if machine != socket.gethostname() else ""

    def call(self, method: str, path: str, body: Any = None, *, wait: float = 0.0) -> Any:
        """The JSON of the response. A broker that has moved meanwhile is found again.

        Raises:
            BrokerUnavailable: no response, or one of another version.
            AuthError: the error that the response describes.
        """
        content = b"" if body is None else json.dumps(body, default=Secret.reveal).encode()
        for last in (False, True):
            address, failure = self._locate(), None
            try:
                status, data = self._exchange(address, method, path, content, wait)
            except (OSError, http.client.HTTPException) as error:
                failure = _gone(error, address.advice)
                timed_out = isinstance(error, TimeoutError)
            if failure:  # raised out here, without the frames of http.client
                if last or timed_out or not self._moved(address):
                    raise failure
            elif status < http.HTTPStatus.BAD_REQUEST:
                return data
            elif last or status not in {401, 403} or not self._moved(address):
                break
        raise wire.error_from_wire(data)

    def close(self) -> None:
        """Close the kept connections."""
        while self.idle:
            self.idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _locate(self) -> Address:
        if self._address is None:
            self._address = self._find()
        if self._address is None:
            raise _gone(FileNotFoundError(), RESTART)
        return self._address

    def _moved(self, before: Address) -> bool:
        """Whether the address or key has changed since ``before``."""
        self._address = self._find()
        if self._address in {None, before}:
            return False
        self.close()
        return True

    def _exchange(
        self, address: Address, method: str, path: str, content: bytes, wait: float
    ) -> tuple[int, Any]:
        request = _request(address, method, path, content)
        while True:
            connection = self._take(address)
            kept = connection.kept
            try:
                answer = connection.ask(method, request, wait + (self._timeout or ANSWER_TIMEOUT))
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                if not kept:  # the broker closes idle connections, but no new one
                    raise
            except BaseException:  # an interrupt: the response is still to come on this connection
                connection.close()
                raise
            else:
                self._keep(connection, address)
                return answer

    def _take(self, address: Address) -> _Connection:
        if self._pid != os.getpid():  # a forked child must not speak on its parent's connections
            inherited, self.idle, self._pid = self.idle, deque(), os.getpid()
            for connection in inherited:
                connection.close()
        try:
            return self.idle.pop()
        except IndexError:
            return _Connection(address)

    def _keep(self, connection: _Connection, address: Address) -> None:
        if connection.kept and len(self.idle) < MAX_IDLE and address == self._address:
            self.idle.append(connection)
        else:
            connection.close()


def _request(address: Address, method: str, path: str, content: bytes) -> bytes:
    """An HTTP/1.1 request (RFC 9112 3). ``path`` is quoted already."""
    head = (
        f"{method} {address.prefix}{API}{path} HTTP/1.1",
        f"Host: {address.host}",
        f"Authorization: Bearer {address.key.reveal()}",
        f"{wire.VERSION_HEADER}: {wire.VERSION}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*head, "", "")).encode("ascii") + content


def _gone(error: Exception, advice: dict[str, Any]) -> BrokerUnavailable:
    if isinstance(error, TimeoutError):
        return BrokerUnavailable("The token broker did not answer in time.", hint="Try again.")
    if isinstance(error, OSError):
        return BrokerUnavailable("The token broker does not answer.", **advice)
    return BrokerUnavailable("The token broker returned an unexpected response.", **advice)
