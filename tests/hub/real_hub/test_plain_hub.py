"""A Hub on which nothing is installed: the extension in the users' image, one redirect URI."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from jupyter_auth import Provider
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker.broker import Broker
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from memory_store import MemoryStore
from patience import PATIENCE

if TYPE_CHECKING:
    from hub.hub_process import Hub
    from providers.oidc import OidcProvider
    from server.jupyter_process import Kernel

API = "jupyter-auth/api/v1/"


def test_alice_and_bob_sign_in_and_each_is_themselves_at_the_api(
    hub: Hub, oidc: OidcProvider
) -> None:
    for user, subject in (("alice", "u-1001"), ("bob", "u-1002")):
        server, browser = hub.server(user), hub.browser(user)
        kernel = server.kernel()
        login = kernel.begin()
        page = browser.page(login["path"])
        assert f"Redirect URI {hub.url('hub/user-redirect/jupyter-auth/callback/idp')}" in page
        url = browser.open(login)
        (state,) = parse_qs(urlsplit(url).query)["state"]
        assert "~" not in state
        assert browser.arrive(oidc.login(url, user)) == login["path"]
        assert f"as {user}" in browser.page(login["path"])
        answer = requests.get(
            f"{oidc.issuer}/me", headers=kernel.token()["headers"], timeout=PATIENCE
        )
        assert answer.json()["sub"] == subject


def test_another_server_of_alice_is_signed_in_at_once(hub: Hub, oidc: OidcProvider) -> None:
    signed_in(hub, oidc, "alice")
    kernel = hub.server("alice", "another").kernel()
    assert [a["username"] for a in kernel.call("GET", "accounts")["accounts"]] == ["alice"]


def test_a_login_on_a_named_server_comes_back_to_it_and_starts_no_other(
    hub: Hub, oidc: OidcProvider
) -> None:
    server, browser = hub.server("carol", "two"), hub.browser("carol")
    browser = browser.at(server.base_url)
    login = server.kernel().begin()
    url = browser.open(login)
    (state,) = parse_qs(urlsplit(url).query)["state"]
    assert state.endswith("~two")
    assert browser.arrive(oidc.login(url, "carol")) == login["path"]
    assert "as carol" in browser.page(login["path"])
    assert not hub.runs("carol")


def test_a_state_that_names_a_server_of_nobody_starts_none(hub: Hub) -> None:
    hub.server("carol", "two")
    answer = hub.browser("carol").get(
        hub.url("hub/user-redirect/jupyter-auth/callback/idp"), params={"state": "x~elsewhere"}
    )
    assert urlsplit(answer.url).path.endswith("/user/carol/jupyter-auth/callback/idp")
    assert answer.status_code == 424
    assert not hub.runs("carol")
    assert not hub.runs("carol", "elsewhere")


def test_without_the_hook_a_named_server_says_that_nothing_would_come_back() -> None:
    environ = {
        "JUPYTERHUB_USER": "alice",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/two/",
        "JUPYTERHUB_SERVER_NAME": "two",
    }
    provider = Provider(name="idp", issuer="https://idp.example", client_id="x")
    assert (place := HubRedirect.of(environ))
    assert "named server 'two'" in str(place.obstacle(provider))
    by_hand = dataclasses.replace(provider, redirect_uri="http://localhost:8765/back")
    assert place.obstacle(by_hand) is None
    assert (place := HubRedirect.of(environ | {"JUPYTER_AUTH_REDIRECT_HOOK": "1"}))
    assert place.obstacle(provider) is None
    passes = dataclasses.replace(
        provider,
        client_auth="basic",
        redirect_uri="http://localhost:8000/hub/user-redirect/jupyter-auth/callback/idp",
    )
    assert "JupyterHub logs the authorization code" in str(place.obstacle(passes))


@pytest.mark.parametrize(
    ("name", "grants", "begun"),
    [
        ("insiders", {"grants": ["password"]}, "password"),
        ("insiders", {"grants": ["password", "authorization_code"]}, "password"),
        ("4insight", {}, "paste"),
        ("insiders", {}, None),
    ],
)
def test_a_client_with_a_secret_signs_in_where_no_code_passes(
    name: str, grants: dict[str, Any], begun: str | None
) -> None:
    """Only a code passes the Hub's log: a password and a pasted text do not."""
    place = HubRedirect.of(
        {"JUPYTERHUB_USER": "alice", "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/"}
    )
    table = {"client_id": "x", "client_secret": "s", **grants}
    broker = Broker(Engine(Providers({name: table}), MemoryStore()), base_url="/", hub=place)

    async def begin() -> dict[str, Any]:
        return await broker.begin({"provider": name})

    if begun:
        assert asyncio.run(begin())["grant"] == begun
    else:
        with pytest.raises(ConfigurationError, match="JupyterHub logs the authorization code"):
            asyncio.run(begin())
    broker.close()


