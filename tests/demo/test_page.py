"""The demo's authorization page, in a real JupyterLab under a base_url."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from demo.visitor import Visitor, query
from jupyter_auth.demo.browser import wait_for_lab
from jupyter_auth.demo.demo_server import DemoServer
from jupyter_auth.demo.page import AuthorizationPage
from patience import PATIENCE

if TYPE_CHECKING:
    from jupyter_auth.demo.browser import Lab

PAGE = "jupyter-auth-demo/authorize"


def test_a_login_goes_through_the_page(visitor: Visitor, lab: Lab) -> None:
    login = visitor.begin()
    url = visitor.leave(login)
    assert url.startswith(f"{lab.url}{PAGE}?")
    page = visitor.get(url)
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    assert "Grace Hopper" in page.text
    answer = visitor.post(url, data={"person": "grace"})
    assert answer.status_code == 303
    back = answer.headers["Location"]
    assert back.startswith(f"{lab.url}jupyter-auth/callback/demo?")
    assert set(query(back)) == {"code", "state"}
    assert visitor.get(back).status_code == 303
    assert visitor.login(login["id"])["status"] == "complete"
    accounts = visitor.get("jupyter-auth/api/v1/accounts").json()["accounts"]
    (account,) = [each for each in accounts if each["session_key"] == login["session_key"]]
    assert account["username"] == "Grace"
    assert account["refreshes"]


def test_deny_ends_the_login(visitor: Visitor) -> None:
    login = visitor.begin()
    url = visitor.leave(login)
    back = visitor.post(url, data={"person": ""}).headers["Location"]
    assert query(back)["error"] == "access_denied"
    assert visitor.get(back).status_code == 303
    ended = visitor.login(login["id"])
    assert ended["status"] == "denied"
    assert ended["error"]["code"] == "login_denied"


def test_nobody_unknown_can_be_chosen(visitor: Visitor) -> None:
    url = visitor.leave(visitor.begin())
    back = visitor.post(url, data={"person": "mallory"}).headers["Location"]
    assert "code" not in query(back)


def test_it_is_for_those_whom_jupyter_knows(visitor: Visitor, stranger: Visitor) -> None:
    url = visitor.leave(visitor.begin())
    shown = stranger.get(url)
    assert shown.status_code == 302
    assert urlsplit(shown.headers["Location"]).path == "/some/base/login"
    assert stranger.get("login").ok  # an XSRF cookie of its own, which nobody needs to be known for
    answer = stranger.post(url, data={"person": "ada"})
    assert answer.status_code == 403
    assert "Location" not in answer.headers


@pytest.mark.parametrize(("verb", "action"), [("get", "read"), ("post", "write")])
def test_its_verbs_carry_jupyters_decorators(verb: str, action: str) -> None:
    source = inspect.getsource(getattr(AuthorizationPage, verb))
    decorators = re.findall(r"^\s*@(\S+)", source, re.MULTILINE)
    assert decorators == ["web.authenticated", f'may("{action}")']


def test_it_is_not_pressed_by_other_sites(visitor: Visitor) -> None:
    url = visitor.leave(visitor.begin())
    answer = visitor.post(url, xsrf=False, data={"person": "ada"})
    assert answer.status_code == 403
    assert "Location" not in answer.headers


def test_it_leads_back_to_this_server_alone(visitor: Visitor, lab: Lab) -> None:
    url = visitor.leave(visitor.begin())
    own = query(url)["redirect_uri"]
    assert own == f"{lab.url}jupyter-auth/callback/demo"
    host = urlsplit(lab.url).netloc
    for other in (
        "https://evil.example/some/base/jupyter-auth/callback/demo",
        f"http://evil.example/?{own}",
        f"http://{host}@evil.example/some/base/jupyter-auth/callback/demo",
        f"http://{host}/some/base/jupyter-auth/callback/other",
        f"http://{host}/some/base/lab",
        f"{own}?next=http://evil.example",
        f"{own}#",
        "",
    ):
        changed = dict(query(url), redirect_uri=other)
        place = url.partition("?")[0]
        assert visitor.get(place, params=changed).status_code in {400, 403}, other
        answer = visitor.post(place, params=changed, data={"person": "ada"})
        assert answer.status_code in {400, 403}, other
        assert "Location" not in answer.headers, other


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "other"}, {"code_challenge": ""}, {"response_type": "token"}],
    ids=["another client", "no PKCE", "implicit"],
)
def test_it_asks_for_no_other_request(visitor: Visitor, wrong: dict[str, str]) -> None:
    url = visitor.leave(visitor.begin())
    place, params = url.partition("?")[0], query(url) | wrong
    assert visitor.get(place, params=params).status_code == 400
    assert visitor.post(place, params=params, data={"person": "ada"}).status_code == 400


def test_it_is_as_closed_as_the_other_pages(visitor: Visitor) -> None:
    headers = visitor.get(visitor.leave(visitor.begin())).headers
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe-inline" not in policy
    # Under no-referrer the Origin of its form would be null, which Jupyter refuses.
    assert headers["Referrer-Policy"] == "same-origin"


def test_its_style_is_served(visitor: Visitor) -> None:
    page = visitor.get(visitor.leave(visitor.begin())).text
    sheets = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert any(sheet.endswith("/jupyter_auth_demo/demo.css") for sheet in sheets)
    for sheet in sheets:
        assert visitor.get(sheet).ok, sheet


def test_the_provider_is_on_a_loopback_port(visitor: Visitor) -> None:
    info = visitor.get("jupyter-auth/api/v1/providers/demo").json()
    assert urlsplit(info["base_url"]).hostname == "127.0.0.1"
    assert info["api_origins"] == [info["base_url"]]
    assert requests.get(f"{info['base_url']}/api/me").status_code == 401


def test_nothing_of_it_runs_unless_it_is_enabled() -> None:
    with DemoServer() as demo, demo.log.open("wb") as log:
        file = demo.root / "config" / "jupyter_server_config.json"
        config = json.loads(file.read_text())
        del config["ServerApp"]["jpserver_extensions"]["jupyter_auth.demo"]
        file.write_text(json.dumps(config))
        lab = wait_for_lab(demo.start(log), demo, 2 * PATIENCE)
        visitor = Visitor(lab, lab.token)
        assert visitor.get(PAGE).status_code == 404
        assert visitor.get("jupyter-auth/api/v1/providers/demo").status_code == 404
        assert visitor.get("jupyter-auth/api/v1/providers").ok
