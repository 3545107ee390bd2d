"""axe-core finds nothing against what we show. WCAG 2.2 AA, light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser import cells
from browser.axe import flaws
from browser.notebook import Notebook
from browser.pages.every_page import Tour, visitor
from browser.sign_in_tab import deny, follow, sign_in
from lab.panel import GO, SIGNED_IN, Front, end_at_provider
from lab.states import every_state

OURS = [".jupyter-auth-said", ".jupyter-auth-section", ".jupyter-auth-status"]
DARK = "UserSession('idp', interactive=False).get('me')"
WIDE = "all => all.map(each => each.scrollWidth > each.clientWidth)"  # it has to be scrolled
looks = pytest.mark.parametrize("look", ["light", "dark"])


@looks
def test_every_page(browser, lab, look):
    with visitor(browser, lab, look) as page:
        for name, stop in Tour(page, lab).stops().items():
            stop()
            assert flaws(page) == [], name


@looks
@pytest.mark.parametrize("opener", [Notebook.open, Notebook.open_alone], ids=["lab", "notebook7"])
def test_panel_status_and_widget(browser, lab, oidc, look, opener):
    with visitor(browser, lab, look) as page:
        path = lab.notebook(f"axe-{look}", cells.WIDGET, cells.SESSION, DARK)
        book = opener(lab, page.context, path)
        front, widget = Front(book.page), book.output(0)

        def check(name: str) -> None:
            for place in [*OURS, ".jp-OutputArea .jupyter-auth"]:
                if book.page.locator(place).first.is_visible():
                    assert flaws(book.page, place) == [], (name, place)

        front.show()
        check("nobody")
        book.run(0)
        expect(widget.get_by_role("link", name=GO)).to_be_visible()
        check("pending")
        tab = follow(widget.get_by_role("link", name=GO))
        deny(tab)
        expect(widget.get_by_role("button", name="Try again")).to_be_visible()
        check("denied")
        page.context.clear_cookies(domain="localhost")
        tab = follow(widget.get_by_role("button", name="Try again"))
        sign_in(tab)
        expect(widget).to_contain_text(SIGNED_IN)
        expect(front.account("alice")).to_be_visible()
        check("signed in")
        book.run(1)
        end_at_provider(oidc)
        book.run(2)
        expect(front.notification("Sign-in needed for")).to_be_visible()
        expect(widget).to_contain_text("Sign-in needed for")
        check("ended")


def test_the_panel_in_every_state(browser, lab):
    with visitor(browser, lab, "light") as page:
        for name in every_state(page, lab):
            for place in OURS:
                if page.locator(place).first.is_visible():
                    assert flaws(page, place) == [], (name, place)
            wide = page.locator(".jupyter-auth-section").evaluate_all(WIDE)
            assert not any(wide), name
