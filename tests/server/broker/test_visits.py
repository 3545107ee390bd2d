"""The address in a prompt: where a person's browser is, as far as the server can know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from patience import PATIENCE, until
from server.jupyter_process import TOKEN, JupyterProcess

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider

ELSEWHERE = "--ServerApp.local_hostnames=lab.example"


def started(home: Path, oidc: OidcProvider, *arguments: str, **config: Any) -> JupyterProcess:
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    return JupyterProcess(home, ELSEWHERE, *arguments, providers={"idp": idp}, **config)


@pytest.fixture
def server(tmp_path, oidc):
    with started(tmp_path, oidc) as server:
        yield server


def shown(server: JupyterProcess) -> tuple[str, bool]:
    """The origin in a link, and whether it may be hidden."""
    kernel = server.kernel()
    login = (kernel.call("GET", "logins")["logins"] or [kernel.begin()])[0]
    return login["url"].removesuffix(login["path"]), login["inner"]


def ask(server: JupyterProcess, place: str = "api/status", **headers: str) -> int:
    """A request of a program, or with other headers of a browser."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{server.origin}{server.base_url}{place}"
    return requests.get(url, headers=given, timeout=PATIENCE).status_code


def test_before_anybody_came_it_is_where_the_server_listens(server):
    assert shown(server) == (server.origin, True)


def test_then_where_a_program_was_that_jupyter_let_in(server):
    assert ask(server, Host="lab.example:9999") == 403
    assert shown(server) == (server.origin, True)
    assert ask(server, Host="lab.example:9999", Authorization=f"token {TOKEN}") == 200
    until(lambda: shown(server) == ("http://lab.example:9999", True))


def test_and_best_of_all_where_a_browser_was(server):
    page = f"http://lab.example:9999{server.base_url}lab"
    ask(server, Host="lab.example:9999", Referer=page, Authorization=f"token {TOKEN}")
    until(lambda: shown(server) == ("http://lab.example:9999", False))
    ask(server, Authorization=f"token {TOKEN}")
    assert shown(server) == ("http://lab.example:9999", False)


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ({"Referer": "https://lab.example:9999/x"}, "https://lab.example:9999"),  # TLS ends before
        ({"Referer": "https://evil.example/x"}, None),
        (
            {"Referer": "https://lab.example/x", "Sec-Fetch-Site": "same-origin"},
            "https://lab.example",
        ),
        ({"Referer": "https://evil.example/x", "Sec-Fetch-Site": "cross-site"}, None),
        ({"Sec-Fetch-Site": "none"}, None),
    ],
)
def test_a_proxy_hides_it_from_the_host_and_not_from_the_browser(server, sent, known):
    ask(server, Host="lab.example:9999", Authorization=f"token {TOKEN}", **sent)
    if known:
        until(lambda: shown(server) == (known, False))
    else:
        assert shown(server) == (server.origin, True)


def test_what_is_configured_comes_first(tmp_path, oidc):
    with started(tmp_path, oidc, public_url="https://jupyter.example.org") as server:
        server.browser().get("api/status", headers={"Sec-Fetch-Site": "same-origin"})
        assert shown(server) == ("https://jupyter.example.org", False)


def test_or_what_jupyter_itself_shows_to_people(tmp_path, oidc):
    url = "https://lab.example.org/base/"
    with started(tmp_path, oidc, f"--ServerApp.custom_display_url={url}") as server:
        assert shown(server) == ("https://lab.example.org", True)


def test_a_read_that_a_later_change_would_be_refused_like_says_so_at_once(server):
    """A panel behind such a proxy, over http: else the first click would tell."""
    answer = server.browser().get(
        "jupyter-auth/api/v1/accounts", headers={"Referer": "http://hub.internal:8000/lab"}
    )
    assert answer.status_code == 403
    assert "c.JupyterAuth.public_url" in answer.json()["hint"]


def test_kernels_behind_a_gateway_have_the_address_of_its_server(tmp_path, oidc):
    """Both have the extension: the path alone leads to the person's own server."""
    with started(tmp_path / "gateway", oidc) as gateway:
        own = started(tmp_path / "own", oidc)
        own.variables = {"JUPYTER_GATEWAY_URL": f"{gateway.origin}{gateway.base_url}"}
        own.variables["JUPYTER_GATEWAY_AUTH_TOKEN"] = TOKEN
        with own:
            ask(own, "api/kernelspecs", Authorization=f"token {TOKEN}")
            assert shown(gateway) == (gateway.origin, True)
            login = gateway.kernel().call("GET", "logins")["logins"][0]
            page = own.browser().page(login["path"])
    assert "Its kernels run behind a gateway" in page
    assert "Open the whole address that is beside the button" in page
