"""The kernel's end of the kernel door: where it is, whether it is ours, and HTTP through it.

Nothing of the environment's proxies or netrc can touch it: ``http.client`` knows none of them.
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
from jupyter_auth.core.common.private_files import not_private, read_private
from jupyter_auth.core.common.routes import API
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 100.0  # seconds; a refresh waits for the provider, which the broker gives less
MAX_IDLE = 8  # kept connections; more are for a burst of threads
MAX_FILE = 65536
REDIRECTS = range(300, 400)

_HINT = "Restart the Jupyter server, then this kernel."


@dataclass(frozen=True)
class Address:
    """What a connection file says: ``unix:<path>`` or ``tcp:127.0.0.1:<port>``, and the key."""

    side: ClassVar[str] = "Jupyter server"  # whose it is
    hint: ClassVar[str] = _HINT  # where it does not answer

    where: str
    key: Secret
    host: str = "localhost"
    prefix: str = "/"  # of the paths of its routes

    def connect(self) -> socket.socket:
        """A connection to it. OSError, BrokerUnavailable."""
        return _connect(self.where)


def read_connection_file(path: Path) -> Address | None:
    """The address in ``path``; None where there is no such file.

    BrokerUnavailable: a file that somebody else could have written or read, or not understood.
    """
    try:
        text = read_private(path, most=MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, error.strerror or "it cannot be read") from None
    data = _json(text)
    if not isinstance(data, dict) or not {"version", "address", "key"} <= data.keys():
        raise _refused(path, "it is not one of ours")
    wire.check_version(str(data["version"]), "Jupyter server")
    return Address(str(data["address"]), Secret(data["key"]))


def _refused(path: Path, why: str) -> BrokerUnavailable:
    return BrokerUnavailable(f"{path} is not used to reach the token broker: {why}.", hint=_HINT)


def _json(text: bytes) -> Any:
    """None for what is no JSON: the exception would carry all of the text with it."""
    try:
        return json.loads(text)
    except ValueError:
        return None


class _Connection:
    """One connection to an address of the kernel door; ``kept`` once it has brought an answer."""

    def __init__(self, address: Address) -> None:
        self.socket = address.connect()
        self.kept = False
        self._side = address.side

    def close(self) -> None:
        """Let the door know that nobody listens any more."""
        self.kept = False
        self.socket.close()

    def ask(self, method: str, request: bytes, timeout: float) -> tuple[int, Any]:
        """Status and JSON of the answer, within ``timeout`` seconds.

        The request goes out in one piece: headers and body apart would wake the door twice.
        """
        self.socket.settimeout(timeout)
        self.socket.sendall(request)
        with http.client.HTTPResponse(self.socket, method=method) as response:
            response.begin()
            text = response.read()
            if response.status in REDIRECTS:  # none of ours sends anybody elsewhere
                raise http.client.HTTPException
            wire.check_version(response.getheader(wire.VERSION_HEADER), self._side)
            self.kept = not response.will_close
            return response.status, _json(text)


def _connect(where: str) -> socket.socket:
    kind, _, place = where.partition(":")
    if kind == "unix" and hasattr(socket, "AF_UNIX"):
        return _connect_unix(Path(place))
    if kind == "tcp" and place.startswith("127.0.0.1:"):
        port = int(place.partition(":")[2])
        return socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT)
    raise BrokerUnavailable(f"The token broker's address {kind}: cannot be used here.")


def _connect_unix(path: Path) -> socket.socket:
    """A socket in a directory of our own: a stranger in its place would get our key."""
    if why := not_private(path.parent.lstat()):
        raise _refused(path.parent, why)
    end = time.monotonic() + CONNECT_TIMEOUT
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_TIMEOUT)
        while True:
            try:
                connection.connect(str(path))
            except BlockingIOError:  # more callers than the door has room for: not a timeout yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
            else:
                return connection
    except BaseException:
        connection.close()
        raise


class BrokerTransport:
    """One kernel door, for any number of threads. A forked child opens connections of its own.

    ``find`` says where it is now; None: nowhere.
    """

    def __init__(self, find: Callable[[], Address | None]) -> None:
        self._find = find
        self._address: Address | None = None
        self.idle: deque[_Connection] = deque()
        self._pid = os.getpid()

    def answers(self) -> bool:
        """Whether somebody listens there. BrokerUnavailable: where it is, is refused."""
        if (address := self._find()) is None:
            return False
        self._address = address
        try:
            _Connection(address).close()
        except OSError:
            return False
        return True

    def call(self, method: str, path: str, body: Any = None, *, wait: float = 0.0) -> Any:
        """The JSON that the door answers; a new door is found where this one is gone.

        BrokerUnavailable: no answer, or in another version. Else the error that it describes.
        """
        content = b"" if body is None else json.dumps(body, default=Secret.reveal).encode()
        for last in (False, True):
            address, failure = self._locate(), None
            try:
                status, data = self._exchange(address, method, path, content, wait)
            except (OSError, http.client.HTTPException) as error:
                failure = _gone(error, address.hint)
                timed_out = isinstance(error, TimeoutError)
            if failure:  # raised out here, so that it does not carry the frames of http.client
                if last or timed_out or not self._moved(address):
                    raise failure
            elif status < http.HTTPStatus.BAD_REQUEST:
                return data
            elif last or status not in {401, 403} or not self._moved(address):
                break
        raise wire.error_from_wire(data)

    def close(self) -> None:
        """Close the connections that are kept."""
        while self.idle:
            self.idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _locate(self) -> Address:
        if self._address is None:
            self._address = self._find()
        if self._address is None:
            raise _gone(FileNotFoundError(), _HINT)
        return self._address

    def _moved(self, before: Address) -> bool:
        """Whether there is another door or key now than the one just tried."""
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
                answer = connection.ask(method, request, wait + ANSWER_TIMEOUT)
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                if not kept:  # the door may have closed one that lay idle, not a new one
                    raise
            except BaseException:  # an interrupt: the answer is still to come on this connection
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
    """An HTTP/1.1 request (RFC 9112 3). ``path`` is quoted by whoever calls."""
    head = (
        f"{method} {address.prefix}{API}{path} HTTP/1.1",
        f"Host: {address.host}",
        f"Authorization: Bearer {address.key.reveal()}",
        f"{wire.VERSION_HEADER}: {wire.VERSION}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*head, "", "")).encode("ascii") + content


def _gone(error: Exception, hint: str) -> BrokerUnavailable:
    if isinstance(error, TimeoutError):
        return BrokerUnavailable("The token broker did not answer in time.", hint="Try again.")
    if isinstance(error, OSError):
        return BrokerUnavailable("The token broker does not answer.", hint=hint)
    return BrokerUnavailable("The token broker answered what nobody understands.", hint=hint)
