"""Two people in one notebook (jupyter-collaboration): each sees who may use whose account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from browser import cells
from browser.chromium import new_context
from browser.lab import Lab
from browser.lab_providers import TITLE
from browser.notebook import Notebook
from browser.sign_in_tab import follow, sign_in
from environments.front_ends import ABOVE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

    from providers.oidc import OidcProvider

WILL = "Everyone who uses this Jupyter server will be able to use this account."
CAN = "Everyone who uses this Jupyter server can use this account now."
BLUE = "rgb(25, 118, 210)"  # also where the browser does not trust the document


def test_a_colleague_answers_what_another_one_s_cell_asks(
    browser: Browser, context: BrowserContext, oidc: OidcProvider, tmp_path: Path
) -> None:
    provider = {"title": TITLE, "issuer": oidc.issuer, "client_id": oidc.client_id}
    with Lab(tmp_path / "lab", {"providers": {"idp": provider}}, "", ABOVE) as lab:
        path = lab.notebook("shared", cells.call(oidc.issuer))
        mine = Notebook.open(lab, context, path)
        colleague = new_context(browser)
        theirs = Notebook.open(lab, colleague, path)
        mine.start(0)
        for book in (mine, theirs):
            expect(book.output(0)).to_contain_text(WILL)
            link = book.output(0).get_by_role("link", name=f"Sign in to {TITLE}")
            expect(link).to_have_css("background-color", BLUE)
        tab = follow(theirs.output(0).get_by_role("link", name=f"Sign in to {TITLE}"))
        sign_in(tab, "bob")
        mine.finished()
        for book in (mine, theirs):
            expect(book.output(0)).to_contain_text(f"Signed in to {TITLE} as bob")
            expect(book.output(0)).to_contain_text(CAN)
            expect(book.output(0)).to_contain_text("200 bob")
        colleague.close()
