"""Which notebooks may use an account: asked for by a notification, listed in the panel, revoked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.axe import flaws
from browser.lab import Lab
from browser.sign_in_tab import follow, from_jupyter, sign_in
from lab.panel import Front

TITLE = "Example ID"


@pytest.fixture
def asking_lab(oidc, tmp_path):
    """One on which notebooks are asked for, where nobody is signed in yet."""
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id, "title": TITLE}
    with Lab(tmp_path / "lab", {"providers": {"idp": idp}, "consent": True}) as lab:
        yield lab


def test_a_consent_is_asked_for_listed_and_revoked(asking_lab, context):
    lab, page = asking_lab, context.new_page()
    page.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(page, lab.begin())
    sign_in(page)
    session = {"path": "analysis.ipynb", "name": "", "type": "notebook"}
    started = lab.api("POST", "api/sessions", session | {"kernel": {"name": "python3"}})
    lab.begin(grant="consent", kernel=started["kernel"]["id"], scopes=["openid"])
    page.goto(f"{lab.url}/lab")
    front = Front(page)
    notice = front.notification(f"analysis.ipynb wants to use {TITLE}.")
    tab = follow(notice.get_by_role("button", name="Review…"))
    panel = front.show()
    expect(panel.get_by_role("link", name="Review…")).to_be_visible()
    tab.get_by_label("1 day").check()
    tab.get_by_role("button", name="Allow", exact=True).click()
    expect(notice).to_have_count(0)

    used = panel.get_by_role("list", name="Notebooks that may use it").get_by_role("listitem")
    expect(used).to_contain_text("May be used by analysis.ipynb")
    expect(used).to_contain_text("Until ")
    assert flaws(page, ".jupyter-auth-section") == []
    used.get_by_role("button", name="Revoke: analysis.ipynb").focus()
    page.keyboard.press("Enter")
    expect(used).to_have_count(0)
    assert lab.api("GET", "jupyter-auth/api/v1/consents")["consents"] == []
    expect(front.account("alice")).to_be_visible()
    assert panel.evaluate("panel => panel.contains(document.activeElement)"), "the focus stays"
