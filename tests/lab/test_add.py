"""The form of the panel: from a name or an address to an account."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.axe import flaws
from browser.sign_in_tab import follow, sign_in
from lab.panel import Front
from providers.protected_api import ProtectedAPI


@pytest.fixture
def api(oidc):
    """One that is known to nobody here, and whose users sign in where clients register."""
    with ProtectedAPI(oidc.issuer) as made:
        oidc.add_resource(made.address)
        yield made


@pytest.fixture
def panel(notebook):
    return Front(notebook("1").page).show()


def look(panel, typed):
    panel.get_by_label("Name or address").fill(typed)
    panel.get_by_role("button", name="Continue").click()


def test_from_an_address_to_an_account_and_away_again(panel, lab, api, oidc):
    look(panel, api.address)
    card = panel.locator(".jupyter-auth-found")
    expect(card).to_contain_text(api.address)
    expect(card).to_contain_text(oidc.issuer.removeprefix("http://"))
    expect(card).to_contain_text("Nothing has to be registered.")
    assert flaws(panel.page, ".jupyter-auth-section form") == []
    tab = follow(panel.get_by_role("button", name="Sign in", exact=True))
    tab.get_by_role("button", name="Continue to").click()
    sign_in(tab)
    host = api.url.removeprefix("http://")
    account = panel.get_by_role("listitem").filter(has_text=host)
    expect(account).to_contain_text("alice")
    [kept] = lab.accounts()
    assert kept["provider"] == host.replace(":", "-")

    panel.get_by_role("button", name=f"Remove {kept['provider']}").click()
    panel.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(panel.get_by_role("status")).to_contain_text(f"Removed {kept['provider']}.")
    expect(panel).to_contain_text("Not signed in yet.")
    assert lab.accounts() == []


def test_a_built_in_one_says_what_it_takes(panel):
    panel.get_by_label("Name or address").fill("okta")
    card = panel.locator(".jupyter-auth-found")
    expect(card).to_contain_text("The next page asks for: Domain of your organization")
    tab = follow(panel.get_by_role("button", name="Sign in", exact=True))
    expect(tab.get_by_label("Domain of your organization")).to_be_visible()
    offered = panel.locator("datalist option").evaluate_all("all => all.map(each => each.label)")
    assert "GitHub · github.com · needs a registration" in offered


@pytest.mark.parametrize(
    ("typed", "said"),
    [("idpp", "Did you mean idp"), ("http://127.0.0.1:1/mcp", "127.0.0.1:1")],
)
def test_what_is_not_found_is_one_sentence(panel, typed, said):
    look(panel, typed)
    expect(panel.get_by_role("status")).to_contain_text(said)
    expect(panel.get_by_role("button", name="Continue")).to_be_visible()
