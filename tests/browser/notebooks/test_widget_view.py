"""The widget's view where its kernel does not help: busy, gone, or with hostile names."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import cells
from browser.notebook import Notebook
from browser.sign_in_tab import closes_itself, follow, sign_in

GO = "Sign in to Example University"
OUT = "Not signed in to Example University."
IN = "Signed in to Example University as alice"
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"


def test_text_from_outside_stays_text(notebook, oidc):
    book = notebook(
        "from jupyter_auth import LoginWidget, Provider\n"
        f"LoginWidget(Provider(name='odd', title={HOSTILE!r}, issuer={oidc.issuer!r},"
        f" client_id={oidc.client_id!r}), {HOSTILE!r})"
    )
    book.run(0)
    expect(book.output(0).get_by_role("link", name=f"Sign in to {HOSTILE}")).to_be_visible()
    assert book.output(0).locator(".jupyter-auth").locator("img, b").count() == 0
    assert book.page.title() != "taken"


def test_the_link_is_there_in_a_busy_kernel(notebook):
    book = notebook(f"{cells.MAGIC}\nimport time\ntime.sleep(600)")
    book.start(0)
    link = book.output(0).get_by_role("link", name=GO)
    expect(link).to_be_visible()
    sign_in(follow(link))
    expect(book.output(0)).to_contain_text(IN)
    book.is_waiting(0)
    book.interrupt()


def test_trying_again_opens_the_new_login_at_once(notebook):
    book = notebook(cells.MAGIC)
    book.run(0)
    book.output(0).get_by_role("button", name="Cancel").click()
    again = book.output(0).get_by_role("button", name="Try again")
    tab = follow(again)  # pop-ups are blocked in this browser
    sign_in(tab)
    closes_itself(tab)
    expect(book.output(0)).to_contain_text(IN)


def test_after_a_reload_it_goes_on(notebook):
    book = notebook(cells.MAGIC)
    book.run(0)
    expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
    book.save()
    book.reload()
    sign_in(follow(book.output(0).get_by_role("link", name=GO)))
    expect(book.output(0)).to_contain_text(IN)
    book.output(0).get_by_role("button", name="Sign out").click()
    expect(book.output(0)).to_contain_text(OUT)


def test_in_a_saved_notebook_it_works_before_any_cell_runs(notebook, lab, context):
    book = notebook(cells.WIDGET)
    book.run(0)
    link = book.output(0).get_by_role("link", name=GO)
    expect(link).to_be_visible()
    # The view has taken over, and the kernel takes the link out of what front ends without it see.
    book.wait_until("!JSON.stringify(book.content.widgets[0].model.outputs).includes('href')")
    saved = book.save()
    assert "href" not in saved.cells[0].outputs[0].data["text/html"]
    assert lab.logins()[0]["id"] not in str(saved)
    book.page.close()
    lab.tidy()
    book = Notebook.open(lab, context, book.path)
    expect(book.output(0)).to_contain_text(OUT)
    tab = follow(book.output(0).get_by_role("button", name="Sign in"))
    sign_in(tab)
    closes_itself(tab)
    expect(book.output(0)).to_contain_text(IN)


def test_on_a_page_without_an_xsrf_token_the_kernel_acts(notebook, context):
    """As on those of Voilà, whose visitors would else be told to reload it."""
    book = notebook(cells.MAGIC)
    book.run(0)
    book.output(0).get_by_role("button", name="Cancel").click()
    again = book.output(0).get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    context.clear_cookies(name="_xsrf")
    again.click()
    sign_in(follow(book.output(0).get_by_role("link", name=GO)))
    expect(book.output(0)).to_contain_text(IN)
