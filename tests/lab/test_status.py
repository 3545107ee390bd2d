"""The status item: how many accounts and how the worst of them is, in words."""

from __future__ import annotations

from browser import cells
from playwright.sync_api import expect


def status(page):
    return page.locator(".jupyter-auth-status").get_by_role("button")


def test_it_follows_sign_in_and_sign_out(notebook, lab, signed_in):
    book = notebook(cells.SESSION)
    expect(status(book.page)).to_have_text("No accounts")
    book.start()
    expect(status(book.page)).to_have_text("No accounts: sign-in needed")
    signed_in()
    book.finished()
    expect(status(book.page)).to_have_text("1 account: signed in")
    lab.tidy()
    expect(status(book.page)).to_have_text("No accounts")
