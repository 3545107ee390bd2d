"""A loopback redirect URI, and a browser on another machine: a person brings the answer.

What the callback checks is checked here too. SECURITY 2, 3, 4, 7.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.adapters import HTTPAdapter

from server.jupyter_process import TOKEN, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from providers.rogue import RogueProvider
    from server.jupyter_process import JupyterProcess, Kernel

NAME = "notebooks.example"  # of this server, for browsers on other machines
REDIRECT_URI = "http://localhost:8765/oauth/back"  # nobody is there


class Resolved(HTTPAdapter):
    """Finds that name here, as a name server would."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        assert request.url
        request.headers["Host"] = urlsplit(request.url).netloc
        request.url = request.url.replace(NAME, "127.0.0.1", 1)
        return super().send(request, *args, **kwargs)


def away(jupyter: JupyterProcess) -> Browser:
    """A browser on another machine, signed in to Jupyter."""
    browser = Browser(f"http://{NAME}:{jupyter.port}", jupyter.base_url)
    browser.session.mount(f"http://{NAME}", Resolved())
    browser.get("api/me", params={"token": TOKEN}).raise_for_status()
    return browser


@pytest.fixture
def browser(jupyter: JupyterProcess) -> Browser:
    return away(jupyter)


@pytest.fixture
def login(rogue_login: Any) -> dict[str, Any]:
    return rogue_login(redirect_uri=REDIRECT_URI)


def leave(browser: Browser, login: dict[str, Any], *, by_hand: bool = False) -> dict[str, Any]:
    """What the page's script is answered when it asks where to go."""
    answer = browser.send("POST", browser.origin + login["path"], {"by_hand": by_hand})
    return answer.json()


@pytest.fixture
def bring(login: dict[str, Any]) -> Any:
    """What it does with the address that was pasted."""

    def bring(browser: Browser, address: str, name: str = "rogue", **headers: str) -> Any:
        place = f"jupyter-auth/callback/{name}/redirected"
        body = {"address": address, "login": login["id"]}
        answer = browser.send("POST", place, body, **headers)
        return answer.status_code, answer.json()

    return bring


@pytest.fixture
def ended(browser: Browser, login: dict[str, Any], rogue: RogueProvider) -> str:
    """The address that a page which does not load has in the end."""
    answer = leave(browser, login)
    assert answer["by_hand"]
    address = rogue.authorize(answer["url"])
    assert address.startswith(f"{REDIRECT_URI}?")
    return address


@pytest.fixture
def nothing_stored(kernel: Kernel, rogue: RogueProvider) -> Iterator[None]:
    """Whatever the test did, no code was exchanged and nobody was signed in."""
    yield
    assert not rogue.seen("token")
    assert kernel.call("GET", "accounts")["accounts"] == []


def test_the_address_finishes_the_login_once(
    *,
    browser: Browser,
    kernel: Kernel,
    login: dict[str, Any],
    rogue: RogueProvider,
    ended: str,
    bring: Any,
) -> None:
    cookies = browser.session.cookies.copy()
    status, said = bring(browser, f"  {ended}\n")
    assert (status, said) == (200, {"url": login["path"]})
    assert kernel.call("GET", "accounts")["accounts"] == []
    assert browser.say_yes(login["path"]).status_code == 200
    assert "Signed in to rogue" in browser.page(login["path"])
    assert kernel.token(login["provider"])["access_token"]
    assert rogue.seen("token")[0].form["redirect_uri"] == REDIRECT_URI
    assert not browser.bindings
    browser.session.cookies.update(cookies)
    assert bring(browser, ended)[1]["code"] == "login_expired"
    assert len(rogue.seen("token")) == 1


def test_a_refusal_is_brought_as_well(
    browser: Browser, kernel: Kernel, login: dict[str, Any], rogue: RogueProvider, bring: Any
) -> None:
    state = parse_qs(urlsplit(leave(browser, login)["url"]).query)["state"][0]
    refused = f"{REDIRECT_URI}?error=access_denied&state={state}&iss={rogue.issuer}"
    assert bring(browser, refused) == (200, {"url": login["path"]})
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "denied"


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("state", ["s" * 43, "", "%00"])
def test_a_state_of_nobody_is_refused(browser: Browser, ended: str, state: str, bring: Any) -> None:
    status, said = bring(browser, re.sub(r"state=[^&]*", f"state={state}", ended))
    assert said["code"] == ("login_expired" if state else "login_failed")
    assert status == (410 if state else 409)


