"""Front ends that are not JupyterLab, or that let less through."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from browser import cells
from browser.lab import Lab
from browser.lab_providers import TITLE
from browser.notebook import Notebook, Notebook7
from browser.sign_in_tab import follow, from_jupyter, sign_in
from environments.home import configure

GO = f"Sign in to {TITLE}"
SIGNED_IN = f"Signed in to {TITLE} as alice"


def test_notebook_7(lab, context, oidc):
    path = lab.notebook("seven", cells.call(oidc.issuer), "print('then')", cells.WIDGET)
    book = Notebook7.open(lab, context, path)
    book.start()
    sign_in(follow(book.output(0).get_by_role("link", name=GO)))
    book.finished()
    expect(book.output(0)).to_contain_text("200 alice")
    expect(book.output(1)).to_have_text("then")
    expect(book.output(2)).to_contain_text(SIGNED_IN)
    book.output(2).get_by_role("button", name="Sign out").click()
    expect(book.output(2)).to_contain_text(f"Not signed in to {TITLE}.")
    assert lab.accounts() == []


def test_output_without_javascript(lab, context, browser, oidc):
    """As where a front end draws only HTML: the link is all that it takes."""
    book = Notebook.open(lab, context, lab.notebook("bare", cells.call(oidc.issuer)))
    book.start()
    expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
    (output,) = book.save().cells[0].outputs
    prompt = output.data["text/html"]
    bare = browser.new_context(java_script_enabled=False)
    page = bare.new_page()
    page.set_content(prompt)
    place = page.get_by_role("link", name=GO).get_attribute("href")
    bare.close()
    tab = context.new_page()
    from_jupyter(tab, lab.url + place)
    sign_in(tab)
    book.finished()
    expect(book.output(0)).to_contain_text("200 alice")


# As an administrator may set it: no script from a blob, which is what anywidget makes of ours.
POLICY = """
c.ServerApp.tornado_settings = {"headers": {
    "Content-Security-Policy": "script-src 'self' 'unsafe-inline' 'unsafe-eval'"}}
"""


@pytest.fixture(scope="module")
def strict_lab(oidc, tmp_path_factory):
    """JupyterLab's page comes with that policy, and the browser keeps to it."""
    provider = {"title": TITLE, "issuer": oidc.issuer, "client_id": oidc.client_id}
    with Lab(tmp_path_factory.mktemp("strict"), {"providers": {"idp": provider}}, POLICY) as lab:
        yield lab


@pytest.mark.parametrize("code", [cells.MAGIC, cells.WIDGET], ids=["magic", "widget"])
def test_where_a_policy_blocks_the_widget(strict_lab, context, code):
    lab = strict_lab
    path = lab.notebook("strict", code)
    book = Notebook.open(lab, context, path)
    book.run()
    (login,) = lab.logins()
    link = book.output(0).get_by_role("link", name=GO)
    expect(link).to_have_attribute("href", login["path"])
    expect(book.output(0)).not_to_contain_text("javascript error")
    sign_in(follow(link))
    expect(book.output(0)).to_contain_text(SIGNED_IN)
    lab.tidy()


@pytest.fixture
def lacking_lab(oidc, tmp_path):
    """JupyterLab far from its browser, without the extension; the provider is the person's own."""
    more = "c.ServerApp.jpserver_extensions = {'jupyter_auth': False}"
    with Lab(tmp_path / "lab", {}, more, {"CODESPACES": "true"}) as lab:
        configure(lab.home / "xdg" / "config", oidc, title=TITLE)
        yield lab


def test_without_the_extension_and_far_from_the_browser(lacking_lab, context, oidc):
    book = Notebook.open(lacking_lab, context, lacking_lab.notebook("far", cells.call(oidc.issuer)))
    book.start()
    output = book.output(0)
    expect(output).to_contain_text("`jpserver_extensions` in the server's configuration")
    link = output.get_by_role("link", name=GO)
    address = oidc.login(link.get_attribute("href"))  # on a machine where nobody listens for it
    box = output.get_by_role("textbox")
    box.fill(address)
    box.press("Enter")
    book.finished()
    expect(output).to_contain_text("200 alice")
    assert parse_qs(urlsplit(address).query)["code"][0] not in str(book.save())
