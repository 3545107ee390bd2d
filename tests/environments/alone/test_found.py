"""An API's address, without a Jupyter server: where it led is agreed to first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from environments.terminal import Terminal, run
from kernel.kernel_process import Kernel
from providers.protected_api import ProtectedAPI

CALL = "from jupyter_auth import UserSession; print(UserSession({!r}).username)"
FAR = {"SSH_CONNECTION": "a 1 b 2"}
ASKS = r"signs people in to it\. Continue only if you know both\. Continue\? \[y/N\] "


@pytest.fixture
def api(oidc):
    with ProtectedAPI(oidc.issuer) as made:
        oidc.add_resource(made.address)
        yield made


def registered(env) -> bool:
    """Whether this person's Jupyter has a client there."""
    return any(Path(env["XDG_DATA_HOME"]).rglob("registrations*/*.json"))


def test_a_script_s_browser_shows_it_and_its_person_clicks(env, browser, api):
    with Terminal(env | {"BROWSER": browser}, "-c", CALL.format(api.address)) as terminal:
        terminal.read("Signed in to .* as alice")
        assert terminal.ended() == 0
    assert "Continue?" not in terminal.text  # once is enough


def test_over_ssh_a_person_agrees_first(env, oidc, api):
    with Terminal(env | FAR, "-c", CALL.format(api.address)) as terminal:
        asked = terminal.read(rf"[\s\S]*{ASKS}")[0]
        assert f"{api.address} says that" in asked
        assert oidc.issuer.partition("://")[2] in asked
        assert f"{oidc.issuer}/auth" not in asked
        assert not registered(env)
        terminal.type("y")
        back = oidc.login(terminal.read(rf"({re.escape(oidc.issuer)}/auth\S+)")[1], "alice")
        assert registered(env)
        terminal.read("Paste the address")
        terminal.type(back)
        terminal.read("Signed in to .* as alice")
        assert terminal.ended() == 0
    assert "alice" in run(env, "-c", CALL.format(api.address)).stdout


@pytest.mark.parametrize("options", ["", ", grant='device_code'"])
def test_or_does_not(env, api, options):
    call = f"from jupyter_auth import UserSession; UserSession({api.address!r}{options})"
    with Terminal(env | FAR, "-c", call) as terminal:
        terminal.read(ASKS)
        terminal.type("")
        terminal.read("LoginCancelled: You did not sign in to")
        assert terminal.ended() == 1
    assert not registered(env)


def test_a_kernel_far_from_its_browser_asks_too(env, api):
    with Kernel(env=env | {"CODESPACES": "true"}) as kernel:
        waiting = kernel.send(CALL.format(api.address))
        asked = kernel.client.get_stdin_msg(timeout=60)["content"]
        assert re.search(ASKS, asked["prompt"])
        kernel.client.input("n")
        assert "LoginCancelled" in kernel.result(waiting).text()


def test_with_nobody_there_it_is_an_error_as_ever(env, api):
    ran = run(env | FAR, "-c", CALL.format(api.address))
    assert "LoginRequired" in ran.stderr
    assert "Continue?" not in ran.stdout
