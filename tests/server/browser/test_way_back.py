"""The ways back to a Jupyter server, and errors that come back without a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from processes import free_port

if TYPE_CHECKING:
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel

CALLBACK = "jupyter-auth/callback/rogue"
OWN = f"/base/{CALLBACK}"


def leave(browser: Browser, login: dict[str, Any], **body: Any) -> Any:
    """What the page's script is answered when it asks where to go."""
    return browser.send("POST", browser.origin + login["path"], body).json()


def sent(url: str) -> str:
    return parse_qs(urlsplit(url).query)["redirect_uri"][0]


# -- where it comes back -------------------------------------------------------------------------


def test_without_a_port_it_is_this_server_s_if_the_path_is(
    jupyter: JupyterProcess, rogue_login: Any, rogue: RogueProvider
) -> None:
    """One registration, http://localhost/base/jupyter-auth/callback/rogue, whatever the port."""
    there = jupyter.browser(host="localhost")
    login = rogue_login(redirect_uri=f"http://localhost{OWN}")
    url = there.open(login)
    assert sent(url) == f"http://localhost:{jupyter.port}{OWN}"
    assert there.arrive(rogue.authorize(url)) == login["path"]
    assert "Signed in to rogue" in there.page(login["path"])


@pytest.mark.parametrize("uri", ["http://localhost", "http://127.0.0.1/callback", "http://[::1]/"])
def test_else_at_any_other_port(
    browser: Browser, rogue_login: Any, rogue: RogueProvider, uri: str
) -> None:
    login = rogue_login(redirect_uri=uri)
    url = browser.open(login)
    given, wanted = urlsplit(sent(url)), urlsplit(uri)
    assert (given.hostname, given.path) == (wanted.hostname, wanted.path)
    assert given.port
    answer = browser.get(rogue.authorize(url))
    assert browser.arrive(answer.headers["Location"]) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])


