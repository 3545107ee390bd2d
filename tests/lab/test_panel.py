"""The accounts panel: everything that can be done with an account, without a notebook."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser import cells
from browser.sign_in_tab import closes_itself, follow, sign_in
from lab.panel import GO, TITLE, Front, begin_nothing


def test_sign_in_switch_and_sign_out(notebook, lab):
    front = Front(notebook("1").page)
    panel = front.show()
    expect(panel).to_contain_text("Not signed in yet.")
    panel.get_by_role("button", name="Add a provider…").last.click()
    expect(panel.get_by_label("Name or address")).to_be_focused()
    tab = follow(front.add("idp"))
    expect(panel.get_by_role("link", name=GO)).to_be_visible()
    sign_in(tab)
    closes_itself(tab)
    account = front.account("alice")
    expect(account).to_contain_text(TITLE)
    stays = account.get_by_text("Stays signed in", exact=True)
    expect(stays).to_have_attribute("title", re.compile("renewed automatically, next by"))
    expect(account.get_by_text("openid")).not_to_be_visible()
    account.get_by_text("scope").click()
    expect(account.get_by_text("openid")).to_be_visible()
    expect(front.status).to_have_text("1 account")

    tab = follow(account.get_by_role("button", name="Switch account"))
    expect(tab.get_by_label("User name")).to_be_visible()  # asked though the provider knows alice
    sign_in(tab, "bob")
    expect(front.account("bob")).to_be_visible()
    expect(panel.get_by_role("listitem")).to_have_count(1)

    panel.get_by_role("button", name="Sign out").click()
    expect(panel).to_contain_text("Not signed in yet.")
    assert lab.accounts() == []


def test_another_account_under_a_key_of_its_own(notebook, lab, signed_in):
    signed_in()
    front = Front(notebook("1").page)
    panel = front.show()
    tab = follow(front.add("idp", "work"))
    tab.get_by_role("button", name="Allow").click()
    expect(front.account("Label: work")).to_contain_text("alice")
    expect(front.status).to_have_text("2 accounts")
    assert {each["session_key"] for each in lab.accounts()} == {"default", "work"}
    front.account("Label: work").get_by_role("button", name="Sign out").click()
    expect(panel.get_by_role("listitem")).to_have_count(1)
    [left] = lab.accounts()
    assert left["session_key"] == "default"


def test_a_waiting_notebook_is_named_and_goes_on(notebook, oidc):
    book = notebook(cells.call(oidc.issuer))
    front = Front(book.page)
    front.show()
    book.start()
    place = front.account(f"Requested by {book.path.name}")
    sign_in(follow(place.get_by_role("link", name=GO)))
    book.finished()
    expect(book.output(0)).to_contain_text("200 alice")
    expect(front.account("alice")).to_be_visible()


def test_an_open_panel_follows_who_uses_an_account_and_what_is_left(notebook, signed_in):
    signed_in()
    report = (
        "from jupyter_auth.core.common.rate_limits import Limits, Quota\n"
        "from jupyter_auth.kernel.broker.connect import connect\n"
        "seen = Limits(provider='idp', session_key='default', quota=Quota(remaining={}))\n"
        "connect().usage(seen);"
    )
    one = notebook(report.format(7))
    front = Front(one.page)
    front.show()
    account = front.account("alice")
    one.run(0)
    expect(account).to_contain_text("7 calls left")
    expect(account).to_contain_text(f"Used by {one.path.name}")
    two = notebook(report.format(6), cells.WIDGET)
    two.run(0)
    expect(account).to_contain_text("6 calls left")
    expect(account).to_contain_text(f"Used by {two.path.name} and {one.path.name}")
    two.run(1)
    expect(two.output(1)).to_contain_text(f"Used by {two.path.name} and {one.path.name}")


def test_cancel_ends_the_wait(notebook, lab):
    book = notebook(cells.SESSION)
    front = Front(book.page)
    front.show()
    book.start()
    front.account("Requested by").get_by_role("button", name="Cancel").click()
    book.finished()
    expect(book.output(0)).to_contain_text("LoginCancelled")
    assert lab.logins() == []
    expect(front.panel).to_contain_text("Not signed in yet.")


def test_what_the_server_refuses_is_said(notebook, context):
    front = Front(notebook("1").page)
    panel = front.show()
    context.route("**/api/v1/logins*", begin_nothing)
    front.add("idp").click()
    expect(panel.get_by_role("status")).not_to_be_empty()


def test_a_provider_that_is_configured_wrongly_says_so(notebook):
    front = Front(notebook("1").page)
    panel = front.show()
    front.add("typo").click()
    expect(panel.get_by_role("status")).to_contain_text(
        "unknown field 'isuer'. Did you mean issuer"
    )


def test_menus_show_the_panel_and_sign_out(opened, lab, oidc, signed_in):
    signed_in()
    page = opened("1").page
    front = Front(page)
    expect(front.status).to_have_text("1 account")
    front.show()
    expect(front.account("alice")).to_be_visible()
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_role("menuitem", name="Sign Out…").click()
    expect(front.status).to_have_count(0)
    assert lab.accounts() == []
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_role("menuitem", name="Sign In…").click()
    dialog = page.get_by_role("dialog")
    host = oidc.issuer.removeprefix("http://")
    dialog.get_by_role("combobox").select_option(f"{TITLE} · {host} (idp)")
    tab = follow(dialog.get_by_role("button", name="Sign In"))
    tab.get_by_role("button", name="Allow").click()
    expect(front.account("alice")).to_be_visible()


def test_by_keyboard_and_palette(notebook):
    page = notebook("1").page
    front = Front(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("Show Accounts")
    page.keyboard.press("Enter")
    expect(front.panel).to_be_focused()
    for _ in ("toolbar", "Accounts", "Add a provider…", "Add an account"):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(front.panel.get_by_label("Name or address")).to_be_focused()
    page.keyboard.type("idp")
    expect(front.panel.get_by_label("Label")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(front.panel.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    with page.context.expect_page():
        page.keyboard.press("Enter")


def test_it_speaks_the_language_of_jupyterlab(notebook, lab, signed_in):
    signed_in()
    path = "lab/api/settings/@jupyterlab/translation-extension:plugin"
    lab.api("PUT", path, {"raw": '{"locale": "de_DE"}'})
    try:
        page = notebook("1").page
        page.get_by_role("tab", name="Konten").click()
        panel = page.get_by_role("region", name="Konten", exact=True)
        account = panel.get_by_role("listitem").filter(has_text="alice")
        expect(account).to_contain_text("Bleibt angemeldet")
        expect(account.get_by_role("button", name=f"Abmelden: {TITLE} als alice")).to_be_visible()
        expect(panel.get_by_label("Name oder Adresse")).to_be_visible()
        expect(Front(page).status).to_have_text("1 Konto")
    finally:
        lab.api("PUT", path, {"raw": "{}"})


MADE = """
from jupyter_auth import Provider, UserSession
own = Provider(name="own", title="Own Corp", issuer={!r}, client_id="own", scopes="openid profile")
session = UserSession(own)
print("in as", session.username)
"""


def test_what_a_notebook_defines_is_said_to_be_so_and_is_in_no_list(notebook, oidc):
    oidc.add_client("own", "http://127.0.0.1/jupyter-auth/callback/own")
    book = notebook(MADE.format(oidc.issuer))
    front = Front(book.page)
    panel = front.show()
    book.start()
    named = "Own Corp (defined in a notebook)"
    pending = front.account("Requested by")
    expect(pending.get_by_role("link", name=f"Sign in to {named}")).to_be_visible()
    expect(pending).to_contain_text(oidc.issuer.removeprefix("http://"))
    sign_in(follow(pending.get_by_role("link", name=f"Sign in to {named}")))
    book.finished()
    expect(book.output(0)).to_contain_text(f"Signed in to {named} as alice")
    account = front.account(named)
    expect(account).to_contain_text("alice")
    offered = panel.locator("datalist option").evaluate_all("all => all.map(each => each.value)")
    assert "idp" in offered
    assert "own" not in offered
    assert "~" not in book.page.locator("body").inner_text()
    account.get_by_role("button", name="Sign out").click()
    expect(panel.get_by_role("listitem")).to_have_count(0)
