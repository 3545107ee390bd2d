"""What one user, or one who is none, cannot use up. SECURITY 20."""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from hub.service_client import browser_of, call, hub_token, signed_in
from jupyter_auth.core.login.logins import MAX_PENDING
from jupyter_auth.server.broker.request_parsing import MAX_BODY
from jupyter_auth.server.hub.brokers import WAITERS
from jupyter_auth.server.kernel_api.socket import MAX_HEADERS
from patience import PATIENCE, until

if TYPE_CHECKING:
    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


# -- users -----------------------------------------------------------------------------------------


def test_the_waits_of_one_user_are_limited_and_hold_up_nobody_else(
    served: Hub, oidc: OidcProvider
) -> None:
    alice, bob = signed_in(served, oidc, "alice"), served.server("bob").kernel()
    since = alice.call("GET", "changes?since=0")["sequence"]
    with ThreadPoolExecutor(WAITERS + 6) as pool:
        waits = [
            pool.submit(alice.ask, "GET", f"changes?since={since}&wait=30")
            for _ in range(WAITERS + 6)
        ]
        until(lambda: sum(each.done() for each in waits) >= 6)
        refused = [each.result() for each in waits if each.done()]
        assert {(status, error["code"]) for status, error in refused} == {(429, "throttled")}
        assert bob.call("GET", "accounts")
        alice.begin(session_key="wake")  # whoever waits is told
    statuses = [each.result()[0] for each in waits]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) <= WAITERS  # alice's servers wait themselves


def test_a_flood_of_begun_logins_pushes_out_none_and_is_no_trouble_of_others(
    served: Hub, oidc: OidcProvider
) -> None:
    kernel, browser = served.server("carol").kernel(), browser_of(served, "carol")
    first = kernel.begin(session_key="first")
    callback = oidc.login(browser.open(first), "carol")
    begun, refusals = [], []
    for number in range(MAX_PENDING + 5):
        status, answer = kernel.ask(
            "POST", "logins", {"provider": "idp", "session_key": f"flood-{number}"}
        )
        (begun if status == 201 else refusals).append(answer)
    assert len(kernel.call("GET", "logins")["logins"]) == MAX_PENDING
    assert refusals
    assert {answer["code"] for answer in refusals} == {"login_required"}
    assert served.server("bob").kernel().begin(session_key="calm")["status"] == "pending"
    assert browser.arrive(callback) == first["path"]
    assert kernel.call("GET", f"logins/{first['id']}")["status"] == "complete"
    assert kernel.call("DELETE", "accounts?provider=idp&session_key=first")["removed"]
    for login in begun:
        kernel.call("DELETE", f"logins/{login['id']}")


# -- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("too_much", ["body", "headers"])
def test_large_requests_are_not_even_read(served: Hub, too_much: str) -> None:
    """From whoever reaches the service, before anything else is looked at."""
    served.server("alice")
    place = urlsplit(served.server("alice").environment["JUPYTER_AUTH_URL"])
    lines = [f"POST {served.prefix}services/jupyter-auth/api/v1/token HTTP/1.1", "Host: x"]
    if too_much == "body":
        lines += [f"Content-Length: {MAX_BODY + 1}", "", ""]  # and nothing of it
    else:
        lines += [f"X-Large: {'x' * MAX_HEADERS}", "Content-Length: 0", "", ""]
    answer = b""
    with (
        socket.create_connection((place.hostname, place.port), PATIENCE) as connection,
        contextlib.suppress(ConnectionError),  # it hung up before it had read all of the headers
    ):
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(1000)
    assert not answer or answer.startswith(b"HTTP/1.1 400"), answer
    assert call(served, hub_token(served, "alice"), "GET", "accounts").ok
