"""Passwords and pasted texts in a terminal, where there is no server with a page for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from environments.terminal import Terminal
from kernel.kernel_process import Kernel
from providers.presets.fourinsight import FourInsight

CALL = "from jupyter_auth import UserSession; print(UserSession({!r}).username)"


@pytest.fixture
def fourinsight():
    with FourInsight() as server:
        yield server


@pytest.fixture
def env(env, rogue, fourinsight):
    file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
    school = {"issuer": rogue.issuer, "client_id": rogue.client_id, "grants": ["password"]}
    file.write_text(tomlkit.dumps({"school": school, "fourinsight": fourinsight.table()}))
    return env


def test_a_password_is_typed_unseen(env, rogue):
    with Terminal(env, "-c", CALL.format("school")) as terminal:
        terminal.read(rf"sent only to {rogue.issuer.removeprefix('http://')}, and not stored")
        terminal.read("User name: ")
        terminal.type("rosa")
        terminal.read("Password: ")
        terminal.type("a guess")
        terminal.read("invalid_grant")
        terminal.read("User name: ")
        terminal.type("rosa")
        terminal.read("Password: ")
        terminal.type(rogue.password)
        terminal.read("Signed in to school as rosa")
        assert terminal.ended() == 0
    assert "a guess" not in terminal.text
    assert rogue.password not in terminal.text


def test_a_password_is_not_typed_in_a_notebook(env, rogue):
    with Kernel(env=env) as kernel:
        assert "jupyter auth login school" in kernel.run(CALL.format("school")).text()
    assert rogue.seen("token") == []


@pytest.mark.parametrize("name", ["school", "fourinsight"])
def test_a_widget_has_nowhere_to_type_and_says_where(env, rogue, name):
    with Kernel(env=env) as kernel:
        cell = f"from jupyter_auth import LoginWidget\nLoginWidget({name!r})"
        said = kernel.ok(cell).text("text/html")
        assert f"Sign in with `jupyter auth login {name}` in a terminal." in said
        own = f"Provider(name='mine', issuer={rogue.issuer!r}, client_id='x', grants=['password'])"
        its_cell = f"from jupyter_auth import LoginWidget, Provider\nLoginWidget({own})"
        said = kernel.ok(its_cell).text("text/html")  # a terminal has no such provider
        assert "A `UserSession` for it asks for what is needed." in said
        assert "login mine" not in said
        kernel.ok("%load_ext jupyter_auth")
        assert f"`%auth login {name} --wait`" in kernel.ok(cell).text("text/html")
    assert rogue.seen("token") == []


def test_a_text_is_pasted_and_said_yes_to(env, fourinsight):
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "fourinsight") as terminal:
        terminal.read("https://4insight.example/auth")
        terminal.type('{"endpoint": "https://evil.example/", "code": "x"}')
        terminal.read("Nothing was sent")
        terminal.read("Paste it here: ")
        terminal.type(fourinsight.package())
        terminal.read(r"It is for alice@4subsea.example. Is this you\? \[y/N\] ")
        terminal.type("y")
        terminal.read("Signed in to 4insight as alice@4subsea.example")
        assert terminal.ended() == 0


@pytest.mark.parametrize("answer", ["", "n", "\x04"])
def test_or_not(env, fourinsight, answer):
    with Terminal(env, "-c", CALL.format("fourinsight")) as terminal:
        terminal.read("Paste it here: ")
        terminal.type(fourinsight.package("mallory@evil.example"))
        terminal.read("Is this you")
        terminal.type(answer)
        terminal.read("LoginCancelled")
        assert terminal.ended() == 1
    assert not list(Path(env["XDG_DATA_HOME"]).rglob("fourinsight*.json"))
