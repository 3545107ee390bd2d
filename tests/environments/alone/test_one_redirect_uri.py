"""One registered redirect URI for the notebooks, scripts and terminals of a laptop."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import tomlkit

from environments.conftest import TESTS
from environments.terminal import Terminal, run
from patience import until
from processes import free_port
from server.jupyter_process import JupyterProcess, Kernel

CALL = """
from jupyter_auth import UserSession
print(UserSession("acme").get("me").json()["username"])
"""
IN_CODE = """
from jupyter_auth import Provider, UserSession
acme = Provider(
    name="mine",
    issuer={issuer!r},
    client_id={client_id!r},
    redirect_uri={uri!r},
    base_url={issuer!r},
)
print(UserSession(acme).get("me").json()["username"])
"""
BROWSER = """
import sys, requests
sys.path.insert(0, {tests!r})
from browser_file import leads_to
assert "Signed in" in requests.get(leads_to(sys.argv[1])).text
"""


@pytest.fixture
def uri(rogue) -> str:
    """The Jupyter server's own, of a provider that accepts no other."""
    registered = f"http://localhost:{free_port()}/base/jupyter-auth/callback/acme"

    def strict(proceed):
        asked = rogue.seen("authorize")[-1].query["redirect_uri"]
        assert asked == registered
        return proceed()

    rogue.script("authorize", strict)
    return registered


@pytest.fixture
def laptop(env, rogue, uri, tmp_path):
    """Its environment; ``acme`` is configured once."""
    table = {"issuer": rogue.issuer, "client_id": rogue.client_id, "redirect_uri": uri}
    table |= {"base_url": rogue.issuer, "scopes": ["openid"]}
    file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
    file.write_text(tomlkit.dumps({"acme": table}))
    program = tmp_path / "http_browser.py"
    program.write_text(BROWSER.format(tests=str(TESTS)))
    return env | {"BROWSER": f"{sys.executable} {program} %s"}


@pytest.fixture
def server(uri, tmp_path):
    """A Jupyter server of the same person, at that port."""
    made = JupyterProcess(tmp_path / "jupyter")
    made.port = urlsplit(uri).port
    with made as running:
        yield running


def signs_in(laptop, code: str = CALL) -> None:
    with Terminal(laptop, "-c", code) as terminal:
        terminal.read("Signed in to")
        terminal.read("rosa")
        assert terminal.ended() == 0


def test_where_the_port_is_free_a_script_listens_there(laptop):
    signs_in(laptop)


@pytest.mark.parametrize("where", ["file", "code"])
def test_where_a_jupyter_server_is_it_sends_the_browser_on(laptop, server, rogue, uri, where):
    """Who need not be signed in to Jupyter in that browser."""
    laptop |= {"JUPYTER_RUNTIME_DIR": str(server.runtime)}
    given = {"issuer": rogue.issuer, "client_id": rogue.client_id, "uri": uri}
    signs_in(laptop, CALL if where == "file" else IN_CODE.format(**given))
    assert [each.form["redirect_uri"] for each in rogue.seen("token")] == [uri]


def test_and_its_own_notebooks_sign_in_there(server, rogue, uri):
    kernel, browser = server.kernel(), server.browser(host="localhost")
    table = {"issuer": rogue.issuer, "client_id": rogue.client_id, "redirect_uri": uri}
    login = kernel.begin(kernel.register("acme", table))
    place = browser.arrive(rogue.authorize(browser.open(login)))
    assert place == login["path"]


def test_where_another_program_is_it_is_said(laptop, uri):
    port = urlsplit(uri).port
    with socket.create_server(("127.0.0.1", port)), Terminal(laptop, "-c", CALL) as terminal:
        terminal.read(f"port {port}, which another program uses")


def test_a_server_that_is_gone_has_left_its_file(laptop, server):
    laptop |= {"JUPYTER_RUNTIME_DIR": str(server.runtime)}
    (server.runtime / "jupyter_auth-1-dead.json").write_text("{}")
    signs_in(laptop)


def test_so_does_a_second_jupyter_server(server, rogue, uri, tmp_path):
    """Which finds the port taken at its start, and is at another one."""

    class Second(JupyterProcess):
        runtime = server.runtime

        def environment(self):
            return super().environment() | {"JUPYTER_RUNTIME_DIR": str(self.runtime)}

    with Second(tmp_path / "second") as second:
        (theirs,) = server.runtime.glob(f"jupyter_auth-{second._process.pid}-*.json")
        kernel, browser = Kernel(theirs), second.browser(host="localhost")
        table = {"issuer": rogue.issuer, "client_id": rogue.client_id, "redirect_uri": uri}
        login = kernel.begin(kernel.register("acme", table))
        back = rogue.authorize(browser.open(login))
        assert back.startswith(f"{uri}?")
        sent_on = browser.get(back).headers["Location"]
        assert sent_on.startswith(f"{browser.origin}/base/jupyter-auth/callback/acme?")
        assert browser.arrive(sent_on) == login["path"]
        assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"


def test_a_wrong_client_id_is_corrected_in_the_terminal_without_a_file(env, rogue, uri, tmp_path):
    """The provider shows an error and never comes back; one command later it is a 200."""
    program = tmp_path / "http_browser.py"
    program.write_text(BROWSER.format(tests=str(TESTS)))
    env |= {"BROWSER": f"{sys.executable} {program} %s"}
    add = ["-m", "jupyter_auth.cli", "add", "acme"]
    mistyped = ["--client-id", "mistyped", "--base-url", rogue.issuer, "--redirect-uri", uri]
    added = run(env, *add, "--issuer", rogue.issuer, *mistyped).stdout
    assert f"Register this redirect URI there: {uri}" in added
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "acme") as terminal:
        terminal.read(f"Redirect URI: {uri} ")
        until(lambda: rogue.seen("authorize"))
        terminal.interrupt()
        assert terminal.ended() == 130
    changed = run(env, *add, "--client-id", rogue.client_id).stdout
    assert "Changed acme (" in changed
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "--force", "acme") as terminal:
        terminal.read("Signed in to")
        assert terminal.ended() == 0
    assert "rosa" in run(env, "-c", CALL).stdout  # which has got a 200
