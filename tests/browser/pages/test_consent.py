"""The page that asks whether a notebook may use an account, as a person meets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser import axe
from browser.chromium import new_context
from browser.pages.every_page import LOOKS
from browser.pages.flaws import FLAWS, UNSAID
from server.jupyter_process import TOKEN, JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from providers.oidc import OidcProvider

NO = re.compile("^Don.t allow$")
SCOPES = ["openid", "https://acme.example/" + "x" * 90]
ASKED = {"grant": "consent", "kernel": "k", "scopes": SCOPES}
CLIENT = {"title": "Example ID", "scopes": "openid profile"}


@pytest.fixture
def server(oidc: OidcProvider, tmp_path: Path) -> Iterator[JupyterProcess]:
    """One that asks, where alice is signed in."""
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id, **CLIENT}
    with JupyterProcess(tmp_path / "home", providers={"idp": idp}, consent=True) as made:
        visitor = made.browser()
        visitor.arrive(oidc.login(visitor.open(made.kernel().begin())))
        yield made


def test_it_can_be_read_and_answered_by_keyboard(browser: Browser, server: JupyterProcess) -> None:
    kernel = server.kernel()
    for look, key, heading in (("light", "Enter", "Allowed"), ("phone-dark", "", "Not allowed")):
        login = kernel.begin(**ASKED)
        context = new_context(browser, **LOOKS[look])
        page = context.new_page()
        page.goto(f"{server.origin}{login['path']}?token={TOKEN}")
        expect(page.get_by_role("heading", name="Allow this use of your account?")).to_be_visible()
        expect(page.get_by_label("This session")).to_be_focused()
        assert page.evaluate(FLAWS) + page.evaluate(UNSAID) + axe.flaws(page) == []
        if key:
            page.keyboard.press("ArrowDown")
            expect(page.get_by_label("1 day")).to_be_checked()
            page.keyboard.press(key)
        else:
            page.get_by_role("button", name=NO).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert page.evaluate(FLAWS) + axe.flaws(page) == []
        context.close()
    (kept,) = kernel.call("GET", "consents")["consents"]
    assert kept["until"] - kept["given_at"] == 86400
