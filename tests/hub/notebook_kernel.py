"""A kernel of a Hub's user as a notebook holds it, and its person in Chromium."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from websocket import create_connection

from browser.sign_in_tab import identify, say_yes
from hub.hub_process import PASSWORD
from patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from hub.hub_process import Hub, UserServer


class NotebookKernel:
    """A kernel of a user's server, asked over the server's own websocket."""

    def __init__(self, server: UserServer) -> None:
        hub, path = server.hub, server.base_url
        token = hub.api("POST", f"users/{server.user}/tokens", {})["token"]
        self._headers = [f"Authorization: token {token}"]
        hub_http = hub.session(token)
        answer = hub_http.post(f"{hub.origin}{path}api/kernels", json={}, timeout=PATIENCE)
        answer.raise_for_status()
        socket = f"{hub.origin}{path}api/kernels/{answer.json()['id']}/channels"
        self._socket = create_connection(
            socket.replace("http:", "ws:"), header=self._headers, timeout=2 * PATIENCE
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


def hub_login(context: BrowserContext, hub: Hub, user: str, origin: str = "") -> Page:
    """A page of a browser in which that user is signed in to the Hub, which is at that origin."""
    page = context.new_page()
    page.goto(f"{origin or hub.origin}{hub.prefix}hub/login")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def sign_in(tab: Page, user: str) -> None:
    """All users' servers are one origin here: nothing leaves and nothing is stored by itself."""
    tab.get_by_role("button", name="Continue to").click()
    identify(tab, user)
    tab.get_by_role("button", name="Allow").click()
    say_yes(tab)
