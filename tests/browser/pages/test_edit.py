"""A client ID and a secret that are wrong are corrected in the browser: no file is touched."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import expect

from browser.lab_providers import SECRET, TITLE
from browser.sign_in_tab import allow, from_jupyter, identify
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret

CLIENT = "corrected"


def test_a_wrong_client_id_and_then_a_wrong_secret(lab, oidc, context):
    callback = f"http://127.0.0.1/jupyter-auth/callback/{CLIENT}"
    oidc.add_client(CLIENT, callback, client_name="Jupyter notebooks", client_secret=SECRET)
    own = Providers(user_file=lab.own_providers / "providers.toml")
    fields = {"title": TITLE, "issuer": oidc.issuer, "client_secret": Secret(SECRET)}
    own.save(CLIENT, fields | {"client_id": "corected"})
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    login = lab.begin(CLIENT)
    from_jupyter(tab, login)
    tab.wait_for_url(f"{oidc.issuer}/**")
    expect(tab.locator("body")).to_contain_text("invalid_client")  # and it leads nowhere

    from_jupyter(tab, f"{login}#stuck")  # as by the link beside the button in the notebook
    tab.get_by_role("link", name="Edit registration").click()
    expect(tab.get_by_label("Client ID")).to_have_value("corected")
    expect(tab.get_by_label("Client ID")).to_be_focused()
    expect(tab.get_by_label("Client secret")).to_have_value("")
    assert SECRET not in tab.content()
    tab.get_by_label("Client ID").fill(CLIENT)
    tab.get_by_label("Client secret").fill("a guess")
    tab.keyboard.press("Enter")
    identify(tab)
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Sign-in failed")).to_be_visible()
    assert lab.accounts() == []

    tab.get_by_role("button", name="Edit registration").click()
    expect(tab.get_by_label("Client ID")).to_have_value(CLIENT)
    tab.get_by_label("Client secret").fill(SECRET)
    tab.get_by_role("button", name="Save and sign in").click()
    allow(tab)
    assert [each["provider"] for each in lab.accounts()] == [CLIENT]
    assert not urlsplit(tab.url).query
    assert "a guess" not in lab.log()