def test_what_is_stuck_there_is_brought_by_hand(
    browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    login = rogue_login(redirect_uri="http://localhost/callback")
    answer = leave(browser, login, by_hand=True)
    assert answer["by_hand"]
    body = {"address": rogue.authorize(answer["url"]), "login": login["id"]}
    brought = browser.send("POST", f"{CALLBACK}/redirected", body)
    assert brought.json() == {"url": login["path"]}


def test_two_providers_come_back_to_one_port(
    browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    port = free_port()
    logins = {
        name: rogue_login(name, redirect_uri=f"http://localhost:{port}/{name}")
        for name in ("one", "two")
    }
    away = {name: browser.open(login) for name, login in logins.items()}
    for name, url in away.items():
        answer = browser.get(rogue.authorize(url))
        assert browser.arrive(answer.headers["Location"]) == logins[name]["path"]


def test_it_comes_back_by_the_name_that_the_provider_accepts_and_is_sent_on(
    jupyter: JupyterProcess, browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    """The browser is at 127.0.0.1, and not signed in to Jupyter at localhost."""
    login = rogue_login(loopback="localhost")
    url = browser.open(login)
    assert sent(url) == f"http://localhost:{jupyter.port}{OWN}"
    there = jupyter.browser(host="localhost", token=None)
    back = there.get(rogue.authorize(url)).headers["Location"]
    assert back.startswith(f"http://127.0.0.1:{jupyter.port}{OWN}?")
    assert browser.arrive(back) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost/callback",
        "https://sites.example/back",
        "https://127.0.0.1:{port}/base/jupyter-auth/callback/rogue",
    ],
)
def test_https_alone_is_brought_by_hand(
    *, jupyter: JupyterProcess, browser: Browser, rogue_login: Any, rogue: RogueProvider, uri: str
) -> None:
    uri = uri.format(port=jupyter.port)
    login = rogue_login(redirect_uri=uri)
    page = browser.page(login["path"])
    assert "Paste it here" in page
    assert urlsplit(uri).netloc in page
    answer = leave(browser, login)
    assert answer["by_hand"]
    ended = rogue.authorize(answer["url"])
    assert ended.startswith(f"{uri}?")
    body = {"address": ended, "login": login["id"]}
    brought = browser.send("POST", f"{CALLBACK}/redirected", body)
    assert brought.json() == {"url": login["path"]}
    assert browser.say_yes(login["path"]).status_code == 200
    assert "Signed in to rogue" in browser.page(login["path"])


# -- an error without a state --------------------------------------------------------------------

ERROR = "error=unauthorized_client&error_description=Disabled+by+its+%3Cb%3Eowner"


@pytest.fixture
def login(rogue_login: Any) -> dict[str, Any]:
    return rogue_login()


def test_its_words_are_shown_and_end_nothing(
    browser: Browser, kernel: Kernel, login: dict[str, Any], rogue: RogueProvider
) -> None:
    back = rogue.authorize(browser.open(login))
    assert browser.arrive(f"{CALLBACK}?{ERROR}") == login["path"]
    page = browser.get(browser.origin + login["path"]).text
    assert "came back from rogue" in page
    assert "Disabled by its &lt;b&gt;owner" in page
    assert "data-said" in page  # it does not leave by itself
    now = kernel.call("GET", f"logins/{login['id']}")
    assert (now["status"], now["outcome"]) == ("pending", None)
    assert "unauthorized_client: Disabled by its <b>owner" in now["error"]["message"]
    assert browser.arrive(back) == login["path"]
    assert "Signed in to rogue" in browser.page(login["path"])


def test_no_other_browser_puts_words_there(
    jupyter: JupyterProcess, browser: Browser, kernel: Kernel, login: dict[str, Any]
) -> None:
    browser.open(login)
    for token, place in (({}, "problem/expired"), ({"token": None}, "signed-out")):
        other = jupyter.browser(**token)
        assert other.arrive(f"{CALLBACK}?{ERROR}") == f"/base/jupyter-auth/{place}"
        assert kernel.call("GET", f"logins/{login['id']}")["error"] is None


def test_a_browser_that_never_left_reads_nothing_of_them(
    browser: Browser, login: dict[str, Any]
) -> None:
    assert login["path"]
    assert browser.arrive(f"{CALLBACK}?{ERROR}") == "/base/jupyter-auth/problem/expired"


def test_whoever_waits_hears_it_at_once(
    browser: Browser, kernel: Kernel, login: dict[str, Any]
) -> None:
    browser.open(login)
    since = kernel.call("GET", "changes")["sequence"]
    browser.arrive(f"{CALLBACK}?{ERROR}")
    changes = kernel.call("GET", f"changes?since={since}&wait=0")["changes"]
    assert [each["login"]["id"] for each in changes if each["login"]] == [login["id"]]


def test_pasted_it_is_shown_too(browser: Browser, kernel: Kernel, rogue_login: Any) -> None:
    login = rogue_login(redirect_uri="https://localhost/callback")
    leave(browser, login)
    body = {"address": f"https://localhost/callback?{ERROR}", "login": login["id"]}
    brought = browser.send("POST", f"{CALLBACK}/redirected", body)
    assert brought.json() == {"url": login["path"]}
    assert "Disabled by" in browser.page(login["path"])
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"


def test_at_another_port_it_is_sent_on(browser: Browser, rogue_login: Any) -> None:
    uri = f"http://localhost:{free_port()}/back"
    login = rogue_login(redirect_uri=uri)
    browser.open(login)
    assert browser.get(f"{uri}x?{ERROR}").status_code == 404
    assert "<script>" in browser.get(uri).text  # it may be in the fragment
    answer = browser.get(f"{uri}?{ERROR}")
    assert browser.arrive(answer.headers["Location"]) == login["path"]
    assert "Disabled by" in browser.page(login["path"])


def test_in_the_fragment_the_page_asks_for_it(browser: Browser) -> None:
    """A browser keeps it to itself: see tests/browser/pages."""
    answer = browser.get(CALLBACK)
    assert answer.status_code == 200
    assert 'data-page="fragment"' in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