def test_a_client_with_a_secret_is_refused_in_a_sentence(hub: Hub, oidc: OidcProvider) -> None:
    """One of a user's own; but not by the device grant, where no code passes anywhere."""
    kernel = hub.server("alice").kernel()
    assert kernel.begin("secret")["grant"] == "device_code"
    own = {"issuer": oidc.issuer, "client_id": oidc.confidential_id, "client_secret": "s"}
    login = kernel.begin(kernel.register("own", own), grant="authorization_code")
    answer = hub.browser("alice").send("POST", hub.origin + login["path"])
    status, error = answer.status_code, answer.json()
    assert (status, error["code"]) == (400, "configuration_error")
    assert "JupyterHub logs the authorization code" in error["message"]
    assert "public client" in error["hint"]


# -- attacks ---------------------------------------------------------------------------------------


def test_bob_opens_the_link_of_alice(hub: Hub) -> None:
    login = hub.server("alice").kernel().begin()
    answer = hub.browser("bob").get(hub.origin + login["path"])
    assert answer.status_code == 403
    assert "Example ID" not in answer.text


def test_a_guest_on_the_shared_server_of_alice_signs_nobody_in(
    hub: Hub, oidc: OidcProvider
) -> None:
    server, bob = hub.server("alice"), hub.browser("bob")
    hub.server("bob")
    login = server.kernel().begin(session_key="shared")
    hub.api("POST", "shares/alice/", {"user": "bob"})
    try:
        guest = bob.at(server.base_url)
        guest.get("jupyter-auth/problem/failed").raise_for_status()
        guest.get("jupyter-auth/login/none")
        me = guest.send("GET", "api/me").json()
        assert me["identity"]["username"] == "bob"  # he may use the server
        page = guest.get(hub.origin + login["path"])
        assert (page.status_code, "Only alice can sign in" in page.text) == (403, True)
        for method, path in (("POST", login["path"]), ("GET", server.base_url + API + "accounts")):
            answer = guest.send(method, hub.origin + path)
            assert (answer.status_code, "Only alice" in answer.text) == (403, True), path
        url = hub.browser("alice").open(login)
        callback = oidc.login(url, "bob").replace(
            "hub/user-redirect/", server.base_url.removeprefix(hub.prefix)
        )
        assert guest.arrive(callback) == server.base_url + "jupyter-auth/problem/forbidden"
    finally:
        hub.api("DELETE", "shares/alice/")
    assert server.kernel().call("GET", f"logins/{login['id']}")["status"] == "pending"


@pytest.mark.parametrize("victim", ["alice", "bob"])
def test_a_login_begun_by_one_and_finished_in_the_browser_of_another(
    hub: Hub, oidc: OidcProvider, victim: str
) -> None:
    """Alice's callback in bob's browser, and mallory's (here: bob's) link followed by alice."""
    attacker = "bob" if victim == "alice" else "alice"
    kernel = hub.server(attacker).kernel()
    hub.server(victim)
    login = kernel.begin(session_key="trap")
    callback = oidc.login(hub.browser(attacker).open(login), victim)
    granted = len(oidc.events("grant.success"))
    place = hub.browser(victim).arrive(callback)
    assert place == f"{hub.prefix}user/{victim}/jupyter-auth/problem/expired"
    assert len(oidc.events("grant.success")) == granted, "the code was exchanged"
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"
    kernel.call("DELETE", f"logins/{login['id']}")


def test_a_callback_is_good_for_once(hub: Hub, oidc: OidcProvider) -> None:
    server, browser = hub.server("alice"), hub.browser("alice")
    callback = oidc.login(browser.open(server.kernel().begin(session_key="twice")))
    browser.arrive(callback)
    granted = len(oidc.events("grant.success"))
    assert browser.arrive(callback) == server.base_url + "jupyter-auth/problem/expired"
    assert len(oidc.events("grant.success")) == granted


def test_every_change_needs_the_xsrf_token_of_the_page(hub: Hub) -> None:
    server, browser = hub.server("alice"), hub.browser("alice")
    login = server.kernel().begin(session_key="xsrf")
    browser.page(login["path"])
    changes = [
        ("POST", login["path"], None),
        ("POST", server.base_url + API + "logins", {"provider": "idp"}),
        ("DELETE", f"{server.base_url}{API}logins/{login['id']}", None),
        ("DELETE", server.base_url + API + "accounts?provider=idp", None),
    ]
    for method, path, body in changes:
        for token in ("", "1" * 32):
            answer = browser.send(method, hub.origin + path, body, X_XSRFToken=token)
            assert answer.status_code == 403, (method, path, token)
    for method, path, body in changes:
        answer = browser.send(method, hub.origin + path, body)
        assert answer.status_code < 300, (method, path, answer.text)


def signed_in(hub: Hub, oidc: OidcProvider, user: str) -> Kernel:
    """A kernel of that user, who is signed in."""
    kernel, browser = hub.server(user).kernel(), hub.browser(user)
    login = kernel.begin()
    assert browser.arrive(oidc.login(browser.open(login), user)) == login["path"]
    return kernel
