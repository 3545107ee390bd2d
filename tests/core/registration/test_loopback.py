"""A script registers itself for one port of this machine, and comes back at the same one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from core.registration.registering import RegisteringRogue
from core.sign_in import table
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login.loopback import uris as loopback_uris
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from patience import PATIENCE
from processes import free_port
from providers.troubles import status


@pytest.fixture
def script(files, monkeypatch):
    """Makes what each run of a script has. The usual port is one that no other test has."""
    monkeypatch.setattr(loopback_uris, "PORTS", 1)
    monkeypatch.setattr(loopback_uris, "FIRST", free_port())
    made = []

    def make(rogue: RegisteringRogue) -> LocalAccounts:
        idp = table(rogue, client_id=None)
        made.append(LocalAccounts(Providers({"idp": idp}), files))
        return made[-1]

    yield make
    for each in made:
        each.close()


def run(accounts: LocalAccounts, rogue: RegisteringRogue) -> str:
    """A script signs in, and ends; returns the redirect URI."""
    login = accounts.begin(LoginRequest("idp"))
    browser = requests.Session()
    there = browser.get(login.url, allow_redirects=False, timeout=PATIENCE).headers["Location"]
    browser.get(rogue.authorize(there), timeout=PATIENCE)
    assert accounts.login(login.id).status == "complete"
    accounts.close()
    accounts.local._pages[0].listener.keep()  # waits until the port is free
    return parse_qs(urlsplit(there).query)["redirect_uri"][0]


def test_runs_one_after_the_other_share_one_client(script):
    with RegisteringRogue() as rogue:
        first = run(script(rogue), rogue)
        assert run(script(rogue), rogue) == first
        assert len(rogue.asked) == 1


def test_runs_at_once_have_ports_and_clients_of_their_own(script):
    with RegisteringRogue() as rogue:
        waiting = script(rogue)
        waiting.begin(LoginRequest("idp"))
        assert run(script(rogue), rogue) != waiting.local.redirect_uri(waiting.logins()[0].id)


def test_a_refusal_ends_the_login_of_a_script(script):
    with RegisteringRogue() as rogue:
        rogue.script("register", status(403))
        accounts = script(rogue)
        login = accounts.begin(LoginRequest("idp"))
        page = requests.get(login.url, timeout=PATIENCE)
        assert "HTTP 403" in page.text
        ended = accounts.login(login.id)
        assert ended.status == "failed"
        assert ended.error["next_step"]["step"] == "add_provider"
