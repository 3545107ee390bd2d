"""A redirect URI at another port of this machine, listened at while it is needed: SECURITY 8."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from jupyter_auth.core.login.loopback import server as loopback_server
from jupyter_auth.server.broker.redirect.loopback import LoopbackCallback, LoopbackCallbacks
from jupyter_auth.server.broker.redirect.uri import RedirectRoute, redirect_route
from patience import PATIENCE
from processes import free_port
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.jupyter_process import Browser, JupyterProcess, Kernel


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def fixed(port: int) -> str:
    """What somebody registered once for a program of this machine."""
    return f"http://localhost:{port}/oauth/back"


@pytest.fixture
def login(rogue_login: Any, fixed: str) -> dict[str, Any]:
    return rogue_login(redirect_uri=fixed)


def arrive(browser: Browser, address: str) -> str:
    """Where the listener sends a browser that the provider sent to it."""
    answer = browser.get(address)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_the_browser_is_sent_on_to_the_callback_where_it_began(
    browser: Browser, kernel: Kernel, login: dict[str, Any], rogue: RogueProvider, fixed: str
) -> None:
    url = browser.open(login)
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [fixed]
    back = rogue.authorize(url)
    assert back.startswith(f"{fixed}?")
    address = arrive(browser, back)
    assert address.startswith(f"{browser.origin}/base/jupyter-auth/callback/rogue?")
    assert browser.arrive(address) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])
    assert rogue.seen("token")[0].form["redirect_uri"] == fixed
    assert kernel.token(login["provider"])["access_token"]


def test_what_the_callback_checks_is_checked(
    browser: Browser, kernel: Kernel, login: dict[str, Any], rogue: RogueProvider, jupyter: Any
) -> None:
    """The listener decides nothing: another browser gets no further by it than without it."""
    address = arrive(browser, rogue.authorize(browser.open(login)))
    assert jupyter.browser().arrive(address) == "/base/jupyter-auth/problem/foreign"
    assert kernel.call("GET", "accounts")["accounts"] == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", ""])
def test_another_host_name_is_not_served(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider, host: str, port: int
) -> None:
    """DNS rebinding: a page elsewhere points its own name at this port."""
    back = rogue.authorize(browser.open(login))
    assert browser.get(back, headers={"Host": host.format(port=port)}).status_code == 404


@pytest.mark.parametrize("place", ["/", "/favicon.ico", "/oauth/back/", "/base/oauth/back"])
def test_another_path_is_not_served(
    browser: Browser, login: dict[str, Any], rogue: RogueProvider, place: str
) -> None:
    back = urlsplit(rogue.authorize(browser.open(login)))
    assert browser.get(back._replace(path=place).geturl()).status_code == 404
    assert arrive(browser, back.geturl())  # and no harm was done


def test_without_a_state_of_ours_nobody_is_sent_anywhere(
    browser: Browser, login: dict[str, Any], fixed: str
) -> None:
    browser.open(login)
    for query in ("", "?state=x&code=y", "?code=y", "?state=", "?state=//evil.example"):
        answer = browser.get(fixed + query)
        assert (answer.status_code, answer.headers.get("Location")) == (404, None)


def test_a_taken_port_is_said_before_the_browser_leaves(browser: Browser, rogue_login: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/back"
        login = rogue_login(redirect_uri=uri)
        answer = browser.send("POST", browser.origin + login["path"])
    assert (answer.status_code, answer.json()["code"]) == (400, "configuration_error")
    assert "another program uses" in answer.json()["message"]


def test_a_server_that_moved_to_another_port_says_so_before_the_browser_leaves(
    jupyter: JupyterProcess, browser: Browser, rogue_login: Any
) -> None:
    """Where its old port is taken: else a listener there sends the browser on."""
    path = "/base/jupyter-auth/callback/rogue"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        login = rogue_login(redirect_uri=f"http://127.0.0.1:{port}{path}")
        answer = browser.send("POST", browser.origin + login["path"])
    assert (answer.status_code, answer.json()["code"]) == (400, "configuration_error")
    assert answer.json()["message"] == (
        f"Jupyter has moved to another port: it is at 127.0.0.1:{jupyter.port} now, and the"
        f" provider sends the browser back to 127.0.0.1:{port}."
    )
    assert answer.json()["hint"] == (
        f"Start Jupyter with `--port={port} --ServerApp.port_retries=0`, or register"
        f" {jupyter.origin}{path} at the provider and configure that."
    )
    assert "Set-Cookie" not in answer.headers


def test_where_its_old_port_is_free_the_browser_comes_back_through_that(
    browser: Browser, rogue_login: Any, rogue: RogueProvider, port: int
) -> None:
    login = rogue_login(redirect_uri=f"http://127.0.0.1:{port}/base/jupyter-auth/callback/rogue")
    address = arrive(browser, rogue.authorize(browser.open(login)))
    assert browser.arrive(address) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])


@pytest.fixture
def returns() -> Iterator[LoopbackCallbacks]:
    """Of a server where ``pending`` are the logins under way."""
    made = LoopbackCallbacks(lambda: made.pending)
    made.pending = {"one"}
    yield made
    made.close()


def test_it_closes_with_the_last_login_that_left_by_it(
    returns: Any, fixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback_server, "GRACE", 0.0)
    returns.listen(fixed, LoopbackCallback("one", "cookie", "http://127.0.0.1/callback"))
    assert requests.get(fixed, timeout=PATIENCE).status_code == 404  # it is there
    returns.pending = set()
    (listening,) = returns._listeners.values()
    assert listening.listener._closing.wait(PATIENCE)
    returns.listen(fixed, LoopbackCallback("two", "cookie", "http://127.0.0.1/callback"))
    assert listening not in returns._listeners.values()


def test_a_browser_elsewhere_could_not_come_back() -> None:
    fixed, page = "http://127.0.0.1:8400/back", "/jupyter-auth/login/x"
    callback, public = "/jupyter-auth/callback/idp", "https://jupyter.example"
    assert redirect_route("http://localhost:8888", None, callback, page, fixed) == RedirectRoute(
        fixed, listen=True
    )
    assert redirect_route(public, None, callback, page, fixed) == RedirectRoute(fixed, by_hand=True)
    assert redirect_route("http://127.0.0.1:8888", public, callback, page, fixed) == RedirectRoute(
        fixed, public + page, by_hand=True
    )


def test_of_two_providers_at_one_address_the_later_one_is_answered(
    browser: Browser, kernel: Kernel, rogue_login: Any, rogue: RogueProvider, fixed: str
) -> None:
    """SECURITY 4: the page says what to do with the earlier one, whose link goes on to work."""
    with RogueProvider() as other:
        earlier = rogue_login("one", redirect_uri=fixed)
        later = rogue_login("two", issuer=other.issuer, redirect_uri=fixed)
        back = rogue.authorize(browser.open(earlier))
        late = other.authorize(browser.open(later))
        place = browser.arrive(arrive(browser, back))
        assert place == "/base/jupyter-auth/problem/overtaken"
        assert "Finish that one first" in browser.page(place)
        assert browser.arrive(arrive(browser, late)) == later["path"]
        again = rogue.authorize(browser.open(earlier))
        assert browser.arrive(arrive(browser, again)) == earlier["path"]
    assert len(kernel.call("GET", "accounts")["accounts"]) == 2
