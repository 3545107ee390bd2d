"""A device login without a server: its code is shown where the person is, and gone afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from environments.home import configure
from environments.terminal import Terminal
from kernel.kernel_process import Kernel

CALL = "from jupyter_auth import UserSession; print(UserSession('idp').username)"


@pytest.fixture
def env(env, rogue):
    """Somebody at a machine without a browser, whose provider lets itself be asked often."""
    rogue.devices.interval = 0.1
    configure(Path(env["XDG_CONFIG_HOME"]), rogue, grants="device_code")
    return env | {"SSH_CONNECTION": "a 1 b 2"}


@pytest.mark.parametrize(
    "command",
    [("-c", CALL), ("-m", "jupyter_auth.cli", "login", "idp", "--grant", "device_code")],
    ids=["script", "jupyter auth"],
)
def test_in_a_terminal(env, rogue, command):
    with Terminal(env, *command) as terminal:
        code = terminal.read(r"with the code ([0-9A-F]{4}-[0-9A-F]{4}): http\S+/device-page")[1]
        rogue.devices.approve(code)
        terminal.read("Signed in to The IdP as rosa")
        assert terminal.ended() == 0


def test_denied_in_a_terminal(env, rogue):
    with Terminal(env, "-c", CALL) as terminal:
        rogue.devices.deny(terminal.read(r"with the code (\S+):")[1])
        terminal.read("LoginDenied")
        assert terminal.ended() == 1


def test_a_widget_shows_the_code_too(env, rogue):
    """Also where no browser could come back to this kernel: it need not."""
    with Kernel(env=env) as kernel:
        shown = kernel.ok("from jupyter_auth import LoginWidget\nLoginWidget('idp')").text(
            "text/html"
        )
        code = re.search(r"Your code is <strong>([^<]+)</strong>", shown)[1]
        rogue.devices.approve(code)
        kernel.ok(CALL)  # joins that login, and waits
    assert len(rogue.seen("device")) == 1


def test_in_a_notebook_the_code_is_shown_and_then_gone(env, rogue):
    with Kernel(env=env) as kernel:
        waiting = kernel.send(CALL)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        shown = prompt.text("text/html")
        code = re.search(r"Your code is <strong>([^<]+)</strong>", shown)[1]
        assert f"{rogue.issuer}/device-page" in shown
        rogue.devices.approve(code)
        ran = kernel.result(waiting)
        assert "rosa" in ran.text()
        assert code not in ran.text("text/html")
        (device_code,) = {each.form["device_code"] for each in rogue.seen("token")}
        assert device_code not in repr(ran)
