"""Who may use the kernel API and the browser API. SECURITY 17 and 18."""

from __future__ import annotations

import inspect
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.server.browser import pages
from server.jupyter_process import TOKEN, JupyterProcess, UnixConnection
from server.routes import CHANGES, GUARDED, KERNEL, OPEN_TO_ALL, UI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, Kernel

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterProcess]:
    """A server whose Authorizer lets nobody use what is ours, and whose CORS is wide open."""
    arguments = [
        "--ServerApp.authorizer_class=server.authorizers.OthersOnly",
        "--ServerApp.allow_origin=*",
        "--ServerApp.allow_credentials=True",
        "--ServerApp.allow_unauthenticated_access=False",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
        with JupyterProcess(tmp_path_factory.mktemp("closed"), *arguments) as server:
            yield server


# -- the browser API -------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "place", "handler"), UI)
def test_every_verb_carries_its_decorators(verb: str, place: str, handler: type) -> None:  # noqa: ARG001
    source = inspect.getsource(vars(handler)[verb.lower()])
    decorators = re.findall(r"^\s*@(\S+)", source, re.MULTILINE)
    action = 'may("read")' if verb == "GET" else 'may("write")'
    if handler in OPEN_TO_ALL:
        assert decorators == ["allow_unauthenticated"]
    elif handler is pages.CallbackPage:  # it changes something, and never goes to a login page
        assert decorators == ["allow_unauthenticated", "signed_in", 'may("write")']
    else:
        assert decorators == ["web.authenticated", action]


@pytest.mark.parametrize("server", ["jupyter", "closed"])
@pytest.mark.parametrize(("verb", "place", "handler"), GUARDED)
def test_nobody_gets_in_without_jupyters_authentication(
    request: pytest.FixtureRequest, server: str, verb: str, place: str, handler: type
) -> None:
    stranger = request.getfixturevalue(server).browser(token=None)
    answer = stranger.send(verb, place)
    if handler is pages.CallbackPage:
        assert answer.headers["Location"] == "/base/jupyter-auth/signed-out"
    elif handler in {pages.LoginPage, pages.ArrivePage} and verb == "GET":
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/base/login?next=")
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize(("verb", "place", "handler"), GUARDED)
def test_nobody_gets_in_without_jupyters_authorization(
    closed: JupyterProcess, verb: str, place: str, handler: type
) -> None:
    browser = closed.browser()
    browser.session.cookies.set("_xsrf", "0" * 32, path="/base/", domain="127.0.0.1")
    answer = browser.send(verb, place)
    if handler is pages.CallbackPage:
        assert answer.headers["Location"] == "/base/jupyter-auth/problem/forbidden"
    else:
        assert answer.status_code == 403
        assert "not authorized" in answer.text


@pytest.mark.parametrize(("verb", "place"), [route[:2] for route in CHANGES])
def test_every_change_needs_the_xsrf_token(
    jupyter: JupyterProcess, kernel: Kernel, verb: str, place: str
) -> None:
    browser = jupyter.browser()
    browser.get("jupyter-auth/login/none")
    login = kernel.begin()
    place = place.replace("none", login["id"])
    for token in ("", "wrong", "0" * 32):
        answer = browser.send(verb, place, {"provider": "idp"}, X_XSRFToken=token)
        assert answer.status_code == 403
        assert "XSRF" in answer.json()["message"]
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"


@pytest.mark.parametrize(("verb", "place", "handler"), [r for r in UI if "/api/" in r[1]])
@pytest.mark.parametrize("server", ["jupyter", "closed"])
def test_pages_of_others_are_refused(
    request: pytest.FixtureRequest,
    server: str,
    verb: str,
    place: str,
    handler: type,  # noqa: ARG001
) -> None:
    browser = request.getfixturevalue(server).browser()
    for how in ({}, {"Authorization": f"token {TOKEN}"}):
        answer = browser.send(verb, place, Origin="http://evil.example", **how)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("place", sorted({route[1] for route in UI if route[0] == "GET"}))
def test_a_token_opens_nothing_to_other_origins(jupyter: JupyterProcess, place: str) -> None:
    """Jupyter's own routes echo the origin of whoever brings the server's token."""
    for origin in ("http://evil.example", jupyter.origin, ""):
        answer = jupyter.browser(token=None).send(
            "GET", place, Origin=origin, Authorization=f"token {TOKEN}"
        )
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("place", sorted({place for _, place, _ in UI}))
def test_no_preflight_is_answered(closed: JupyterProcess, place: str) -> None:
    headers = {"Access-Control-Request-Method": "POST"}
    answer = closed.browser().send("OPTIONS", place, Origin="http://evil.example", **headers)
    assert answer.status_code != 200
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_no_route_of_it_returns_a_token(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    browser.arrive(oidc.login(browser.open(kernel.begin())))
    secrets = [kernel.token(id_token=True)[name] for name in ("access_token", "id_token")]
    secrets.append(kernel.key)
    for verb, place, _ in UI:
        for name in ("none", "idp"):
            if verb == "GET":
                text = browser.get(place.replace("none", name)).text
                assert not [secret for secret in secrets if secret in text]
    for route in ("token", "changes"):
        for verb in ("GET", "POST", "PUT"):
            place = f"jupyter-auth/api/v1/{route}"
            assert browser.send(verb, place, {"provider": "idp"}).status_code in {403, 404, 405}
    assert browser.send("PUT", "jupyter-auth/api/v1/providers/x", {}).status_code == 405


def test_sign_out_by_the_browser_api(kernel: Kernel, browser: Browser, oidc: OidcProvider) -> None:
    browser.arrive(oidc.login(browser.open(kernel.begin())))
    answer = browser.send("DELETE", "jupyter-auth/api/v1/accounts?provider=idp&revoke=1")
    assert answer.json() == {"removed": True, "revoked": True, "note": ""}
    status, error = kernel.ask("POST", "token", {"provider": "idp"})
    assert (status, error["code"]) == (401, "login_required")


# -- the kernel API --------------------------------------------------------------------------------


def refused(answer: tuple[int, Any], *, code: str = "broker_unavailable") -> bool:
    status, error = answer
    return status == 403 and error["code"] == code and set(error) == {"code", "message", "hint"}


@pytest.mark.parametrize(("verb", "place", "handler"), KERNEL)
def test_every_route_needs_the_key_and_no_browser(
    kernel: Kernel,
    verb: str,
    place: str,
    handler: type,  # noqa: ARG001
) -> None:
    route = place.removeprefix("/api/v1/")
    assert refused(kernel.ask(verb, route, Authorization=""))
    for wrong in ("Bearer wrong", f"Bearer {kernel.key}x", f"token {kernel.key}", kernel.key):
        assert refused(kernel.ask(verb, route, Authorization=wrong))
    for origin in ("null", "http://127.0.0.1", "http://evil.example"):
        assert refused(kernel.ask(verb, route, Origin=origin))
    for name in ("Site", "Mode", "Dest", "User"):
        assert refused(kernel.ask(verb, route, **{f"Sec_Fetch_{name}": "same-origin"}))


def test_what_is_no_route_is_as_closed(kernel: Kernel) -> None:
    for route in ("none", "../../etc/passwd", "token/x", "?provider=idp"):
        assert refused(kernel.ask("GET", route, Authorization=""))
        assert kernel.ask("GET", route)[0] in {404, 405}


@pytest.mark.parametrize("version", ["", "2", "0", "one", "1.0"])
def test_both_sides_speak_the_same_version(kernel: Kernel, version: str) -> None:
    assert refused(kernel.ask("GET", "accounts", Jupyter_Auth_Version=version))


def test_large_bodies_are_not_even_read(kernel: Kernel) -> None:
    connection = UnixConnection(kernel.path)
    connection.connect()
    request = "POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n"
    connection.sock.sendall(request.encode())
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 400")
    connection.close()
    assert kernel.ask("POST", "token", {"provider": "x" * 60000})[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff",
        b'{"provider": 5}',
        b'{"provider": {"a": 1}}',
        b'{"provider": ""}',
        b'{"provider": "idp", "session_key": 5}',
        b'{"provider": "idp", "min_valid": "x"}',
        b'{"provider": "idp", "min_valid": -1}',
        b'{"provider": "idp", "min_valid": NaN}',
        b'{"provider": "idp", "min_valid": true}',
        b'{"provider": "idp", "rejected": 5}',
        b'{"provider": "idp", "scopes": "openid"}',
        b'{"provider": "idp", "scopes": [5]}',
        b'{"provider": "idp", "force": "yes"}',
        b"[" * 30000,
    ],
)
def test_nonsense_is_answered_in_words(kernel: Kernel, body: bytes) -> None:
    for route in ("token", "logins"):
        status, error = kernel.ask("POST", route, body)
        if status not in {201, 401}:  # a field that this route does not know
            assert (status, error["code"]) == (400, "configuration_error")


@pytest.mark.parametrize("query", ["since=x", "since=-1", "wait=x", "wait=nan", "since=1e999"])
def test_nonsense_in_a_query(kernel: Kernel, query: str) -> None:
    status, _ = kernel.ask("GET", f"changes?wait=0&{query}".replace("wait=0&wait", "wait"))
    assert status in {200, 400}


def test_socket_and_connection_file_are_this_users_alone(jupyter: JupyterProcess) -> None:
    path = jupyter.connection_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    assert set(content) == {"version", "address", "key", "machine"}
    assert content["version"] == 1
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", content["key"])
    path = Path(content["address"].removeprefix("unix:"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.stat().st_uid == os.getuid()


def test_an_administrators_provider_is_not_replaced(kernel: Kernel, rogue: RogueProvider) -> None:
    mapping = {"issuer": rogue.issuer, "client_id": "x"}
    status, error = kernel.ask("PUT", "providers/idp", mapping)
    assert (status, error["code"]) == (400, "configuration_error")
    status, _ = kernel.ask("PUT", "providers/one", mapping | {"name": "two"})
    assert status == 400


def test_no_answer_shows_a_client_secret_or_a_refresh_token(
    kernel: Kernel, browser: Browser, rogue_login: Any, rogue: RogueProvider
) -> None:
    rogue.client_secret = "planted-client-secret"
    login = rogue_login(client_secret=rogue.client_secret)
    browser.arrive(rogue.authorize(browser.open(login)))
    refresh_token = rogue._families[0].refresh_token
    assert refresh_token
    answers = [
        kernel.call("GET", "providers"),
        kernel.call("GET", f"providers/{login['provider']}"),
        kernel.call("GET", "accounts"),
        kernel.call("GET", "logins"),
        kernel.call("GET", f"logins/{login['id']}"),
        kernel.call("GET", "changes?since=1"),
        kernel.token(login["provider"], id_token=True),
    ]
    assert rogue.client_secret not in json.dumps(answers)
    assert refresh_token not in json.dumps(answers)


def test_the_default_provider_is_named(kernel: Kernel) -> None:
    listed = kernel.call("GET", "providers")
    assert {"idp"} <= {provider["name"] for provider in listed["providers"]}
    assert "default" in listed


def test_no_kernel_makes_a_handle_of_its_own_choice(kernel: Kernel, rogue: RogueProvider) -> None:
    fields = {"issuer": rogue.issuer, "client_id": "x"}
    before = kernel.call("GET", "providers")
    handle = kernel.register("own", fields)
    assert kernel.call("GET", "providers") == before
    evil = fields | {"base_url": "https://evil.example/"}
    for name in (handle, f"own~{'0f' * 16}"):
        status, error = kernel.ask("PUT", f"providers/{name}", evil)
        assert (status, error["code"]) == (400, "configuration_error")
        status, _ = kernel.ask("POST", "providers", evil | {"name": name})
        assert status == 400
    assert kernel.call("GET", f"providers/{handle}")["base_url"] is None
    assert kernel.ask("GET", "providers/own")[0] == 404
