"""Who finds no room at the service is told to come again. SECURITY 20."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hub.service_client import hub_token
from hub.service_process import another
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.server.broker.long_poll import FILES, POLLS, RESERVE, PollLimit
from jupyter_auth.server.hub.brokers import WAITERS
from patience import eventually, until

if TYPE_CHECKING:
    from pathlib import Path

    from hub.hub_process import Hub
    from hub.service_process import Service
    from providers.oidc import OidcProvider

LIMIT = 280
USERS = 3


def test_polls_leave_room_for_tokens() -> None:
    assert PollLimit(1024).most == 1024 * 3 // 4
    assert PollLimit(LIMIT).most == LIMIT - RESERVE
    assert PollLimit(FILES).most == POLLS
    assert PollLimit(RESERVE).most == 1


def test_who_leaves_makes_room() -> None:
    room = PollLimit(RESERVE + 1)
    with room.taken():
        with pytest.raises(BrokerUnavailable) as refused, room.taken():
            raise AssertionError
        assert refused.value.retry_after
    with room.taken():
        pass


class Poll:
    """One of a kernel, with a connection of its own."""

    def __init__(self, service: Service, path: str, token: str, since: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port))
        self._socket.setblocking(False)
        self.seen = b""
        head = (
            f"GET {path}api/v1/changes?since={since}&wait=30 HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {token}\r\nJupyter-Auth-Version: 1\r\n\r\n"
        )
        self._socket.sendall(head.encode())

    def status(self) -> int:
        """0: it still waits."""
        with contextlib.suppress(BlockingIOError):
            self.seen += self._socket.recv(4096)
        return int(self.seen.split()[1]) if b"\r\n\r\n" in self.seen else 0

    def close(self) -> None:
        self._socket.close()


def closed(connection: socket.socket) -> bool:
    """Whether the service has hung up."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_more_polls_and_connections_than_files(
    served: Hub, oidc: OidcProvider, tmp_path: Path
) -> None:
    """Where the soft limit is lower still, and the hard one has to do."""
    path = f"{served.prefix}services/jupyter-auth/"
    headers = []
    for number in range(USERS):
        served.api("POST", f"users/pollster-{number}")
        token = hub_token(served, f"pollster-{number}")
        headers.append({"Authorization": f"Bearer {token}", "Jupyter-Auth-Version": "1"})
    with (
        another(
            served,
            oidc,
            tmp_path / "log",
            f"ulimit -S -n 100; ulimit -H -n {LIMIT};",
            JUPYTERHUB_SERVICE_NAME="jupyter-auth",
        ) as service,
        contextlib.ExitStack() as stack,
    ):
        until(service.ready)
        polls = []
        for each in headers:
            since = service.ask("api/v1/changes?since=0", headers=each).json()["sequence"]
            token = each["Authorization"].split()[1]
            for _ in range(WAITERS):
                polls.append(Poll(service, path, token, since))
                stack.callback(polls[-1].close)
        assert eventually(lambda: any(poll.status() == 503 for poll in polls)), Counter(
            poll.status() for poll in polls
        )
        # While they wait, and are refused, others are served.
        assert service.ask("api/v1/accounts", headers=headers[0]).json()["accounts"] == []
        refused = [poll for poll in polls if poll.status() == 503]
        assert 0 < len(refused) <= USERS * WAITERS - (LIMIT - RESERVE)
        assert all(b"\r\nRetry-After: 10\r\n" in poll.seen for poll in refused)
        strangers = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(LIMIT)]
        for each in strangers:
            each.setblocking(False)
            stack.callback(each.close)
        until(lambda: any(closed(each) for each in strangers))
        stack.close()
        until(service.ready)
        assert service.ask("api/v1/accounts", headers=headers[0]).json()["accounts"] == []
        assert service.terminate() == 0
    said = "\n".join(service.lines())
    assert said.count("polls wait for changes here") == 1, said
    assert said.count("Connections are refused") == 1, said
    assert "Traceback" not in said
