"""Chromium at a Hub: people sign in from what runs in their notebooks' kernels.

A process of its own: Playwright's event loop breaks others that run after it.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from browser.chromium import chromium
from browser.person import sign_in
from hub_process import PASSWORD, until
from playwright.sync_api import expect
from providers.oidc import USERS
from websocket import create_connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub_process import Hub, UserServer
    from playwright.sync_api import Browser
    from providers.oidc import OidcProvider

CELL = """
import jupyter_auth
session = jupyter_auth.UserSession("idp", interactive=True)
print("I am", session.get("%s/me").json()["sub"])
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class NotebookKernel:
    """A kernel of a user's server, asked over the server's own websocket."""

    def __init__(self, server: UserServer) -> None:
        hub, path = server.hub, server.base_url
        token = hub.api("POST", f"users/{server.user}/tokens", {})["token"]
        self._headers = [f"Authorization: token {token}"]
        hub_http = hub.session(token)
        answer = hub_http.post(f"{hub.origin}{path}api/kernels", json={}, timeout=60)
        answer.raise_for_status()
        socket = f"{hub.origin}{path}api/kernels/{answer.json()['id']}/channels"
        self._socket = create_connection(
            socket.replace("http:", "ws:"), header=self._headers, timeout=90
        )

    def run(self, code: str) -> None:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "allow_stdin": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))

    def read(self, text: str) -> str:
        """All output until ``text`` comes in it."""
        output = ""
        while text not in output:
            message: dict[str, Any] = json.loads(self._socket.recv())
            output += json.dumps(message["content"])
            assert message["msg_type"] != "error", output
        return output

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["hub", "served"])
def either(request: pytest.FixtureRequest) -> Hub:
    """Both ways in."""
    found: Hub = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_person_signs_in_from_a_kernel(
    browser: Browser, oidc: OidcProvider, either: Hub, user: str, tmp_path: Path
) -> None:
    hub = either
    server = hub.server(user)
    door, kernel = server.kernel(), NotebookKernel(server)
    kernel.run(CELL % oidc.issuer)
    until(lambda: bool(door.call("GET", "logins")["logins"]))
    (login,) = door.call("GET", "logins")["logins"]
    shown = kernel.read(login["id"])
    assert login["path"] in shown, "the prompt has the link"

    context = browser.new_context(color_scheme="dark" if hub.served else "light")
    tab = context.new_page()
    tab.goto(hub.url("hub/login"))
    tab.get_by_label("Username").fill(user)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.goto(hub.origin + login["path"])
    sign_in(tab, user)
    expect(tab.get_by_role("main")).to_contain_text(f"as {user}")
    tab.screenshot(path=tmp_path / f"{user}.png")
    assert "?" not in tab.url
    kernel.read(f"I am {USERS[user]['sub']}")
    kernel.close()
    context.close()
