"""An error that a provider sends back without a state, in the query or the fragment."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from browser.sign_in_tab import from_jupyter, sign_in
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore

ERROR = "error=unauthorized_client&error_description=Disabled%20by%20its%20<b>owner</b>"
WORDS = "unauthorized_client: Disabled by its <b>owner</b>"


@pytest.mark.parametrize("mark", ["?", "#"])
def test_the_page_waits_with_its_words(lab, oidc, context, mark):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin())
    tab.wait_for_url(f"{oidc.issuer}/**")
    tab.goto(f"{lab.url}/jupyter-auth/callback/idp{mark}{ERROR}")
    expect(tab.get_by_role("alert")).to_contain_text(WORDS)
    assert not urlsplit(tab.url).query + urlsplit(tab.url).fragment
    tab.get_by_role("button", name="Try again").click()
    sign_in(tab)


@pytest.mark.parametrize("mark", ["?", "#"])
def test_so_does_the_listener_s(oidc, context, mark):
    table = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    with contextlib.closing(LocalAccounts(Providers({"idp": table}), MemoryStore())) as accounts:
        login = accounts.begin(LoginRequest("idp"))
        tab = context.new_page()
        tab.goto(login.url)
        tab.goto(f"{accounts.local.redirect_uri(login.id)}{mark}{ERROR}")
        expect(tab.get_by_role("heading")).to_contain_text(WORDS)
        assert accounts.login(login.id).status == "pending"
