"""The pages under each look, by keyboard, and from another site."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser import axe, cells
from browser.pages.every_page import LOOKS, Tour, visitor
from browser.pages.flaws import FLAWS, UNSAID
from browser.sign_in_tab import from_jupyter, sign_in

ANSWERED = re.compile(r"status of (400|409|503)")


@pytest.mark.parametrize("look", ["light", "phone-dark"])
def test_every_page_fits_and_can_be_read(browser, lab, look):
    complaints = []

    def listen(said) -> None:
        # That a page's own fetch was answered so is no complaint: the page shows it.
        if said.type == "error" and not ANSWERED.search(said.text):
            complaints.append(f"{said.location['url']}: {said.text}")

    with visitor(browser, lab, look) as page:
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        grounds = set()
        for name, stop in Tour(page, lab).stops().items():
            stop()
            assert page.evaluate(FLAWS) + page.evaluate(UNSAID) + axe.flaws(page) == [], name
            grounds.add(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    [ground] = grounds
    bright = sum(map(int, re.findall(r"\d+", ground))) > 3 * 128
    assert bright is (LOOKS[look]["color_scheme"] == "light")
    assert [said for said in complaints if said.startswith(lab.url)] == []


def test_the_provider_is_another_site(lab, context):
    """Only then does the redirect back show that the cookies survive it."""
    asked = []
    context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 (inspected)
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin())
    tab.wait_for_url("http://localhost:*/**")
    sign_in(tab)
    assert tab.url.startswith("http://127.0.0.1:")
    [away] = [each for each in asked if "localhost" in each.url and "client_id=" in each.url]
    assert "referer" not in away.all_headers()
    [callback] = [each for each in asked if "/callback/" in each.url]
    headers = callback.all_headers()
    assert headers["sec-fetch-site"] == "cross-site"
    assert "jupyter-auth-" in headers["cookie"]


def test_by_keyboard(notebook, lab):
    book = notebook(cells.SESSION)
    book.start()
    link = book.output(0).get_by_role("link", name="Sign in to Example University")
    expect(link).to_be_visible()
    book.page.keyboard.press("Escape")  # JupyterLab's command mode
    tab_to(book.page, link)
    with book.page.context.expect_page() as opened:
        book.page.keyboard.press("Enter")
    tab = opened.value
    expect(tab.get_by_label("User name")).to_be_focused()
    tab.goto(f"{lab.url}{lab.logins()[0]['path']}#stuck")
    summary = tab.get_by_text("Trouble signing in?")
    tab_to(tab, summary)
    tab_to(tab, tab.get_by_role("button", name="Cancel this sign-in"))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    book.finished()
    expect(book.output(0)).to_contain_text("LoginCancelled")


def tab_to(page, target) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")
