"""A silent sign-in in Chromium, as JupyterLab starts: no click, no error page, no loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.lab import Lab
from browser.sign_in_tab import from_jupyter, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from providers.oidc import OidcProvider

STARTED = "window.jupyterapp?.restored.then(() => true)"


@pytest.fixture
def silent_lab(oidc: OidcProvider, tmp_path: Path) -> Iterator[Lab]:
    """``acme`` and ``other`` are two clients of one provider, both silent."""
    known = {"issuer": oidc.issuer, "silent": True}
    providers = {name: {**known, "client_id": name} for name in ("acme", "other")}
    with Lab(tmp_path / "lab", {"providers": providers}) as lab:
        for name in providers:
            callback = f"{lab.url}/jupyter-auth/callback/{name}"
            oidc.add_client(name, callback, application_type="web")  # a native one is always asked
        yield lab


@pytest.fixture
def known_there(silent_lab: Lab, context: BrowserContext) -> Page:
    """A browser with a session at the provider, which has granted ``acme``; not signed in here."""
    tab = context.new_page()
    tab.goto(f"{silent_lab.url}/api/status?token={silent_lab.token}")
    from_jupyter(tab, silent_lab.begin("acme"))
    sign_in(tab)
    tab.goto("about:blank")
    sign_out(silent_lab)
    return tab


def sign_out(lab: Lab) -> None:
    lab.api("DELETE", "jupyter-auth/api/v1/accounts", provider="acme", revoke="0")


def when(asked: dict[str, float], part: str) -> float:
    """The time of the only request for an address with that part."""
    (found,) = [time for url, time in asked.items() if part in url]
    return found


def test_who_is_signed_in_there_is_signed_in_here_without_a_click(
    silent_lab: Lab,
    known_there: Page,
    context: BrowserContext,
    record_property: Callable[[str, float], None],
) -> None:
    asked: dict[str, float] = {}
    context.on("request", lambda request: asked.update({request.url: time.perf_counter()}))
    lab, status = f"{silent_lab.url}/lab", known_there.locator(".jupyter-auth-status")
    known_there.goto(lab)
    expect(status).to_have_text("1 account")
    assert [each["provider"] for each in silent_lab.accounts()] == ["acme"]
    there = when(asked, "arrive/acme?next=%2Flab")
    record_property("seconds", when(asked, "callback/acme") - there)
    # Its person has not agreed to the other client: JupyterLab is back, with its button.
    known_there.wait_for_url(lab)
    known_there.wait_for_function(STARTED)
    assert when(asked, "callback/other?error=consent_required") > there
    assert not [url for url in asked if "/interaction/" in url or "/problem/" in url]
    assert silent_lab.logins() == []

    asked.clear()
    sign_out(silent_lab)
    for tab in (known_there, context.new_page()):
        tab.goto(lab)
        tab.wait_for_function(STARTED)
        expect(tab.locator(".jupyter-auth-status")).to_have_text("")
    assert not [url for url in asked if "arrive" in url], "once in a browser session"
