"""Without a Jupyter server: a script, IPython, a kernel; the browser here or far away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from environments.home import configure
from environments.terminal import NOWHERE_ELSE, Terminal, run
from kernel.kernel_process import Kernel
from providers.protected_api import ProtectedAPI

CALL = (
    "from jupyter_auth import UserSession; print(UserSession('idp').get('me').json()['username'])"
)
LOGIN = ("-m", "jupyter_auth.cli", "login", "idp")
IPYTHON = ("-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor")


# A browser of this machine


def test_a_script_in_a_terminal(env, browser):
    with Terminal(env | {"BROWSER": browser}, "-c", CALL) as terminal:
        terminal.read("Sign in to The IdP")
        terminal.read("Signed in to The IdP as alice")
        terminal.read("alice")
        assert terminal.ended() == 0


def test_jupyter_auth_login_and_the_account_is_there_for_all(env, browser, oidc):
    with Terminal(env | {"BROWSER": browser}, *LOGIN) as terminal:
        terminal.read("Signed in to The IdP as alice")
        assert terminal.ended() == 0
    assert run(env, "-c", CALL).stdout.splitlines()[-1] == "alice"
    with Kernel(env=env) as kernel:
        assert "alice" in kernel.ok(CALL).text()
    assert len(oidc.events("authorization.success")) == 1


def test_jupyter_auth_add_alone_finds_an_api_and_signs_in(env, browser, oidc):
    with (
        ProtectedAPI(oidc.issuer) as api,
        Terminal(env | {"BROWSER": browser}, "-m", "jupyter_auth.cli", "add") as terminal,
    ):
        oidc.add_resource(api.address)
        terminal.read("Name or address")
        terminal.type(api.address)
        found = terminal.read(r"[\s\S]*Sign in now\? \[Y/n\] ")[0]
        terminal.type("")
        prompt = terminal.read(r"[\s\S]*Signed in to .* as alice")[0]
        assert terminal.ended() == 0
    assert "Redirect URI" not in prompt  # there is nothing to register
    assert f"API: {api.address}" in found
    assert f"Sign-in at: {oidc.issuer.removeprefix('http://')}" in found


@pytest.mark.parametrize("line", [CALL, "%auth login idp"])
def test_ipython_in_a_terminal(env, browser, line):
    with Terminal(env | {"BROWSER": browser}, *IPYTHON) as terminal:
        terminal.read(r"In \[1\]: ")
        terminal.type("%load_ext jupyter_auth")
        terminal.read(r"In \[2\]: ")
        terminal.type(line)
        terminal.read("Signed in to The IdP as alice")
        terminal.read(r"In \[3\]: ")
        terminal.type("exit")
        assert terminal.ended() == 0


def test_a_kernel_without_a_server_opens_the_system_s_browser(env, browser):
    with Kernel(env=env | {"BROWSER": browser}) as kernel:
        ran = kernel.ok(CALL)
        assert "Signed in to The IdP as alice" in ran.text("text/html")
        assert "alice" in ran.text()
        assert "href" not in ran.text("text/html")


def test_or_its_link_is_clicked(env, oidc):
    """The link in the output is a real one, to the listener."""
    with Kernel(env=env | {"BROWSER": "true"}) as kernel:
        waiting = kernel.send(CALL)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        shown = prompt.text("text/html")
        assert "Stuck" not in shown  # there is no page of a server to be stuck at
        browser = requests.Session()
        start = browser.get(re.search(r'href="([^"]+)"', shown)[1], allow_redirects=False)
        assert "Signed in" in browser.get(oidc.login(start.headers["Location"])).text
        assert "alice" in kernel.result(waiting).text()


# A browser on another machine


@pytest.mark.parametrize("command", [LOGIN, ("-c", CALL)], ids=["jupyter auth", "script"])
def test_over_ssh_the_address_is_pasted(env, oidc, command):
    # The display is the one that `ssh -X` brings.
    with Terminal(env | {"SSH_CONNECTION": "a 1 b 2", "DISPLAY": ":10"}, *command) as terminal:
        url = terminal.read(rf"({re.escape(oidc.issuer)}/auth\S+)")[1]
        back = oidc.login(url, "alice")
        terminal.read("Paste the address")
        terminal.type("not an address")
        terminal.read("This is not the address")
        terminal.type(back)
        terminal.read("Signed in to The IdP as alice")
        assert terminal.ended() == 0


@pytest.mark.parametrize("login", [CALL, "%load_ext jupyter_auth\n%auth login idp"])
def test_a_kernel_far_from_its_browser_asks_for_the_address(env, oidc, login):
    """Colab, Codespaces, VS Code over SSH: by the input box of the front end."""
    with Kernel(env=env | {"CODESPACES": "true"}) as kernel:
        waiting = kernel.send(login)
        prompt = kernel.result(waiting, until=lambda ran: ran.text("text/html"))
        shown = prompt.text("text/html")
        url = re.search(r'href="([^"]+)"', shown)[1].replace("&amp;", "&")
        assert url.startswith(f"{oidc.issuer}/auth?")
        assert "Copy its address" in shown
        back = oidc.login(url, "alice")
        asked = kernel.client.get_stdin_msg(timeout=60)["content"]
        assert "Paste the address" in asked["prompt"]
        assert asked["password"]  # what is typed into a plain box stays in the saved notebook
        kernel.client.input(back)
        rest = kernel.result(waiting)
        assert rest.status == "ok"
        assert "Signed in to The IdP as alice" in prompt.text("text/html")
        assert back not in str(prompt.outputs + rest.outputs)


WIDGET = "from jupyter_auth import LoginWidget\nLoginWidget('idp')"


def test_a_widget_there_shows_a_code_where_the_provider_has_codes(env):
    with Kernel(env=env | {"CODESPACES": "true"}) as kernel:
        shown = kernel.ok(WIDGET).text("text/html")
    assert re.search(r"Your code is <strong>[A-Z-]{9}</strong>", shown)


def test_else_it_says_what_to_do_instead(env, oidc):
    configure(Path(env["XDG_CONFIG_HOME"]), oidc, grants="authorization_code")
    with Kernel(env=env | {"CODESPACES": "true"}) as kernel:
        shown = kernel.ok(WIDGET)
        assert "cannot come back to this kernel" in shown.text()
        assert "Sign in with `jupyter auth login idp` in a terminal." in shown.text()


def test_a_pasted_address_of_somebody_else_s_login_is_refused(env, oidc, tmp_path):
    """Login CSRF: mallory sends alice the address that his own browser ended on."""
    mallory = env | {"XDG_DATA_HOME": str(tmp_path / "mallory"), "SSH_TTY": "/dev/pts/9"}
    with (
        Terminal(mallory, *LOGIN) as his,
        Terminal(env | {"SSH_TTY": "/dev/pts/1"}, *LOGIN) as hers,
    ):
        back = oidc.login(his.read(rf"({re.escape(oidc.issuer)}/auth\S+)")[1], "bob")
        hers.read("Paste the address")
        hers.type(back)
        hers.read("Paste the address")
    assert "You're not signed in anywhere." in run(env, "-m", "jupyter_auth.cli", "status").stdout


@pytest.mark.parametrize("name", NOWHERE_ELSE)
def test_where_a_browser_is_elsewhere(monkeypatch, name):
    from jupyter_auth.kernel.prompt.prompt import browser_here

    for each in NOWHERE_ELSE:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    assert browser_here()
    monkeypatch.setenv(name, "1")
    assert not browser_here()
