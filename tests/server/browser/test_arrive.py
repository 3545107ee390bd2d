"""A silent sign-in (OIDC Core 3.1.2.1): what the page of arrival does, and where it ends.

What a browser makes of it is in ``tests/browser/pages/test_arrive.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from providers.rogue import RogueProvider
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.jupyter_process import Browser

LAB = "/base/lab/tree/a%20b.ipynb?x=1"
ARRIVE = "jupyter-auth/arrive/acme"


@pytest.fixture(scope="module")
def provider() -> Iterator[RogueProvider]:
    with RogueProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(
    provider: RogueProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    known = {"issuer": provider.issuer, "client_id": provider.client_id}
    asks = known | {"silent": True, "authorize_params": {"prompt": "consent"}}
    home = tmp_path_factory.mktemp("silent")
    with JupyterProcess(home, providers={"acme": asks, "loud": known}) as server:
        yield server


@pytest.fixture
def browser(server: JupyterProcess) -> Iterator[Browser]:
    yield server.browser()
    kernel = server.kernel()
    for account in kernel.call("GET", "accounts")["accounts"]:
        kernel.call("DELETE", f"accounts?provider={account['provider']}&revoke=0")


def arrive(browser: Browser, onward: str = LAB, to: str = ARRIVE, **headers: str) -> Any:
    """Open the page as JupyterLab does, unless ``headers`` say otherwise; "" leaves one out."""
    given = browser.from_own_page | {name.replace("_", "-"): each for name, each in headers.items()}
    kept = {name: each for name, each in given.items() if each}
    return browser.get(f"{to}?next={quote(onward, safe='')}", headers=kept)


def leave(browser: Browser, onward: str = LAB) -> str:
    """Where the page's script is sent."""
    url: str = browser.send("POST", ARRIVE, {"next": onward}).json()["url"]
    return url


def back(browser: Browser, url: str, **answer: str) -> str:
    """Come back from there with that answer; where the browser is sent on to."""
    asked = {name: each[0] for name, each in parse_qs(urlsplit(url).query).items()}
    query = urlencode({"state": asked["state"], **answer})
    place = browser.arrive(f"{asked['redirect_uri']}?{query}")
    return str(browser.get(browser.origin + place).headers["Location"])


def test_it_signs_in_without_a_question_and_goes_on(
    browser: Browser, server: JupyterProcess, provider: RogueProvider
) -> None:
    offered = browser.get("jupyter-auth/api/v1/providers").json()["arrive"]
    assert offered == {"acme": f"/base/{ARRIVE}"}
    assert arrive(browser).status_code == 200
    url = leave(browser)
    assert parse_qs(urlsplit(url).query)["prompt"] == ["none"], "alone, whatever is configured"
    assert server.kernel().call("GET", "logins")["logins"] == [], "no front end offers to finish it"
    place = browser.arrive(provider.authorize(url))
    assert browser.get(browser.origin + place).headers["Location"] == LAB
    assert [each["provider"] for each in server.kernel().call("GET", "accounts")["accounts"]]
    assert browser.get("jupyter-auth/api/v1/providers").json()["arrive"] == {}
    assert arrive(server.browser()).headers["Location"] == LAB, "signed in already"


@pytest.mark.parametrize(
    "error",
    ["login_required", "consent_required", "interaction_required", "account_selection_required"],
)
def test_a_provider_that_would_have_to_ask_leaves_the_button(
    browser: Browser, server: JupyterProcess, error: str
) -> None:
    arrive(browser)
    assert back(browser, leave(browser), error=error) == LAB
    for left in ("logins", "accounts"):
        assert server.kernel().call("GET", left)[left] == []


def test_an_answer_to_one_browser_is_none_to_another(
    browser: Browser, server: JupyterProcess
) -> None:
    other = server.browser()
    urls = []
    for each in (browser, other):
        arrive(each)
        urls.append(leave(each))
    assert back(browser, urls[0], error="login_required") == LAB
    assert back(other, urls[1], error="login_required") == LAB


def test_once_in_a_browser_session(browser: Browser) -> None:
    arrive(browser)
    back(browser, leave(browser), error="login_required")
    again = arrive(browser)
    assert (again.status_code, again.headers["Location"]) == (303, LAB)


def test_a_browser_without_cookies_never_leaves(browser: Browser) -> None:
    arrive(browser)
    for cookie in [each for each in browser.session.cookies if "arrived" in each.name]:
        browser.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
    assert leave(browser) == LAB


def test_a_provider_that_is_not_silent_is_not_asked(browser: Browser) -> None:
    assert arrive(browser, to="jupyter-auth/arrive/loud").headers["Location"] == LAB
    assert arrive(browser, to="jupyter-auth/arrive/none").headers["Location"] == LAB


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site", "Referer": ""},
        {"Sec_Fetch_Site": "none", "Referer": ""},
        {"Sec_Fetch_Site": "", "Referer": "http://evil.example/"},
        {"Sec_Fetch_Site": "", "Referer": ""},
    ],
)
def test_another_site_s_page_begins_nothing(browser: Browser, headers: dict[str, str]) -> None:
    answer = arrive(browser, **headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, LAB)


def test_nor_does_it_in_a_browser_that_is_known(browser: Browser) -> None:
    arrive(browser, to="jupyter-auth/arrive/acme")
    assert any("tied" in each.name for each in browser.session.cookies)
    for cookie in [each for each in browser.session.cookies if "arrived" in each.name]:
        browser.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "", "Referer": ""}):
        assert arrive(browser, **headers).headers["Location"] == LAB
    assert arrive(browser, Sec_Fetch_Site="none", Referer="").status_code == 200


@pytest.mark.parametrize(
    "onward",
    [
        "",
        "lab",
        "//evil.example/",
        "https://evil.example/base/",
        "/other/lab",
        "/base/../evil",
        "/base/%2e%2e/evil",
        "/base/%252e%252e%252fevil",
        "/base/\\evil",
        "/base/%5c%5cevil",
        "/base/\r\nSet-Cookie: a=b",
        "\t//evil.example/base/",
        "/base/é",
        "/base/%" + "25" * 10,
    ],
)
def test_next_leads_nowhere_else(browser: Browser, onward: str) -> None:
    answer = arrive(browser, onward)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)
    assert browser.send("POST", ARRIVE, {"next": onward}).status_code == 400
