"""The demo as a newcomer uses it: one click, and Shift+Enter before and after it."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.sign_in_tab import closes_itself, follow
from jupyter_auth.demo.browser import wait_for_lab
from jupyter_auth.demo.demo_server import DemoServer
from patience import PATIENCE


def test_it_survives_shift_enter_after_the_click(context):
    with DemoServer() as demo, demo.log.open("wb") as log:
        lab = wait_for_lab(demo.start(log), demo, 2 * PATIENCE)
        page = context.new_page()
        page.goto(f"{lab.url}lab/tree/{demo.notebook.name}?token={lab.token}")
        code = page.locator(".jp-CodeCell")
        expect(page.get_by_text("| Idle")).to_be_visible(timeout=2 * PATIENCE * 1000)
        code.first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        button = code.first.get_by_role("link", name="Sign in to Demo provider")
        tab = follow(button)
        for _ in range(3):  # the same cell again, which the click has chosen, and two more
            page.keyboard.press("Shift+Enter")
        tab.get_by_role("button", name="Ada").click()
        tab.evaluate("window.wasSeen = true")
        closes_itself(tab)
        expect(code.nth(0)).to_contain_text("ada@demo.example")
        expect(code.nth(1)).to_contain_text("17.8 °C")
