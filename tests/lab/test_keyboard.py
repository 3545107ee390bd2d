"""By keyboard alone: every control does what it says, and none takes the focus away with it."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import cells
from browser.sign_in_tab import sign_in
from lab.panel import GO, SIGNED_IN, TITLE, Front

ALICE = f"{TITLE} as alice"


def press(control, key):
    """With the focus where it is already, but for the first time."""
    expect(control).to_be_focused()
    control.page.keyboard.press(key)


def test_the_panel(notebook, lab, signed_in):
    signed_in()
    page = notebook("1").page
    front = Front(page)
    panel = front.show()
    switch = panel.get_by_role("button", name=f"Switch account: {ALICE}")
    switch.focus()
    with page.context.expect_page():
        press(switch, "Enter")
    page.bring_to_front()
    expect(panel.get_by_role("link", name=GO)).to_be_focused()
    page.keyboard.press("Tab")
    press(panel.get_by_role("link", name="Trouble signing in?"), "Tab")
    press(panel.get_by_role("button", name=f"Cancel: {ALICE}"), "Space")
    press(switch, "Tab")
    press(panel.get_by_role("button", name=f"Sign out: {ALICE}"), "Space")
    expect(panel).to_contain_text("Not signed in yet.")
    expect(panel).to_be_focused()
    assert lab.accounts() == []


def test_the_widget(notebook):
    book = notebook(cells.WIDGET)
    book.run(0)
    page, widget = book.page, book.output(0)
    link = widget.get_by_role("link", name=GO)
    expect(link).to_be_visible()
    # JupyterLab draws the output anew once the kernel takes the link out of what is saved.
    book.wait_until("!JSON.stringify(book.content.widgets[0].model.outputs).includes('href')")
    link.focus()
    with page.context.expect_page() as opened:
        press(link, "Enter")
    sign_in(opened.value)
    page.bring_to_front()
    expect(widget).to_contain_text(SIGNED_IN)
    press(widget.get_by_role("button", name=f"Switch account: {ALICE}"), "Tab")
    press(widget.get_by_role("button", name=f"Sign out: {ALICE}"), "Enter")
    expect(widget).to_contain_text("Not signed in")
    with page.context.expect_page():
        press(widget.get_by_role("button", name=f"Sign in: {TITLE}"), "Space")
    page.bring_to_front()
    press(link, "Tab")
    press(widget.get_by_role("link", name="Trouble signing in?"), "Tab")
    press(widget.get_by_role("button", name=f"Cancel: {TITLE}"), "Enter")
    expect(widget).to_contain_text("The sign-in was cancelled.")
    expect(widget.get_by_role("button", name="Try again")).to_be_focused()
