"""The status item: how many accounts, and the most urgent state; else there is none."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import cells
from lab.panel import Front, end_at_provider


def test_it_follows_sign_in_and_sign_out(opened, lab, signed_in):
    book = opened(cells.SESSION)
    status = Front(book.page).status
    expect(status).to_have_count(0)
    expect(book.page.locator(".jupyter-auth-status")).to_have_attribute("aria-live", "polite")
    book.start()
    expect(status).to_have_text("Sign-in needed")
    signed_in()
    book.finished()
    expect(status).to_have_text("1 account")
    lab.tidy()
    expect(status).to_have_count(0)


def test_it_tells_that_the_provider_ended_an_account(notebook, oidc, signed_in):
    signed_in()
    book = notebook(cells.call(oidc.issuer), "session.get('me')")
    book.run(0)
    front = Front(book.page)
    status = front.status
    expect(status).to_have_text("1 account")
    end_at_provider(oidc)
    book.start(1)
    expect(status).to_have_text("1 account · Sign-in needed")
    front.show().get_by_role("button", name="Cancel").click()
    expect(status).to_have_text("1 account · Sign-in needed")
    refused = front.account("alice · Sign-in needed")
    expect(refused).to_contain_text("ended this sign-in (invalid_grant")
    refused.get_by_role("button", name="Sign out").click()
    expect(status).to_have_count(0)
