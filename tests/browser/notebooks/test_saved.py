"""What a saved notebook shows of its sign-ins: tomorrow, to somebody else, and if it lies."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser import cells
from browser.lab import Lab
from browser.lab_providers import TITLE
from browser.notebook import Notebook, Notebook7
from browser.sign_in_tab import follow, sign_in
from jupyter_auth.kernel.prompt.prompt import MIME_TYPE

GO = f"Sign in to {TITLE}"
OUT = f"Not signed in to {TITLE}."
IN = f"Signed in to {TITLE} as alice"
WIDGETS = "lab/api/settings/@jupyter-widgets/jupyterlab-manager:plugin"


@pytest.fixture
def own_lab(oidc, tmp_path):
    """One that a test may start again; as usual, widgets are not saved with a notebook."""
    provider = {"title": TITLE, "issuer": oidc.issuer, "client_id": oidc.client_id}
    with Lab(tmp_path / "lab", {"providers": {"idp": provider}}) as lab:
        lab.api("PUT", WIDGETS, {"raw": '{"saveState": false}'})
        yield lab


def test_tomorrow_it_says_who_signed_in(own_lab, context, oidc):
    lab = own_lab
    path = lab.notebook("tomorrow", cells.MAGIC, cells.call(oidc.issuer))
    book = Notebook.open(lab, context, path)
    book.run(0)
    sign_in(follow(book.output(0).get_by_role("link", name=GO)))
    expect(book.output(0)).to_contain_text(IN)
    expect(book.output(0).get_by_role("button", name="Sign out")).to_be_visible()  # the widget's
    saved = book.save()
    assert "widgets" not in saved.metadata
    said = saved.cells[0].outputs[0].data
    assert said[MIME_TYPE]["state"] == "complete"
    assert said["text/plain"] == f"{IN}."
    book.page.close()
    lab.stop()
    lab.start()
    for front_end in (Notebook, Notebook7):
        book = front_end.open(lab, context, path)
        expect(book.output(0).get_by_role("status")).to_contain_text(IN)
        expect(book.output(0).get_by_role("button", name="Sign out")).to_be_visible()
        expect(book.output(0).get_by_text("model not found")).to_be_hidden()
        book.page.close()
    lab.tidy()
    book = Notebook.open(lab, context, path)
    expect(book.output(0)).to_contain_text(OUT)
    expect(book.output(0)).to_contain_text(f": {IN}.")
    again = follow(book.output(0).get_by_role("button", name="Sign in"))
    again.get_by_role("button", name="Allow").click()  # the provider still knows this browser
    expect(book.output(0).get_by_role("status")).to_contain_text(IN)
