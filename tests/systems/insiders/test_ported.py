"""Insiders' sample code, ported by `how-to/migrate.md`: run as it is, at the real host name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from environments.terminal import Terminal
from providers.internet import Internet
from server.browser.login_form import Form
from server.jupyter_process import JupyterProcess
from systems.machine import Machine

HOST = "api.asi.swiss"
TESTS = Path(__file__).parents[2]
# Their page is the same at both addresses; what the provider sends back goes to this machine.
BROWSER = """
import sys, requests
sys.path.insert(0, {tests!r})
from browser_file import leads_to
from providers.person import Person
plain = requests.Session()
plain.trust_env = False
away = plain.get(leads_to(sys.argv[1]), allow_redirects=False).headers["Location"]
assert away.startswith("https://{host}/oauth2/authorize/?"), away
url = away.replace("https://{host}", {origin!r})
back = Person({username!r}, {password!r}).visit(url, {origin!r})
assert "Signed in" in plain.get(back).text
"""


@pytest.fixture
def internet(insiders, tmp_path):
    port = int(insiders.origin.rpartition(":")[2])
    with Internet(tmp_path, {HOST: port}) as started:
        yield started
        assert started.unknown == []


@pytest.fixture
def machine(internet, tmp_path):
    return Machine(tmp_path, internet)


@pytest.fixture
def add(machine, insiders):
    """``jupyter auth add insiders``, with the client secret typed."""

    def add(client_id, *more):
        words = ("add", "insiders", "--client-id", client_id, "--client-secret", *more)
        with Terminal(machine.env, "-m", "jupyter_auth.cli", *words) as terminal:
            terminal.read("Client secret")
            terminal.type(insiders.client_secret)
            terminal.read("Insiders")
            assert terminal.ended() == 0
        assert insiders.client_secret not in terminal.text

    return add


@pytest.fixture
def browser(machine, insiders, tmp_path):
    program = tmp_path / "browser.py"
    who = {"username": insiders.username, "password": insiders.password}
    program.write_text(BROWSER.format(tests=str(TESTS), host=HOST, origin=insiders.origin, **who))
    machine.env["BROWSER"] = f"{sys.executable} {program} %s"


@pytest.mark.usefixtures("browser")
def test_authorization_code(machine, insiders, add):
    add(insiders.code_client, "--redirect-uri", "http://127.0.0.1/callback/insiders")
    with machine.terminal("insiders_code.py") as terminal:
        terminal.read(r"Redirect URI: http://127\.0\.0\.1:\d+/callback/insiders")
        terminal.read("You currently own 3 devices.")
        assert terminal.ended() == 0
    insiders.expire()  # "the access token expires after a few hours, which is problematic"
    again = machine.run("insiders_code.py")
    assert again.stdout.endswith("You currently own 3 devices.\n"), again.stderr
    grants = [each["form"]["grant_type"] for each in insiders.journal("/oauth2/token/")]
    assert grants == ["authorization_code", "refresh_token"]


def test_a_password_typed_once(machine, insiders, add):
    add(insiders.password_client, "--grants", "password")
    with machine.terminal("insiders_code.py") as terminal:  # the same script
        terminal.read("Your password is sent only to api.asi.swiss, and not stored")
        terminal.read("User name: ")
        terminal.type(insiders.username)
        terminal.read("Password: ")
        terminal.type(insiders.password)
        terminal.read("You currently own 3 devices.")
        assert terminal.ended() == 0
    assert insiders.password not in terminal.text


def test_a_password_at_night(machine, insiders):
    machine.env |= {
        "JUPYTER_AUTH_INSIDERS_CLIENT_ID": insiders.password_client,
        "JUPYTER_AUTH_INSIDERS_CLIENT_SECRET": insiders.client_secret,
        "JUPYTER_AUTH_INSIDERS_USERNAME": insiders.username,
        "JUPYTER_AUTH_INSIDERS_PASSWORD": insiders.password,
    }
    for _ in range(2):  # the second night by the refresh token, which "does not expire"
        ran = machine.run("insiders_nightly.py")
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.endswith(f"{insiders.username} owns 3\n")
        insiders.expire()
    grants = [each["form"]["grant_type"] for each in insiders.journal("/oauth2/token/")]
    assert grants == ["password", "refresh_token"]


def test_a_password_out_of_a_vault(machine, insiders, tmp_path):
    vault = tmp_path / "vault.json"
    who = {"username": insiders.username, "password": insiders.password}
    client = {"client_id": insiders.password_client, "client_secret": insiders.client_secret}
    vault.write_text(json.dumps(who | client))
    machine.env["VAULT"] = str(vault)
    ran = machine.run("insiders_password.py")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-2] == f"{insiders.username} owns 3"
    assert ran.stdout.splitlines()[-1].startswith("Logout(removed=True, revoked=True")
    vault.unlink()
    kept = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    for secret in (insiders.password, insiders.client_secret):
        assert secret not in kept + ran.stdout + ran.stderr


def test_the_wrong_kind_of_registration_says_which_command_helps(machine, insiders):
    machine.env |= {
        "JUPYTER_AUTH_INSIDERS_CLIENT_ID": insiders.code_client,
        "JUPYTER_AUTH_INSIDERS_CLIENT_SECRET": insiders.client_secret,
        "JUPYTER_AUTH_INSIDERS_USERNAME": insiders.username,
        "JUPYTER_AUTH_INSIDERS_PASSWORD": insiders.password,
    }
    ran = machine.run("insiders_nightly.py")
    assert ran.returncode == 1
    assert "JUPYTER_AUTH_INSIDERS_PASSWORD failed" in ran.stderr
    assert 'sign in with `grant="authorization_code"`' in ran.stderr


# In Jupyter


@pytest.fixture
def jupyter(internet, tmp_path, monkeypatch):
    """A server of somebody who has configured nothing yet."""
    for name, value in internet.environment().items():
        monkeypatch.setenv(name, value)
    with JupyterProcess(tmp_path / "jupyter") as server:
        yield server


@pytest.mark.parametrize("chosen", ["with the registration", "stuck at the provider"])
def test_in_jupyter_a_registration_for_passwords(jupyter, insiders, chosen):
    """By ``UserSession("insiders")`` and nothing else: all of it is typed on its page."""
    kernel, browser = jupyter.kernel(), jupyter.browser()
    login = kernel.begin("insiders")
    form = Form(browser, login)
    assert form.host == HOST
    given = {"client_id": insiders.password_client, "client_secret": insiders.client_secret}
    if chosen == "with the registration":
        form.sent(registration=given | {"grant": "password"})
    else:
        form.sent(registration=given | {"grant": "authorization_code"})
        browser.open(login)  # their page says "redirect URI mismatch", and sends nobody back
        assert "Sign in with a password instead" in browser.page(login["path"])
        assert browser.send("POST", browser.origin + login["path"], {"grant": "password"}).ok
    shown = form.sent(username=insiders.username, password=insiders.password)
    assert f"Signed in to Insiders as {insiders.username}" in shown
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"
    assert insiders.alive(kernel.token("insiders")["access_token"])
    assert kernel.begin("insiders", force=True)["grant"] == "password"  # and the next time
    assert insiders.password not in jupyter.log