@pytest.mark.usefixtures("nothing_stored")
def test_a_browser_that_did_not_begin_it_is_refused(
    browser: Browser, ended: str, bring: Any
) -> None:
    """Nor may a script with the server's token, and without the cookie."""
    for cookie in list(browser.session.cookies):
        if cookie.name.startswith("jupyter-auth-"):
            browser.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
    for headers in ({}, {"Authorization": f"token {TOKEN}"}):
        status, said = bring(browser, ended, **headers)
        assert (status, said["code"]) == (409, "login_failed")
        assert "started in another browser" in said["message"]


@pytest.mark.usefixtures("nothing_stored")
def test_another_jupyter_user_is_refused_even_with_the_cookie(
    jupyter: JupyterProcess, browser: Browser, ended: str, bring: Any
) -> None:
    other = away(jupyter)
    for cookie in browser.session.cookies:
        if cookie.name.startswith("jupyter-auth-"):
            other.session.cookies.set_cookie(cookie)
    assert "by another user" in bring(other, ended)[1]["message"]


@pytest.mark.usefixtures("nothing_stored")
def test_the_answer_of_another_provider_is_refused(
    browser: Browser, kernel: Kernel, rogue: RogueProvider, ended: str, bring: Any
) -> None:
    """Mix-up: with one redirect URI for each provider, an address belongs to one of them."""
    other = {"issuer": rogue.issuer, "client_id": "x", "redirect_uri": f"{REDIRECT_URI}/other"}
    kernel.register("other", other)
    for address, name in (
        (ended.replace("?", "/other?", 1), "rogue"),
        (ended.replace("?", "/other?", 1), "other"),
        (ended, "other"),
        (ended.replace("localhost", NAME), "rogue"),
    ):
        for cookie in list(browser.session.cookies):
            cookie.path = "/base/"
            browser.session.cookies.set_cookie(cookie)
        assert bring(browser, address, name)[1]["code"] == "login_failed"


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("origin", ["", "null", "http://evil.example"])
def test_it_is_for_pages_of_this_server_alone(
    browser: Browser, ended: str, origin: str, bring: Any
) -> None:
    assert bring(browser, ended, Origin=origin)[0] == 403


@pytest.mark.usefixtures("nothing_stored")
def test_it_carries_the_pages_xsrf_token(browser: Browser, ended: str, bring: Any) -> None:
    assert bring(browser, ended, X_XSRFToken="")[0] == 403


def test_the_log_at_debug_holds_nothing_of_the_address(
    jupyter: JupyterProcess, browser: Browser, ended: str, bring: Any
) -> None:
    bring(browser, ended.replace("code=", "code=x"))
    bring(browser, ended.replace("state=", "state=x"))
    bring(browser, ended.replace("localhost", "elsewhere"))
    browser.get("api/status?the-last-of-them")
    jupyter.wait_for_log("the-last-of-them")
    for values in parse_qs(urlsplit(ended).query).values():
        assert values[0] not in jupyter.log or values[0].startswith("http")


def test_only_the_page_of_such_a_login_asks_for_it(
    browser: Browser, jupyter: JupyterProcess, login: dict[str, Any], rogue_login: Any
) -> None:
    assert "localhost:8765" in browser.page(login["path"])
    assert "localhost:8765" in jupyter.browser().page(login["path"])  # for who is stuck
    own = rogue_login("other", redirect_uri=f"{jupyter.origin}/base/jupyter-auth/callback/other")
    assert "Paste it here" not in jupyter.browser().page(own["path"])


def test_a_browser_of_this_machine_comes_back_by_itself_unless_it_is_stuck(
    jupyter: JupyterProcess, rogue_login: Any, rogue: RogueProvider
) -> None:
    """Through an SSH tunnel the browser seems to be here, and the listener's port is not there."""
    near = jupyter.browser()
    with socket.create_server(("127.0.0.1", 0)) as taken:  # by somebody else on that machine
        login = rogue_login(redirect_uri=f"http://127.0.0.1:{taken.getsockname()[1]}/back")
        assert "another program uses" in leave(near, login)["message"]
        answer = leave(near, login, by_hand=True)
        assert answer["by_hand"]
        body = {"address": rogue.authorize(answer["url"]), "login": login["id"]}
        brought = near.send("POST", "jupyter-auth/callback/rogue/redirected", body)
        assert brought.json() == {"url": login["path"]}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    login = rogue_login("other", redirect_uri=f"http://127.0.0.1:{free}/back")
    assert not leave(near, login)["by_hand"]
    assert leave(near, login, by_hand=True)["by_hand"]
