"""A dashboard of widgets: one click signs in, and the Python around it goes on by itself."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.sign_in_tab import follow, sign_in

GO = "Sign in to Example University"
DASHBOARD = """
import ipywidgets
from jupyter_auth import LoginWidget

login = LoginWidget('idp', layout={'width': '24em', 'border': '1px solid gray'})
says = ipywidgets.Label('Not signed in.')

def greet(login):
    me = login.session.get('ISSUER/api/me').json()
    says.value = f"Hello {me['username']}."
    print('called for', login.username)

def react(change):
    if not change.new:
        says.value = 'Bye.'

login.on_signed_in(greet)
login.observe(react, 'signed_in')
ipywidgets.VBox([login, says])
"""
SESSION = "from jupyter_auth import UserSession\nUserSession('idp')"
TRAITS = {"signed_in", "username", "expires_at", "status", "session"}


def test_a_click_signs_in_and_all_else_follows(notebook, oidc):
    code = DASHBOARD.strip().replace("ISSUER", oidc.issuer)
    book = notebook(code, "print(login.username, login.status)", SESSION)
    book.run(0)
    expect(book.output(0)).to_contain_text("Not signed in.")
    sign_in(follow(book.output(0).get_by_role("link", name=GO)))
    expect(book.output(0)).to_contain_text("Signed in to Example University as alice")
    expect(book.output(0)).to_contain_text("Hello alice.")
    expect(book.output(0)).to_contain_text("called for alice")
    width = book.output(0).locator(".jupyter-auth").bounding_box()["width"]
    em = "el => parseFloat(getComputedStyle(el.parentElement).fontSize)"
    assert width <= 24 * book.output(0).locator(".jupyter-auth").evaluate(em) + 1
    book.run(1, 2)
    expect(book.output(1)).to_have_text("alice signed_in")
    expect(book.output(2)).to_contain_text("Signed in to Example University as alice")
    _holds_none_of_it(book.save())
    book.output(2).get_by_role("button", name="Sign out").click()
    expect(book.output(0)).to_contain_text("Bye.")
    expect(book.output(0).get_by_role("button", name="Sign in")).to_be_visible()
    expect(book.output(2).get_by_role("button", name="Sign in")).to_be_visible()


def _holds_none_of_it(saved):
    """Of what Python sees of the account; the names of provider and key are all that is synced."""
    states = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    ours = [each["state"] for each in states.values() if each["state"].get("provider") == "idp"]
    assert len(ours) == 2
    for state in ours:
        assert not TRAITS & state.keys()
        assert {name for name in state if not name.startswith("_")} <= {
            *("provider", "session_key", "layout", "tabbable", "tooltip")
        }
        assert "alice" not in str({**state, "_esm": "", "_css": ""})


def test_it_shows_another_provider_when_that_is_set(notebook):
    book = notebook(
        "from jupyter_auth import LoginWidget\nlogin = LoginWidget('idp')\nlogin",
        "login.provider = 'campus'",
        "print(login.session)",
    )
    book.run(0)
    shown = book.output(0).get_by_role("group", name="Sign-in to")
    expect(shown).to_have_attribute("aria-label", "Sign-in to idp")
    expect(shown.get_by_role("link", name=GO)).to_be_visible()
    book.run(1)
    expect(shown).to_have_attribute("aria-label", "Sign-in to campus")
    sign_in(follow(shown.get_by_role("link", name=GO)))
    expect(shown).to_contain_text("Signed in to Example University as alice")
    book.run(2)
    expect(book.output(2)).to_contain_text("<UserSession 'campus' as alice")
