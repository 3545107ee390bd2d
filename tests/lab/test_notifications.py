"""JupyterLab's notifications: wherever a person is, they learn that a kernel needs them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser import cells
from browser.sign_in_tab import closes_itself, follow, sign_in
from lab.panel import GO, TITLE, Front, begin_nothing, end_at_provider

REFUSED = f"Sign-in needed for {TITLE} as alice"
CENTER = "apputils:display-notifications"  # the bell


def deep_in_a_library(issuer: str) -> str:
    """What the call displays never gets to the screen."""
    call = "\n    ".join(cells.call(issuer).splitlines()[:-1])
    return (
        "from IPython.utils.capture import capture_output\n"
        f"with capture_output():\n    {call}\n"
        "print('goes on', answer.status_code)"
    )


def in_the_dark(issuer: str) -> str:
    """A call that asks nobody."""
    return (
        "from jupyter_auth import LoginRequired\n"
        "session = UserSession('idp', interactive=False)\n"
        "try:\n"
        f"    session.get('{issuer}/api/me')\n"
        "except LoginRequired:\n"
        "    print('refused')"
    )


def test_it_is_there_until_the_notebook_that_asks_is_in_front(notebook, oidc):
    book = notebook(deep_in_a_library(oidc.issuer))
    beside = notebook("1")
    front = Front(book.page)
    notice = front.notification(f"{book.path.name} needs you to sign in to {TITLE}")
    book.start()
    expect(front.status).to_have_text("Sign-in needed")
    expect(notice).to_have_count(0)
    beside.show()
    expect(notice).to_be_visible()
    book.show()
    expect(notice).to_have_count(0)
    beside.show()
    button = notice.get_by_role("button", name="Sign in")
    expect(button).to_have_attribute("title", re.compile("in a new tab"))
    tab = follow(button)
    assert tab.evaluate("window.opener") is None
    expect(notice).to_be_visible()
    sign_in(tab)
    closes_itself(tab)
    book.finished()
    expect(notice).to_have_count(0)
    book.show()
    expect(book.output(0)).to_have_text("goes on 200")


def test_notebook_7_notifies_beside_the_notebook(notebook_alone, lab, context, oidc):
    book = notebook_alone(cells.call(oidc.issuer))
    files = context.new_page()
    files.goto(f"{lab.url}/tree")
    book.start()
    expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
    notice = Front(files).notification("needs you to sign in")
    tab = follow(notice.get_by_role("button", name="Sign in"))
    expect(Front(book.page).notification("needs you")).to_have_count(0)
    sign_in(tab)
    for page in (files, book.page):
        expect(Front(page).status).to_have_text("1 account")
    expect(notice).to_have_count(0)
    book.finished()
    expect(book.output(0)).to_contain_text("200 alice")


def test_a_refused_refresh_is_told_where_nobody_asks(notebook, context, oidc, signed_in):
    signed_in()
    book = notebook(cells.call(oidc.issuer), in_the_dark(oidc.issuer))
    book.run(0)
    end_at_provider(oidc)
    book.run(1)
    expect(book.output(1)).to_contain_text("refused")
    front = Front(book.page)
    notice = front.notification(REFUSED)
    again = notice.get_by_role("button", name="Sign in again")
    context.route("**/api/v1/logins*", begin_nothing)
    again.click()
    # The browser's own words for a server that is away.
    expect(front.notification("fetch")).to_be_visible()
    context.unroute_all(behavior="ignoreErrors")
    tab = follow(again)
    tab.get_by_role("button", name="Allow").click()
    expect(notice).to_have_count(0)
    expect(front.status).to_have_text("1 account")


def one_that_asks_out_of_sight(notebook):
    """A notebook that waits for a sign-in, the one in front of it, and their JupyterLab."""
    book = notebook(cells.SESSION)
    beside = notebook("1")
    book.start()
    front = Front(book.page)
    expect(front.status).to_have_text("Sign-in needed")
    beside.show()
    return book, beside, front


def test_dismissed_is_dismissed_but_stays_at_the_bell(notebook, lab):
    book, beside, front = one_that_asks_out_of_sight(notebook)
    notice = front.notification("needs you")
    notice.get_by_title("Hide notification").click()
    expect(notice).to_have_count(0)
    lab.begin("campus")  # something else changes
    front.show()
    expect(front.panel.get_by_role("listitem")).to_have_count(2)
    expect(notice).to_have_count(0)
    beside.command(CENTER)
    center = book.page.locator(".jp-Notification-List-Item")
    expect(center).to_contain_text("needs you to sign in")
    expect(center.get_by_role("button", name="Sign in")).to_be_visible()


def test_who_wants_none_gets_none(notebook, lab):
    path = "lab/api/settings/jupyter-auth-session:toasts"
    lab.api("PUT", path, {"raw": '{"signInNeeded": false}'})
    try:
        book, _, front = one_that_asks_out_of_sight(notebook)
        expect(front.notification("needs you")).to_have_count(0)
        assert book.page.locator(".jp-Notification-Status-Text").inner_text() == "0"
    finally:
        lab.api("PUT", path, {"raw": "{}"})
