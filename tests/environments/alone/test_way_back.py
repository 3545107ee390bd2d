"""What a person without a Jupyter server reads when the way back is not the usual one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
import tomlkit

from environments.terminal import Terminal
from kernel.kernel_process import Kernel

CALL = "from jupyter_auth import UserSession; print(UserSession('acme').get('me').json())"
LOGIN = ("-m", "jupyter_auth.cli", "login", "acme")
ERROR = "error=unauthorized_client&error_description=Disabled+by+its+<b>owner</b>"
WORDS = "came back from acme with an error: unauthorized_client: Disabled by its <b>owner</b>."


@pytest.fixture
def acme(env, rogue):
    """Its environment, made of further fields; the system's browser does nothing."""

    def acme(**fields):
        table = {"issuer": rogue.issuer, "client_id": rogue.client_id, "base_url": rogue.issuer}
        file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
        file.write_text(tomlkit.dumps({"acme": table | fields}))
        return env | {"BROWSER": "true"}

    return acme


@pytest.mark.parametrize("command", [LOGIN, ("-c", CALL)], ids=["jupyter auth", "script"])
def test_of_https_the_address_is_pasted(acme, rogue, command):
    env = acme(redirect_uri="https://localhost/callback")
    with Terminal(env, *command) as terminal:
        terminal.read("Redirect URI: https://localhost/callback .register exactly this")
        url = terminal.read(rf"({re.escape(rogue.issuer)}/authorize\S+)")[1]
        terminal.read("Paste the address")
        terminal.type(f"https://localhost/callback?{ERROR}")
        terminal.read(re.escape(WORDS))
        terminal.read("Paste the address")
        terminal.type(rogue.authorize(url))
        terminal.read("Signed in to acme as rosa")
        assert terminal.ended() == 0


def leave(link: str, browser: requests.Session) -> str:
    return browser.get(link, allow_redirects=False).headers["Location"]


def come_back_without_state(link: str, browser: requests.Session) -> None:
    """A browser leaves, and comes back with an error that names no sign-in."""
    uri = re.search("redirect_uri=([^&]+)", leave(link, browser))[1]
    assert "Disabled" in browser.get(f"{requests.utils.unquote(uri)}?{ERROR}").text


def test_a_waiting_script_says_what_the_page_said(acme, rogue):
    with Terminal(acme(), "-c", CALL) as terminal, requests.Session() as browser:
        link = terminal.read(r"(http://127.0.0.1:\d+/login/\S+)")[1]
        come_back_without_state(link, browser)
        terminal.read(re.escape(WORDS))
        assert "Signed in" in browser.get(rogue.authorize(leave(link, browser))).text
        terminal.read("Signed in to acme as rosa")
        assert terminal.ended() == 0


def test_and_so_does_one_whose_time_is_over(acme):
    code = CALL.replace("'acme'", "'acme', timeout=2")
    with Terminal(acme(), "-c", code) as terminal, requests.Session() as browser:
        come_back_without_state(terminal.read(r"(http://127.0.0.1:\d+/login/\S+)")[1], browser)
        terminal.read(
            "LoginRequired: The sign-in to acme was not finished in 2 seconds. The browser"
        )


def test_so_does_a_waiting_cell(acme, rogue):
    with Kernel(env=acme()) as kernel, requests.Session() as browser:
        waiting = kernel.send(CALL)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        link = re.search(r'href="([^"]+)"', prompt.text("text/html"))[1]
        come_back_without_state(link, browser)
        kernel.result(waiting, until=lambda _: "came back" in prompt.text("text/html"))
        assert "Disabled by its &lt;b&gt;owner" in prompt.text("text/html")
        assert link in prompt.text("text/html")  # which still works
        browser.get(rogue.authorize(leave(link, browser)))
        assert kernel.result(waiting).status == "ok"
