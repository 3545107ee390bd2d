"""A whole login over HTTP: begun by a kernel, finished by a browser at the real provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from patience import PATIENCE
from providers import troubles
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, Kernel

LOGIN = "/base/jupyter-auth/login/"


def test_a_kernel_asks_a_person_signs_in_and_the_kernel_has_the_token(
    jupyter: JupyterProcess, kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    login = kernel.begin(notebook="work/report.ipynb")
    assert login["path"] == LOGIN + login["id"]
    assert login["url"].endswith(login["path"])
    page = browser.page(login["path"])
    assert "Sign in to Example ID" in page
    assert urlsplit(oidc.issuer).netloc in page
    assert "work/report.ipynb" in page

    url = browser.open(login)
    asked = parse_qs(urlsplit(url).query)
    assert asked["redirect_uri"] == [f"{jupyter.origin}/base/jupyter-auth/callback/idp"]
    assert asked["code_challenge_method"] == ["S256"]

    assert browser.arrive(oidc.login(url, "alice")) == login["path"]
    page = browser.page(login["path"])
    assert "Signed in to Example ID as alice" in page
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"
    (account,) = kernel.call("GET", "accounts")["accounts"]
    assert (account["username"], account["refreshes"]) == ("alice", True)
    token = kernel.token()
    answer = requests.get(f"{oidc.issuer}/me", headers=token["headers"], timeout=PATIENCE)
    assert answer.json()["sub"] == "u-1001"


def test_what_an_api_demands_is_on_the_page_and_in_the_request(
    kernel: Kernel, browser: Browser
) -> None:
    demand = {"api": "<b>.example", "scopes": ["api:write"], "max_age": "300"}
    demand |= {"acr_values": "urn:example:mfa", "claims": '{"id_token": {"acr": null}}'}
    login = kernel.begin(challenge=demand, scopes=["openid", "api:write"])
    assert "asks for the scope api:write and a stronger sign-in" in login["reason"]
    page = browser.page(login["path"])
    assert "The API &lt;b&gt;.example asks for the scope api:write" in page
    for each, waits in ((login, True), (kernel.begin(force=True), False)):
        html = browser.get(browser.origin + each["path"], headers=browser.from_own_page).text
        assert ("data-ask" in html) == waits  # what code asks for is read before the browser leaves
    asked = parse_qs(urlsplit(browser.open(login)).query)
    assert asked["scope"] == ["openid api:write"]
    assert {name: asked[name] for name in ("max_age", "acr_values", "claims")} == {
        name: [demand[name]] for name in ("max_age", "acr_values", "claims")
    }


@pytest.mark.parametrize(
    "demand",
    [
        5,
        {"max_age": "soon"},
        {"max_age": "-1"},
        {"claims": "[]"},
        {"claims": "{"},
        {"acr_values": "a\nb"},
        {"scopes": "x"},
        {"api": "x" * 9000},
    ],
)
def test_a_demand_that_is_none_begins_no_login(kernel: Kernel, demand: Any) -> None:
    status, _ = kernel.ask("POST", "logins", {"provider": "idp", "challenge": demand})
    assert status == 400


def test_the_id_token_is_given_only_when_asked_for(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    browser.arrive(oidc.login(browser.open(kernel.begin())))
    assert "id_token" not in kernel.token()
    assert kernel.token(id_token=True)["id_token"].count(".") == 2
    assert "refresh" not in "".join(set(kernel.token(id_token=True)) - {"refresh_at"})


def test_each_opening_has_a_cookie_of_its_own_and_the_second_sees_the_outcome(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    login = kernel.begin()
    first, second = browser.open(login), browser.open(login)
    assert len(browser.bindings) == 2
    assert browser.arrive(oidc.login(second)) == login["path"]
    assert browser.arrive(oidc.login(first)) == login["path"]
    assert "Signed in" in browser.page(login["path"])


def test_the_binding_cookie_is_for_the_callback_alone_and_gone_after_it(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    login = kernel.begin()
    browser.get(login["path"].removeprefix("/base"), headers=browser.from_own_page)
    answer = browser.send("POST", browser.origin + login["path"])
    (given,) = [c for c in answer.headers["Set-Cookie"].split(", ") if "jupyter-auth-" in c]
    attributes = {part.strip().lower() for part in given.split(";")[1:]}
    assert attributes >= {"httponly", "samesite=lax", "path=/base/jupyter-auth/callback/idp"}
    assert "max-age=600" in attributes
    assert "secure" not in attributes  # http
    browser.arrive(oidc.login(answer.json()["url"]))
    assert not browser.bindings


def test_without_offline_access_it_goes_on_by_itself_and_says_when_it_ends(
    kernel: Kernel, browser: Browser, rogue: RogueProvider, rogue_login: Any
) -> None:
    rogue.metadata = {"scopes_supported": ["openid", "offline_access"]}
    login = rogue_login(scopes=[])
    rogue.script("authorize", troubles.deny("invalid_scope"), times=1)
    assert browser.arrive(rogue.authorize(browser.open(login))) == login["path"]
    assert "Taking you to" in browser.page(login["path"])  # its script leaves again
    rogue.script("token", troubles.fields(refresh_token=troubles.MISSING))
    assert browser.arrive(rogue.authorize(browser.open(login))) == login["path"]
    assert [each.query["scope"] for each in rogue.seen("authorize")][1:] == ["openid"]
    assert "This sign-in ends at" in browser.page(login["path"])
    (account,) = kernel.call("GET", "accounts")["accounts"]
    assert account["refreshes"] is False


def test_consent_denied(kernel: Kernel, browser: Browser, oidc: OidcProvider) -> None:
    login = kernel.begin()
    assert browser.arrive(oidc.login(browser.open(login), consent=False)) == login["path"]
    page = browser.page(login["path"])
    assert "Sign-in declined" in page
    assert "Start again" in page
    assert kernel.call("GET", f"logins/{login['id']}")["error"]["code"] == "login_denied"


def test_cancelled_on_the_page(kernel: Kernel, browser: Browser) -> None:
    login = kernel.begin()
    answer = browser.send("DELETE", f"jupyter-auth/api/v1/logins/{login['id']}")
    assert answer.json()["status"] == "cancelled"
    assert "Sign-in cancelled" in browser.page(login["path"])
    answer = browser.send("POST", browser.origin + login["path"])
    assert (answer.status_code, answer.json()["code"]) == (409, "login_cancelled")


def test_the_page_shows_what_to_register(
    jupyter: JupyterProcess, kernel: Kernel, browser: Browser
) -> None:
    page = browser.page(kernel.begin()["path"])
    assert f"Redirect URI {jupyter.origin}/base/jupyter-auth/callback/idp" in page
    assert "Client ID notebook" in page
    assert "needs JavaScript" in page


def test_a_provider_that_does_not_answer_is_told_on_the_page(
    rogue_login: Any, browser: Browser, rogue: RogueProvider
) -> None:
    from providers.troubles import status

    login = rogue_login()
    url = browser.open(login)
    rogue.script("token", status(500))
    assert browser.arrive(rogue.authorize(url)) == login["path"]
    assert "Sign-in failed" in browser.page(login["path"])


def test_a_fixed_redirect_uri_with_the_other_loopback_name_leads_back_here(
    jupyter: JupyterProcess, browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    fixed = f"http://localhost:{jupyter.port}/base/jupyter-auth/callback/rogue"
    login = rogue_login(redirect_uri=fixed)
    url = browser.open(login)
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [fixed]
    back = jupyter.browser(host="localhost", token=None).get(rogue.authorize(url))
    assert browser.arrive(back.headers["Location"]) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])


@pytest.mark.parametrize(
    "fixed",
    [
        "https://elsewhere.example/base/jupyter-auth/callback/rogue",
        "http://127.0.0.1:{port}/other",
        "http://127.0.0.1:{port}/base/jupyter-auth/callback/other",
    ],
)
def test_a_fixed_redirect_uri_that_never_leads_back_is_refused_before_leaving(
    jupyter: JupyterProcess, browser: Browser, rogue_login: Any, fixed: str
) -> None:
    login = rogue_login(redirect_uri=fixed.format(port=jupyter.port))
    answer = browser.send("POST", browser.origin + login["path"])
    assert (answer.status_code, answer.json()["code"]) == (400, "configuration_error")
    assert f"{jupyter.origin}/base/jupyter-auth/callback/rogue" in answer.json()["hint"]


def test_the_public_url_makes_links_and_redirect_uris(tmp_path: Path, rogue: RogueProvider) -> None:
    provider = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    public = "https://jupyter.example.org"
    settings: dict[str, Any] = {"public_url": public, "providers": {"rogue": provider}}
    with JupyterProcess(tmp_path, base_url="/", **settings) as server:
        login = server.kernel().begin("rogue")
        assert login["url"] == public + login["path"]
        browser = server.browser()
        # Behind the proxy the browser's Origin is the public one, the Host is not.
        answer = browser.send("POST", browser.origin + login["path"], Origin=public)
        asked = parse_qs(urlsplit(answer.json()["url"]).query)
        assert asked["redirect_uri"] == [f"{public}/jupyter-auth/callback/rogue"]
        assert "Secure" in answer.headers["Set-Cookie"]
        # Past the proxy the cookies would be missing on return: go to the public address first.
        assert browser.open(login) == public + login["path"]
