"""The notices: wherever in JupyterLab a person is, they learn that a kernel needs them."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import cells
from browser.notebook import Notebook
from browser.sign_in_tab import closes_itself, follow, sign_in
from lab.panel import GO, TITLE, Front, begin_nothing, end_at_provider

REFUSED = f"Sign-in needed for {TITLE} as alice"


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


def test_a_kernel_blocked_deep_in_a_library_goes_on(opened, oidc):
    book = opened(deep_in_a_library(oidc.issuer))
    book.start()
    toast = Front(book.page).toast(f"{book.path.name} needs you to sign in to {TITLE}")
    expect(toast).to_be_visible()
    around = book.page.get_by_role("region", name="Sign-in notices")
    expect(around).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(book.output(0)).to_be_empty()
    link = toast.get_by_role("link", name=GO)
    assert link.get_attribute("target") == "_blank"
    assert link.get_attribute("rel") == "noopener"
    tab = follow(link)
    sign_in(tab)
    closes_itself(tab)
    book.finished()
    expect(book.output(0)).to_have_text("goes on 200")
    expect(toast).to_have_count(0)


def test_two_tabs_and_two_notebooks_are_in_step(notebook, lab, context, oidc):
    here = notebook(cells.call(oidc.issuer))
    there = Notebook.open(lab, context, lab.notebook("there", cells.call(oidc.issuer)))
    books = [here, there]
    for book in books:
        book.start()
        book.page.evaluate(CLOCK)
    for book in books:
        expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
    toasts = [Front(book.page).toast("needs you to sign in") for book in books]
    for toast in toasts:
        expect(toast).to_have_count(1)  # one login serves both
    tab = follow(toasts[1].get_by_role("link", name=GO))
    sign_in(tab)
    for book, toast in zip(books, toasts, strict=True):
        book.finished()
        expect(book.output(0)).to_contain_text("200 alice")
        expect(toast).to_have_count(0)
        expect(Front(book.page).status).to_have_text("1 account")
    seen = [book.page.evaluate("() => window.seen") for book in books]
    for said in ("Sign-in needed", "1 account"):
        first, second = (each[said] for each in seen)
        assert abs(first - second) < 10_000  # milliseconds; nothing else would bring it about


CLOCK = """() => {
  window.seen = {};
  const look = () => {
    const said = document.querySelector(".jupyter-auth-status").innerText;
    window.seen[said] ??= Date.now();
  };
  const everything = { childList: true, characterData: true, subtree: true };
  new MutationObserver(look).observe(document.querySelector(".jupyter-auth-status"), everything);
  look();
}"""


def test_a_refused_refresh_is_told_where_nobody_asks(notebook, context, oidc, signed_in):
    signed_in()
    book = notebook(cells.call(oidc.issuer), in_the_dark(oidc.issuer))
    book.run(0)
    end_at_provider(oidc)
    book.run(1)
    expect(book.output(1)).to_contain_text("refused")
    toast = Front(book.page).toast(REFUSED)
    again = toast.get_by_role("button", name="Sign in again")
    context.route("**/api/v1/logins*", begin_nothing)
    again.click()
    expect(toast).to_contain_text("fetch")  # the browser's own words for a server that is away
    context.unroute_all(behavior="ignoreErrors")
    tab = follow(again)
    tab.get_by_role("button", name="Allow").click()
    expect(toast).to_have_count(0)
    expect(Front(book.page).status).to_have_text("1 account")


def test_dismissed_is_dismissed(notebook, lab):
    book = notebook(cells.SESSION)
    book.start()
    front = Front(book.page)
    toast = front.toast("needs you")
    toast.get_by_role("link", name=GO).focus()
    book.page.keyboard.press("Escape")
    expect(toast).to_have_count(0)
    book.is_waiting(0)
    lab.begin("campus")  # something else changes
    front.show()
    expect(front.panel.get_by_role("listitem")).to_have_count(2)
    expect(toast).to_have_count(0)


def test_who_wants_none_gets_none(notebook, lab):
    path = "lab/api/settings/jupyter-auth-session:toasts"
    lab.api("PUT", path, {"raw": '{"signInNeeded": false}'})
    try:
        book = notebook(cells.SESSION)
        book.start()
        front = Front(book.page)
        expect(front.status).to_have_text("Sign-in needed")
        expect(front.toast("needs you")).to_have_count(0)
    finally:
        lab.api("PUT", path, {"raw": "{}"})
