"""What every page and every answer of the browser API carries, and what no page repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel

BAD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'--><svg onload=alert(1)>"
UNSEEN = "\x1b[2J\u202e\u200b\x00\ud800"  # but for what stands after the escape
POLICY = {
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
}
PLACES = [
    "login/none",
    "callback/idp?code=c",
    "signed-out",
    "problem/expired",
    "problem/foreign",
    "problem/forbidden",
    "problem/busy",
    "problem/failed",
    "problem/nonsense",
    "api/v1/providers",
    "api/v1/providers/idp",
    "api/v1/providers/none",
    "api/v1/accounts",
    "api/v1/logins",
    "api/v1/logins/none",
]


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_has_the_headers(
    jupyter: JupyterProcess, browser: Browser, place: str
) -> None:
    for each in (browser, jupyter.browser(token=None)):
        answer = each.get(f"jupyter-auth/{place}")
        policy = answer.headers["Content-Security-Policy"]
        assert {part.strip() for part in policy.split(";")} == POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Jupyter-Auth-Version"] == "1"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_pending_page_has_them_too_and_nothing_inline(kernel: Kernel, browser: Browser) -> None:
    answer = browser.get(kernel.begin()["path"].removeprefix("/base/"))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "'none'" in answer.headers["Content-Security-Policy"]
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert "http://" not in answer.text.replace(browser.origin, "")
    assert answer.text.count("<script") == 1


def test_what_the_pages_load_is_there_for_everybody(
    jupyter: JupyterProcess, browser: Browser
) -> None:
    import re

    page = browser.get("jupyter-auth/signed-out").text
    links = re.findall(r'(?:href|src)="(/base/static/[^"]*)"', page)
    assert {link.rpartition("/")[2].partition("?")[0] for link in links} == {
        "icon.svg",
        "pages.css",
        "pages.js",
        "grants.css",
    }
    stranger = jupyter.browser(token=None)
    for link in links:
        answer = stranger.get(stranger.origin + link)
        assert answer.status_code == 200
        kind = {"svg": "image/svg+xml", "css": "text/css", "js": "text/javascript"}
        assert answer.headers["Content-Type"].split(";")[0] in {
            kind[link.partition("?")[0].rpartition(".")[2]],
            "application/javascript",
        }


@pytest.mark.parametrize("place", ["problem", "callback", "login", "api/v1/logins"])
def test_the_address_is_never_repeated(browser: Browser, place: str) -> None:
    answer = browser.get(f"jupyter-auth/{place}/{quote(BAD, safe='')}?{urlencode({'a': BAD})}")
    assert "<script>alert" not in answer.text
    assert "onerror=alert" not in answer.text.replace("&lt;img src=x onerror=alert", "")
    assert "alert" not in answer.headers.get("Location", "")


def assert_seen(text: str) -> None:
    """Nothing is there that a person would not see."""
    assert "".join(text.split("\n")).isprintable()


def test_what_a_provider_says_is_escaped(
    browser: Browser, rogue_login: Any, rogue: RogueProvider, kernel: Kernel
) -> None:
    login = rogue_login()
    address = rogue.authorize(browser.open(login))
    state = address.partition("state=")[2].partition("&")[0]
    query = urlencode(
        {"error": "access_denied", "error_description": BAD + UNSEEN[:-1], "iss": rogue.issuer}
    )
    base = address.partition("?")[0]
    browser.arrive(f"{base}?state={state}&{query}")
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "denied"
    text = browser.get(login["path"].removeprefix("/base/")).text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<svg onload" not in text
    assert_seen(text)


def test_what_a_kernel_says_is_escaped(browser: Browser, rogue_login: Any, kernel: Kernel) -> None:
    name = rogue_login(title=BAD + UNSEEN, client_id=BAD)["provider"]
    login = kernel.begin(name, notebook=BAD + UNSEEN, session_key=BAD)
    text = browser.get(login["path"].removeprefix("/base/")).text
    assert_seen(text)
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text
    assert "<img" not in text
    kernel.call("DELETE", f"logins/{login['id']}")
    text = browser.get(login["path"].removeprefix("/base/")).text
    assert "&lt;script&gt;alert(1)" in text
    assert "<img" not in text
    assert 'data-session-key="&lt;script' in text


def test_a_name_from_the_provider_is_escaped(
    browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    rogue.username = BAD + UNSEEN
    login = rogue_login()
    browser.arrive(rogue.authorize(browser.open(login)))
    text = browser.get(login["path"].removeprefix("/base/")).text
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text
    assert_seen(text)


def test_a_provider_that_answers_html_does_not_get_it_onto_the_page(
    browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    login = rogue_login()
    url = browser.open(login)
    rogue.script("token", lambda _: Reply(400, BAD.encode(), {"Content-Type": "text/html"}))
    browser.arrive(rogue.authorize(url))
    assert "<script>alert" not in browser.get(login["path"].removeprefix("/base/")).text


def test_a_login_nobody_knows_is_said_to_be_over(browser: Browser) -> None:
    assert "This sign-in is over" in browser.page("/base/jupyter-auth/login/none")


def test_signed_out_of_jupyter_a_login_page_asks_for_that_first(
    jupyter: JupyterProcess, kernel: Kernel
) -> None:
    login = kernel.begin()
    answer = jupyter.browser(token=None).get(login["path"].removeprefix("/base/"))
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/base/login?next={quote(login['path'], safe='')}"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}.evil.example",
        "http://user@127.0.0.1:{port}",
        "http://localhost:{port}",
        "file://127.0.0.1:{port}",
        "http://127.0.0.1:x",
    ],
)
def test_leaving_is_for_pages_of_this_server_alone(
    jupyter: JupyterProcess, kernel: Kernel, browser: Browser, origin: str
) -> None:
    login = kernel.begin()
    address = browser.origin + login["path"]
    answer = browser.send("POST", address, Origin=origin.format(port=jupyter.port))
    assert answer.status_code == 403
    assert "does not come from a page of this server" in answer.json()["message"]
    assert "Set-Cookie" not in answer.headers
