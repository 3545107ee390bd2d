"""Where an API's address led, without a server: a person agrees before anything is sent there."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from browser_file import clicked, leaves
from core.registration.registering import RegisteringRogue
from core.sign_in import table
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from patience import PATIENCE

API = "http://127.0.0.1:1/mcp"


@pytest.fixture
def rogue():
    with RegisteringRogue() as made:
        yield made


@pytest.fixture
def accounts(rogue):
    found = {"found_at": API, "base_url": API, "title": "Acme <b>tools</b>", "scopes": ["read"]}
    idp = table(rogue, client_id=None, **found)
    with contextlib.closing(LocalAccounts(Providers({"idp": idp}), MemoryStore())) as made:
        yield made


@pytest.fixture
def login(accounts):
    return accounts.begin(LoginRequest("idp", session_key="work", notebook="a.ipynb"))


def test_the_link_shows_where_it_leads_and_waits(accounts, login, rogue):
    host = urlsplit(rogue.issuer).netloc
    for link in (login.url, accounts.local.another_link(login)):
        page = requests.get(link, allow_redirects=False, timeout=PATIENCE)
        assert page.status_code == 200
        for shown in (API, "read", "a.ipynb", "work", f"Continue to {host}</button>"):
            assert shown in page.text
        assert f"says that {host} signs people in to it" in page.text
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "Set-Cookie" not in page.headers
    assert rogue.asked == rogue.seen("token") == []


def test_what_comes_from_the_network_is_escaped(login):
    page = requests.get(login.url, timeout=PATIENCE).text
    assert "<h1>Sign in to Acme &lt;b&gt;tools&lt;/b&gt;</h1>" in page
    assert "<b>" not in page


def test_a_click_registers_and_leaves(accounts, login, rogue):
    with requests.Session() as browser:
        there = leaves(browser, login.url)
        assert there.startswith(rogue.issuer)
        assert parse_qs(urlsplit(there).query)["scope"] == ["read"]
        assert len(rogue.asked) == 1
        browser.get(rogue.authorize(there), timeout=PATIENCE)
    assert accounts.login(login.id).status == "complete"
    again = accounts.begin(LoginRequest("idp", session_key="work", force=True))
    answer = requests.get(again.url, allow_redirects=False, timeout=PATIENCE)
    assert answer.status_code == 303  # it is known now


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_click_on_another_site_s_button_counts_for_nothing(login, rogue, origin):
    headers = {"Origin": origin} if origin else {}
    answer = requests.post(login.url, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 404
    assert rogue.asked == []


def test_a_link_that_was_agreed_to_is_for_that_browser_alone(accounts, login):
    with requests.Session() as alice, requests.Session() as mallory:
        leaves(alice, login.url)
        answer = alice.get(login.url, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code == 303  # a reload
        assert "already opened in another browser" in clicked(mallory, login.url).text
    assert accounts.login(login.id).status == "failed"


def test_elsewhere_there_is_nothing_to_click_on(login):
    base = login.url.partition("/login/")[0]
    for path in ("/", "/login/x", "/callback/idp", f"/done/{login.id}"):
        answer = requests.post(base + path, headers={"Origin": base}, timeout=PATIENCE)
        assert answer.status_code == 404
