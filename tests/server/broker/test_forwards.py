"""A browser that comes back here for a script is sent on to that, and nowhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from jupyter_auth.core.login.logins import LIFETIME, MAX_PENDING
from jupyter_auth.core.login.openings import binding_name
from jupyter_auth.server.broker import forwards
from jupyter_auth.server.broker.forwards import Forwards
from jupyter_auth.server.broker.page_urls import PageURLs

if TYPE_CHECKING:
    from server.jupyter_process import Browser, JupyterProcess, Kernel

TO = "http://localhost:4711/base/jupyter-auth/callback/acme"
PLACE = "jupyter-auth/callback/acme"


@pytest.fixture
def ask(jupyter: JupyterProcess, kernel: Kernel) -> Any:
    """A script asks for the browser with the state ``s``; what is replaced is given."""

    def ask(**changed: Any) -> tuple[int, Any]:
        uri = f"http://localhost:{jupyter.port}/base/{PLACE}"
        body = {"redirect_uri": uri, "binding": binding_name("s"), "to": TO}
        return kernel.ask("POST", "forwards", body | changed)

    return ask


def came(browser: Browser, **query: str) -> tuple[int, str]:
    answer = browser.get(f"{PLACE}?{urlencode(query)}")
    return answer.status_code, answer.headers.get("Location", "")


@pytest.mark.parametrize("token", [{}, {"token": None}], ids=["signed in", "signed out"])
def test_it_is_sent_on_with_all_that_it_brings(
    jupyter: JupyterProcess, ask: Any, token: dict[str, None]
) -> None:
    browser = jupyter.browser(**token)
    assert ask() == (201, {})
    assert came(browser, error="x") == (303, f"{TO}?error=x")  # which knows its browser
    for query in ({"state": "t", "code": "c"}, {"code": "c"}, {"state": "t", "error": "x"}):
        assert came(browser, **query)[1].startswith("/base/jupyter-auth/")
    answer = browser.get("jupyter-auth/callback/other?state=s&code=c")
    assert answer.headers["Location"].startswith("/base/jupyter-auth/")
    assert came(browser, state="s", code="c&d") == (303, f"{TO}?state=s&code=c%26d")
    for query in ({"state": "s", "code": "c&d"}, {"error": "x"}):  # a later sign-in's
        assert came(browser, **query)[1].startswith("/base/jupyter-auth/")


def test_to_ask_only_is_to_change_nothing(ask: Any, browser: Browser) -> None:
    state = "only asked"
    assert ask(binding=None)[0] == 201
    assert came(browser, state=state, code="c")[1].startswith("/base/jupyter-auth/")


@pytest.mark.parametrize(
    "to",
    [
        *("https://localhost/x", "http://evil.example/x", "//evil.example"),
        *("http://localhost@evil/x", r"http://evil.example\@localhost/x"),
    ],
)
def test_it_is_sent_to_this_machine_alone(ask: Any, to: str) -> None:
    status, said = ask(to=to)
    assert (status, said["code"]) == (400, "configuration_error")


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:1/base/jupyter-auth/callback/acme",
        "https://localhost:{port}/base/jupyter-auth/callback/acme",
        "http://evil.example:{port}/base/jupyter-auth/callback/acme",
        "http://localhost:{port}/base/jupyter-auth/login/acme",
        "http://localhost:{port}/",
    ],
)
def test_it_is_a_callback_of_this_server(ask: Any, jupyter: JupyterProcess, uri: str) -> None:
    status, said = ask(redirect_uri=uri.format(port=jupyter.port))
    assert (status, said["message"].endswith("does not lead to this server.")) == (400, True)


def test_for_ten_minutes_and_not_for_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    made = Forwards(PageURLs("/"), lambda: "http://127.0.0.1:8888/")
    uri = "http://localhost:8888/jupyter-auth/callback/acme"
    for state in range(MAX_PENDING + 1):
        made.add(uri, binding_name(f"{state}"), TO)
    path = "/jupyter-auth/callback/acme"
    assert made.find("localhost:8888", path, "state=0") is None
    assert made.find("localhost:8888", path, f"state={MAX_PENDING}")
    monkeypatch.setattr(forwards.time, "monotonic", lambda: now + LIFETIME + 60)
    assert made.find("localhost:8888", path, f"state={MAX_PENDING - 1}") is None


def test_who_is_there_already_is_not_sent_on() -> None:
    """An error without a state would go round and round."""
    path = "/jupyter-auth/callback/acme"
    made = Forwards(PageURLs("/"), lambda: "http://127.0.0.1:8888/")
    made.keep(path, binding_name("s"), f"http://127.0.0.1:8888{path}")
    for query in ("error=x", "state=s&code=c"):
        assert made.find("127.0.0.1:8888", path, query) is None
    assert made.find("localhost:8888", path, "error=x") == f"http://127.0.0.1:8888{path}?error=x"
