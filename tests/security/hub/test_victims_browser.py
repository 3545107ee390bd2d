"""Chromium is alice's browser, and mallory a user of the same Hub, with its service. SECURITY 3.

What a page of mallory's server can do there, which shares the Hub's origin: set cookies, and send
the browser anywhere. The last file here: Playwright disturbs event loops that come after it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from browser.chromium import chromium, new_context
from browser.sign_in_tab import identify
from hub.hub_process import PASSWORD
from hub.service_client import PLACE, call, hub_token
from security.hub.oauth_callback import SESSION, code_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from hub.hub_process import Hub, HubBrowser
    from providers.oidc import OidcProvider

CLIENT = "service-jupyter-auth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def alice(browser: Browser, served: Hub) -> Iterator[Page]:
    """A page of the Hub's origin in her browser; she is signed in to the Hub."""
    context = new_context(browser)
    page = context.new_page()
    page.goto(served.url("hub/login"))
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(served.url("hub/token"))
    yield page
    context.close()


def plant(page: Page, mallory: HubBrowser, name: str, path: str) -> None:
    """What a script of mallory's does on any page of that origin."""
    for cookie in mallory.session.cookies:
        if cookie.name.startswith(name):
            page.evaluate(f"document.cookie = '{cookie.name}={cookie.value}; path={path}'")


def is_user_of_service(page: Page) -> bool:
    return any(cookie["name"] == CLIENT for cookie in page.context.cookies())


def test_a_planted_oauth_state_makes_her_nobody_else(served: Hub, alice: Page) -> None:
    mallory = served.browser("mallory")
    callback = code_for(mallory)
    plant(alice, mallory, f"{CLIENT}-oauth-state", f"{served.prefix}{PLACE}")
    alice.goto(callback)
    expect(alice.get_by_role("heading", name="Started in another browser")).to_be_visible()
    assert urlsplit(alice.url).path == f"{served.prefix}{PLACE}problem/foreign"
    assert not is_user_of_service(alice)


def test_where_her_session_is_mallorys_too_nothing_is_stored_without_her_yes(
    served: Hub, oidc: OidcProvider, alice: Page
) -> None:
    """A page can push her session's cookie out of the jar by setting many others."""
    mallory = served.browser("mallory")
    token = hub_token(served, "mallory")
    asked = {"provider": "idp", "session_key": f"stolen-{time.time()}"}
    login = call(served, token, "POST", "logins", asked).json()
    callback = code_for(mallory)
    alice.context.clear_cookies(name=SESSION)
    plant(alice, mallory, SESSION, served.prefix)
    plant(alice, mallory, f"{CLIENT}-oauth-state", f"{served.prefix}{PLACE}")
    alice.goto(callback)
    assert is_user_of_service(alice), "at the service her browser is mallory's now"

    alice.goto(served.origin + login["path"])
    main = alice.get_by_role("main")
    expect(main).to_contain_text("mallory")
    alice.get_by_role("button", name="Continue to").click()  # it does not leave by itself
    identify(alice, "alice")
    alice.get_by_role("button", name="Allow").click()
    expect(alice.get_by_role("heading", name="Is this you?")).to_be_visible()
    for named in ("mallory", "alice", urlsplit(oidc.issuer).netloc):
        expect(main).to_contain_text(named)
    assert call(served, token, "GET", "accounts").json()["accounts"] == []
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", name="cancelled")).to_be_visible()
    assert call(served, token, "GET", "accounts").json()["accounts"] == []
