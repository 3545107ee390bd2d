"""What else can happen while somebody signs in, and what is to be seen of it."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import cells
from browser.notebook import Notebook
from browser.sign_in_tab import abandon, deny, follow, identify, sign_in

GO = "Sign in to Example University"
STUCK = "Trouble signing in?"


def test_consent_denied(notebook, lab):
    book = notebook(cells.SESSION, "print('never')")
    book.start()
    tab = follow(book.output(0).get_by_role("link", name=GO))
    deny(tab)
    expect(tab.get_by_role("heading", name="Sign-in declined")).to_be_visible()
    book.finished()
    expect(book.output(0)).to_contain_text("LoginDenied")
    expect(book.output(0).get_by_role("link", name=GO)).to_have_count(0)
    expect(book.output(1)).to_be_empty()
    assert lab.accounts() == []
    tab.get_by_role("button", name="Start again").click()
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()


def test_cell_interrupted(notebook, lab):
    book = notebook(cells.SESSION, "print('the kernel is well')")
    book.start(0)
    tab = follow(book.output(0).get_by_role("link", name=STUCK))
    expect(tab.get_by_role("button", name="Cancel this sign-in")).to_be_visible()
    book.page.bring_to_front()
    book.interrupt()
    book.finished()
    expect(book.output(0)).to_contain_text("Interrupted before you signed in")
    expect(book.output(0)).to_contain_text("KeyboardInterrupt")
    expect(book.output(0).get_by_role("link", name=GO)).to_have_count(0)
    assert lab.logins() == []
    tab.reload()
    expect(tab.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    book.run(1)
    expect(book.output(1)).to_have_text("the kernel is well")


def test_tab_closed(notebook, lab):
    book = notebook(cells.SESSION, cells.SECOND_SESSION)
    book.start(0)
    link = book.output(0).get_by_role("link", name=GO)
    abandon(follow(link))
    book.is_waiting(0)
    sign_in(follow(link))
    book.finished()
    expect(book.output(0)).to_contain_text("goes on")
    book.start(1)
    abandon(follow(book.output(1).get_by_role("link", name=GO)))
    book.is_waiting(1)
    page = follow(book.output(1).get_by_role("link", name=STUCK))
    page.get_by_role("button", name="Cancel this sign-in").click()
    expect(page.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    book.finished()
    expect(book.output(1)).to_contain_text("LoginCancelled")
    expect(book.output(1).get_by_role("link", name=GO)).to_have_count(0)
    assert lab.logins() == []


def test_page_reloaded(notebook):
    book = notebook(cells.SESSION, "print('signed in as', session.username)")
    book.start(0)
    link = book.output(0).get_by_role("link", name=GO)
    expect(link).to_be_visible()
    book.save()
    book.reload()
    sign_in(follow(link))
    book.run(1)
    expect(book.output(1)).to_have_text("signed in as alice")


def test_login_expired(hasty_lab, context):
    book = Notebook.open(hasty_lab, context, hasty_lab.notebook("expired", cells.SESSION))
    book.start()
    tab = follow(book.output(0).get_by_role("link", name=GO))
    identify(tab)
    book.finished()
    expect(book.output(0)).to_contain_text("LoginExpired")
    expect(book.output(0).get_by_role("link", name=GO)).to_have_count(0)
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="This sign-in is over")).to_be_visible()
    assert "?" not in tab.url
    assert hasty_lab.accounts() == []
