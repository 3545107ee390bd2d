"""A sign-in in JupyterLite: Python in Chromium, no server but the provider, PyPI's installer."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from browser.chromium import chromium, new_context
from browser.sign_in_tab import follow, identify
from providers.oidc import OidcProvider
from wheel.jupyterlite import Site

pytestmark = pytest.mark.timeout(1800)

SESSION = """\
%pip install -q jupyter-auth-session
from jupyter_auth import Provider, UserSession
acme = Provider(name="acme", title="Acme", issuer="ISSUER", client_id="notebook",
                scopes=["openid", "profile", "offline_access"])
session = UserSession(acme)
print(session.get("ISSUER/me").json()["preferred_username"])"""
AGAIN = """\
print(session.get("ISSUER/me").status_code, UserSession("acme").username)"""
REFUSED = """\
from jupyter_auth import Header
from pyodide.code import run_js

def says(provider):
    try:
        UserSession(provider)
    except Exception as error:
        print(error)

says(Provider(name="odd", issuer="ISSUER", client_id="notebook", header=Header(name="x-token")))
says(Provider(name="away", issuer="http://localhost:1", client_id="notebook"))
run_js("call => call()")(lambda: says(acme))  # as in a browser where Python cannot wait"""
DOCTOR = """\
%load_ext jupyter_auth
%auth doctor acme"""
LOGOUT = """\
import pathlib
print(session.logout())
print([path for path in pathlib.Path.home().glob("*") if path.name != ".ipython"])
print(session.authenticated)"""
CELLS = (SESSION, AGAIN, DOCTOR, LOGOUT, REFUSED)
# A page that has the state of a sign-in, and would end it or finish it with a code of its own.
LIE = """([page, query]) => new Promise(resolve => {
  const channel = new BroadcastChannel("jupyter-auth");
  channel.onmessage = ({ data }) => resolve(data.says);
  channel.postMessage({ page, query });
  setTimeout(() => resolve("nothing"), 1000);
})"""

SAVED = "JSON.stringify(jupyterapp.shell.currentWidget.context.model.toJSON())"


@pytest.fixture(scope="module")
def oidc():
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def site(tmp_path_factory, wheel, oidc):
    cells = [cell.replace("ISSUER", oidc.issuer) for cell in CELLS]
    with Site(tmp_path_factory.mktemp("lite"), wheel, *cells) as made:
        yield made


def test_a_sign_in_without_any_server(site, oidc):
    with chromium() as browser:
        context = new_context(browser)
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        notebook = site.open(context)
        notebook.start(0)
        link = notebook.output(0).get_by_role("link", name="Sign in to Acme")
        expect(link).to_be_visible()
        state = parse_qs(urlsplit(link.get_attribute("href")).query)["state"][0]

        refused = f"error=access_denied&state={state}"
        elsewhere = context.new_page()  # the same files at another origin
        elsewhere.goto(f"{site.url.replace('127.0.0.1', 'localhost')}/favicon.ico")
        assert elsewhere.evaluate(LIE, [site.callback, refused]) == "nothing"
        elsewhere.goto(f"{site.url}/favicon.ico")
        unknown = refused.replace(state, "another")
        assert elsewhere.evaluate(LIE, [site.callback, unknown]) == "nothing"
        mixed_up = [f"{site.url}/another.html", refused]  # another provider's page (RFC 9700 4.4)
        assert elsewhere.evaluate(LIE, mixed_up) == "nothing"

        tab = follow(link)
        identify(tab)
        tab.get_by_role("button", name="Allow").click()
        expect(tab.get_by_role("status")).to_have_text(
            "Signed in as alice. You may close this tab."
        )
        assert tab.url == site.callback  # the code has left the address bar
        tab.evaluate("window.wasSeen = true")
        notebook.finished()
        expect(notebook.output(0)).to_contain_text("Signed in to Acme as alice.")
        expect(notebook.output(0)).to_contain_text("alice")
        [code] = oidc.secrets()["code"]
        used_up = f"code={code}&state={state}"
        assert elsewhere.evaluate(LIE, [site.callback, used_up]) == "nothing"

        oidc.expire()  # the next call is refused once, and a new token is fetched
        notebook.run(1)
        expect(notebook.output(1)).to_contain_text("200 alice")
        assert oidc.refresh_count == 1
        refresh_token = oidc.secrets()["refresh_token"][-1]
        notebook.run(2)
        expect(notebook.output(2)).to_contain_text(f"Register {site.callback} for a public client")
        notebook.run(3)
        expect(notebook.output(3)).to_contain_text("revoked=True")
        expect(notebook.output(3)).to_contain_text("[]\nFalse")
        assert not oidc.introspect(refresh_token)["active"]
        notebook.run(4)
        expect(notebook.output(4)).not_to_contain_text("Traceback", timeout=1)
        expect(notebook.output(4)).to_contain_text("The header x-token cannot be kept from other")
        expect(notebook.output(4)).to_contain_text(f"requests from pages at {site.url} (CORS)")
        expect(notebook.output(4)).to_contain_text("Use a browser with JavaScript Promise Integrat")

        secrets = [one for kind in oidc.secrets().values() for one in kind]
        saved = notebook.page.evaluate(SAVED)
        assert "Signed in to Acme" in saved
        assert not [one for one in secrets if one in saved]
        assert not [url for url in asked if "/jupyter-auth/" in url]  # no server has accounts
