"""A person who looks at a notebook and cannot type into it: a link, or a code, and no question."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from environments.home import configure
from kernel.kernel_process import Kernel
from patience import eventually

CALL = """
from jupyter_auth import UserSession
print(UserSession('idp', interactive=True, timeout=60).username)
"""
ELSEWHERE = {"CODESPACES": "true"}


@pytest.fixture
def env(env, rogue):
    rogue.devices.interval = 0.1
    return env


def known(env, rogue, *grants):
    configure(Path(env["XDG_CONFIG_HOME"]), rogue, grants=" ".join(grants))


def test_where_the_browser_cannot_come_back_it_is_a_code(env, rogue):
    known(env, rogue, "authorization_code", "device_code")
    with Kernel(env=env | ELSEWHERE) as kernel:
        waiting = kernel.send(CALL, allow_stdin=False)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        code = re.search(r"Your code is <strong>([^<]+)</strong>", prompt.text("text/html"))[1]
        rogue.devices.approve(code)
        assert "rosa" in kernel.result(waiting).text()


@pytest.mark.parametrize("grant", ["authorization_code", "password"])
def test_else_one_sentence_says_why_not(env, rogue, grant):
    known(env, rogue, grant)
    with Kernel(env=env | ELSEWHERE) as kernel:
        ran = kernel.run(CALL, allow_stdin=False)
    why = {"authorization_code": "cannot come back to this", "password": "needs typed input"}
    assert why[grant] in ran.text()
    assert "`jupyter auth login idp` in a terminal" in ran.text()
    assert not ran.text("text/html")


def test_where_it_can_come_back_the_link_is_enough(env, rogue):
    known(env, rogue, "authorization_code", "device_code")
    with Kernel(env=env | {"BROWSER": "true"}) as kernel:
        waiting = kernel.send(CALL, allow_stdin=False)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        assert "href=" in prompt.text("text/html")
        assert "Your code" not in prompt.text("text/html")
        kernel.interrupt()
        assert kernel.result(waiting).status == "error"
    assert not rogue.seen("device")


def test_in_voila_a_button_is_shown_with_the_end_of_the_cell(env, rogue):
    """It shows a cell's output once the cell is done: waiting for a click would hide the link."""
    known(env, rogue, "device_code")
    call = CALL.replace("interactive=True, ", "")
    with Kernel(env=env | {"SERVER_SOFTWARE": "voila/0.5.13"}) as kernel:
        ran = kernel.run(call, allow_stdin=False)
        assert ran.status == "error"
        said = "Sign in with the button above, then reload this page."
        assert ran.text().count(said) > 1  # Voila leaves the error out
        code = re.search(r"Your code is <strong>([^<]+)</strong>", ran.text("text/html"))[1]
        rogue.devices.approve(code)
        assert eventually(lambda: "Signed in" in ran.text("text/html") or _turn(kernel))
        assert "rosa" in kernel.run(call, allow_stdin=False).text()


def _turn(kernel):
    """Let the kernel say what it has to."""
    kernel.run("pass", allow_stdin=False)


def test_nobody_waits_yet_for_a_preheated_kernel_of_voila(env, rogue):
    known(env, rogue, "device_code")
    with Kernel(env=env | {"VOILA_PREHEAT": "True"}) as kernel:
        ran = kernel.run(CALL.replace("interactive=True, ", ""), allow_stdin=False)
    assert "You're not signed in to The IdP" in ran.text()
    assert not ran.text("text/html")
