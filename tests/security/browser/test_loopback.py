"""A login of a process without a server, in Chromium (SECURITY 8 and 13)."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import new_context
from browser.sign_in_tab import allow, identify
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.prompt import browser_file
from memory_store import MemoryStore
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def local(oidc) -> Iterator[Callable[..., LocalAccounts]]:
    """Accounts of this process, closed at the end."""
    with contextlib.ExitStack() as made:

        def make(**fields: str) -> LocalAccounts:
            table = {"issuer": oidc.issuer, "client_id": oidc.client_id, **fields}
            accounts = LocalAccounts(Providers({"idp": table}), MemoryStore())
            return made.enter_context(contextlib.closing(accounts))

        yield make


def test_the_file_leads_to_the_sign_in_and_the_link_works_once(
    local, context, browser, monkeypatch
):
    opened: list[str] = []
    monkeypatch.setattr(browser_file.webbrowser, "open", opened.append)
    accounts = local()
    login = accounts.begin(LoginRequest("idp"))
    file = browser_file.BrowserFile(accounts.local.another_link(login))
    tab = context.new_page()
    tab.goto(opened[0])
    identify(tab)
    # The link that is shown, in this browser and then in another user's.
    second = context.new_page()
    second.goto(login.url)
    expect(second.get_by_role("heading", name="Allow access?")).to_be_visible()
    allow(tab)
    assert accounts.login(login.id).status == "complete"
    mallory = new_context(browser)
    theirs = mallory.new_page()
    theirs.goto(login.url)
    expect(theirs.get_by_role("heading")).to_contain_text(
        "This link was already opened in another browser"
    )
    mallory.close()
    file.remove()
    assert not Path(opened[0].removeprefix("file://")).exists()


def test_where_an_address_led_is_left_for_with_a_click(local, context, oidc):
    """Chromium names the form's origin, and follows from its answer to another site."""
    api = "http://127.0.0.1:1/mcp"
    accounts = local(found_at=api, title="Acme tools")
    login = accounts.begin(LoginRequest("idp"))
    tab = context.new_page()
    tab.goto(login.url)
    host = oidc.issuer.partition("://")[2]
    expect(tab.get_by_role("heading", name="Sign in to Acme tools")).to_be_visible()
    expect(tab.get_by_role("definition").filter(has_text=api)).to_be_visible()
    assert oidc.events("authorization.accepted") == []
    tab.get_by_role("button", name=f"Continue to {host}").click()
    identify(tab)
    allow(tab)
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
    assert accounts.login(login.id).status == "complete"


def test_a_stranger_at_the_other_localhost_gets_nothing(local, context):
    port = free_port()
    accounts = local(redirect_uri=f"http://localhost:{port}/callback/idp")
    with socket.socket(socket.AF_INET6) as stranger:
        stranger.bind(("::1", port))
        stranger.listen()
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            accounts.begin(LoginRequest("idp"))
    login = accounts.begin(LoginRequest("idp"))  # now both are ours, wherever Chromium goes first
    tab = context.new_page()
    tab.goto(login.url)
    assert login.url.startswith(f"http://localhost:{port}/")
    identify(tab)
    allow(tab)
    assert accounts.login(login.id).status == "complete"
