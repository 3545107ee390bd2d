"""A provider that was found by an API's address: a person sees what that led to, and agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.protected_api import ProtectedAPI
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider
    from server.jupyter_process import Browser, Kernel

ROUTE = "jupyter-auth/api/v1/discoveries"
WAITS = "data-ask"


@pytest.fixture
def api(oidc: OidcProvider) -> Iterator[ProtectedAPI]:
    with ProtectedAPI(oidc.issuer) as made:
        oidc.add_resource(made.address)
        made.metadata |= {"resource_name": "Acme tools", "scopes_supported": ["openid", "profile"]}
        yield made


def test_a_front_end_finds_it(browser: Browser, kernel: Kernel, api: ProtectedAPI) -> None:
    answer = browser.send("POST", ROUTE, {"address": api.address})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["found_at"] == api.address
    assert kernel.call("POST", "discoveries", {"address": api.address}) == found
    assert found in kernel.call("GET", "providers")["providers"]


def test_what_cannot_be_found_is_said(browser: Browser, kernel: Kernel) -> None:
    for body in ({}, {"address": 5}, {"address": "http://acme.example/"}):
        assert browser.send("POST", ROUTE, body).status_code == 400
    status, said = kernel.ask("POST", "discoveries", {"address": "http://127.0.0.1:1/"})
    assert (status, said["code"]) == (503, "provider_unavailable")


def test_the_first_time_the_page_shows_where_it_leads_and_waits(
    kernel: Kernel, browser: Browser, api: ProtectedAPI, oidc: OidcProvider
) -> None:
    name = kernel.call("POST", "discoveries", {"address": api.address})["name"]
    before = len(oidc.events())
    login = kernel.begin(name, notebook="report.ipynb")
    html = browser.get(browser.origin + login["path"], headers=browser.from_own_page).text
    host = urlsplit(oidc.issuer).netloc
    assert WAITS in html
    page = browser.page(login["path"])
    for shown in (api.address, f"Sign-in at {host}", "openid profile", "report.ipynb"):
        assert shown in page
    assert f"Acme tools ({api.url.partition('://')[2]}) says that {host} signs people in" in page
    assert len(oidc.events()) == before  # nothing was sent there

    url = browser.open(login)
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid profile offline_access"]
    browser.arrive(oidc.login(url, "alice"))
    ended = kernel.call("GET", f"logins/{login['id']}")
    assert ended["status"] == "complete", ended["error"]

    again = kernel.begin(name, force=True)
    html = browser.get(browser.origin + again["path"], headers=browser.from_own_page).text
    assert WAITS not in html
    assert "signs people in to it" not in html
    assert api.address in html


def test_a_page_shows_the_scopes_that_a_notebook_asks_for(
    kernel: Kernel, browser: Browser, api: ProtectedAPI
) -> None:
    name = kernel.call("POST", "discoveries", {"address": api.address})["name"]
    login = kernel.begin(name, session_key="other", scopes=["openid", "<b>admin"])
    html = browser.get(browser.origin + login["path"]).text
    assert "<code>&lt;b&gt;admin</code>" in html


def test_where_users_may_bring_no_providers_nothing_is_asked(
    oidc: OidcProvider, api: ProtectedAPI, tmp_path
) -> None:
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    settings = {"providers": {"idp": idp}, "allow_user_providers": False}
    with JupyterProcess(tmp_path / "home", **settings) as server:
        status, said = server.kernel().ask("POST", "discoveries", {"address": api.address})
    assert status == 400
    assert "Only the providers that the administrator configured" in said["message"]
    assert api.requests == []
