"""The callback against everybody who should not get through it. SECURITY 2, 3, 4, 7."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from providers.oidc import OidcProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel

PROBLEM = "/base/jupyter-auth/problem/"
FOREIGN = PROBLEM + "foreign"
EXPIRED = PROBLEM + "expired"


@pytest.fixture
def login(rogue_login: Any) -> dict[str, Any]:
    """Begun by the kernel, not yet opened."""
    return rogue_login()


@pytest.fixture
def nothing_stored(kernel: Kernel, rogue: RogueProvider) -> Iterator[None]:
    """Whatever the test did, no code was exchanged and nobody was signed in."""
    yield
    assert not rogue.seen("token")
    assert kernel.call("GET", "accounts")["accounts"] == []


def test_a_callback_works_once(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    cookies = browser.session.cookies.copy()
    assert browser.arrive(address) == login["path"]
    browser.session.cookies.update(cookies)
    assert browser.arrive(address) == EXPIRED
    assert len(rogue.seen("token")) == 1


@pytest.mark.usefixtures("nothing_stored")
def test_a_browser_that_did_not_begin_it_is_refused(
    jupyter: JupyterProcess, browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    assert jupyter.browser().arrive(address) == FOREIGN


@pytest.mark.usefixtures("nothing_stored")
def test_the_cookie_of_another_opening_is_not_enough(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    (ours,) = browser.bindings
    value = ours.value
    browser.session.cookies.clear(ours.domain, ours.path, ours.name)
    browser.open(login)
    (other,) = browser.bindings
    assert other.value != value
    assert browser.arrive(address) == FOREIGN


@pytest.mark.usefixtures("nothing_stored")
def test_another_jupyter_user_is_refused_even_with_the_cookie(
    jupyter: JupyterProcess, browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    other = jupyter.browser()
    for cookie in browser.session.cookies:
        if cookie.name.startswith("jupyter-auth-"):
            other.session.cookies.set_cookie(cookie)
    assert other.arrive(address) == FOREIGN


@pytest.mark.usefixtures("nothing_stored")
def test_the_callback_of_another_provider_is_refused(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider, kernel: Kernel
) -> None:
    kernel.register("other", {"issuer": rogue.issuer, "client_id": "x"})
    address = rogue.authorize(browser.open(login))
    for cookie in list(browser.session.cookies):
        cookie.path = "/base/"
        browser.session.cookies.set_cookie(cookie)
    assert browser.arrive(address.replace("callback/rogue", "callback/other")) == FOREIGN


@pytest.mark.usefixtures("nothing_stored", "login")
@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"code": "c", "state": "s" * 43}, EXPIRED),
        ({"code": "c"}, EXPIRED),
        ({"error": "access_denied", "state": "\udcff\x00"}, EXPIRED),
        ([("state", "a"), ("state", "b")], PROBLEM + "failed"),
    ],
)
def test_a_state_nobody_knows(browser: Browser, query: Any, place: str) -> None:
    query = urlencode(query, errors="surrogateescape")
    assert browser.arrive(f"jupyter-auth/callback/rogue?{query}") == place


@pytest.mark.usefixtures("nothing_stored")
def test_mix_up_is_refused(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider, kernel: Kernel
) -> None:
    rogue.sends_iss = False
    address = rogue.authorize(browser.open(login)) + "&iss=https://evil.example"
    assert browser.arrive(address) == login["path"]
    assert kernel.call("GET", f"logins/{login['id']}")["error"]["code"] == "login_failed"


@pytest.mark.usefixtures("nothing_stored")
def test_signed_out_of_jupyter_it_goes_to_a_static_page_and_never_to_a_login_page(
    jupyter: JupyterProcess, browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    stranger = jupyter.browser(token=None)
    assert stranger.arrive(address) == "/base/jupyter-auth/signed-out"
    assert "You are signed out of Jupyter" in stranger.page("/base/jupyter-auth/signed-out")


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_verbs_leave_no_code_in_the_address_bar(browser: Browser, method: str) -> None:
    answer = browser.send(method, "jupyter-auth/callback/rogue?code=c&state=s")
    assert answer.status_code == 303
    assert answer.headers["Location"] in {PROBLEM + "failed", PROBLEM + "forbidden"}


def test_a_host_that_is_not_this_server_leaves_no_code_either(browser: Browser) -> None:
    answer = browser.get(
        "jupyter-auth/callback/rogue?code=c&state=s", headers={"Host": "evil.example"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == PROBLEM + "forbidden"


def test_cross_site_is_how_it_always_arrives(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider
) -> None:
    address = rogue.authorize(browser.open(login))
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "null"}
    answer = browser.get(address, headers=headers)
    assert answer.headers["Location"] == login["path"]


@pytest.mark.parametrize(
    "place",
    [
        "jupyter-auth/callback/rogue?next=//evil.example",
        "jupyter-auth/callback/..%2F..%2F%2Fevil.example",
        "jupyter-auth/callback/%0d%0aLocation:%20https://evil.example",
        "jupyter-auth/callback/%5C%5Cevil.example?state=x",
        "jupyter-auth/login/%2F%2Fevil.example",
        "jupyter-auth/login/none?next=https://evil.example&url=https://evil.example",
        "jupyter-auth/signed-out?next=https://evil.example",
        "jupyter-auth/problem/expired?next=https://evil.example",
    ],
)
def test_no_open_redirect(jupyter: JupyterProcess, browser: Browser, place: str) -> None:
    for each in (browser, jupyter.browser(token=None)):
        answer = each.get(place)
        assert "evil" not in answer.text
        target = urlsplit(answer.headers.get("Location", ""))
        assert not target.netloc
        assert target.path.startswith("/base/") or not target.path


def test_the_log_at_debug_holds_no_code_state_verifier_cookie_or_token(
    jupyter: JupyterProcess,
    browser: Browser,
    login: dict[str, Any],
    rogue: RogueProvider,
    kernel: Kernel,
) -> None:
    url = browser.open(login)
    address = rogue.authorize(url)
    (cookie,) = [c.value for c in browser.bindings]
    query = parse_qs(urlsplit(address).query)
    browser.arrive(address)
    planted = "planted-code-4711"
    stranger = jupyter.browser(token=None)
    for each in (browser, stranger):
        each.arrive(f"jupyter-auth/callback/rogue?code={planted}&state={planted}")
        each.arrive(f"jupyter-auth/callback/rogue?code={planted}&state=a&state={planted}")
        each.send("POST", f"jupyter-auth/callback/rogue?code={planted}&state={planted}")
    headers = {"Host": "evil.example"}
    browser.get(f"jupyter-auth/callback/rogue?code={planted}&state=s", headers=headers)
    browser.get(f"jupyter-auth/problem/none?code={planted}")
    exchange = rogue.seen("token")[0].form
    token = kernel.token(login["provider"])["access_token"]
    browser.get("api/status?the-last-line")
    jupyter.wait_for_log("the-last-line")
    asked = parse_qs(urlsplit(url).query)
    secrets = [query["code"][0], query["state"][0], exchange["code_verifier"], asked["nonce"][0]]
    for secret in [*secrets, cookie, token, kernel.key, planted, OidcProvider.client_secret]:
        assert secret not in jupyter.log


def test_nothing_secret_is_in_the_servers_arguments(jupyter: JupyterProcess) -> None:
    assert jupyter._process is not None
    shown = subprocess.check_output(["ps", "-o", "args=", "-p", str(jupyter._process.pid)])
    assert jupyter.kernel().key.encode() not in shown
