"""Providers made in code, and servers that several people share, on both kinds of Hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.service_client import browser_of
from jupyter_auth.core.common.handles import MARK
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.hub_process import Hub, UserServer
    from providers.oidc import OidcProvider
    from server.jupyter_process import Kernel

WILL = "Everyone who uses this Jupyter server will be able to use this account."
CAN = "Everyone who uses this Jupyter server can use this account now."


def meaning(kernel: Kernel) -> list[Any]:
    """What names mean to it: the default, the list, and all that is configured of one."""
    return [kernel.call("GET", f"providers{more}") for more in ("", "/idp", "/idp/configuration")]


# -- the service -----------------------------------------------------------------------------------


def test_the_service_refuses_them_in_one_sentence_and_no_name_changes(
    served: Hub, oidc: OidcProvider
) -> None:
    one, two = (served.server("alice", name).kernel() for name in ("", "second"))
    bob = served.server("bob").kernel()
    before = [meaning(each) for each in (one, two, bob)]
    own = {"issuer": oidc.issuer, "client_id": "mine", "base_url": "https://mine.example/"}
    for name in ("idp", "own"):
        status, error = one.ask("PUT", f"providers/{name}", own)
        assert (status, error["code"]) == (400, "configuration_error")
        assert error["message"] == (
            "Only the providers that the administrator configured can be used here."
        )
    assert [meaning(each) for each in (one, two, bob)] == before
    assert one.ask("POST", "logins", {"provider": "own"})[0] == 404


def test_nor_do_they_change_the_name_in_the_kernel_that_tried(served: Hub) -> None:
    accounts = connect(served.server("carol").environment)
    before = accounts.provider("idp")
    with pytest.raises(Exception, match="Only the providers that the administrator configured"):
        accounts.register(Provider(name="idp", issuer="https://mine.example", client_id="x"))
    assert accounts.provider("idp") == before
    assert accounts.providers() == [before]


# -- users' own servers ----------------------------------------------------------------------------


def test_on_a_users_own_server_it_comes_back_by_its_name_and_to_nobody_else(
    hub: Hub, oidc: OidcProvider
) -> None:
    kernel, bob = (hub.server(name).kernel() for name in ("alice", "bob"))
    before = meaning(bob)
    registered = hub.url("hub/user-redirect/jupyter-auth/callback/own")
    oidc.add_client("own", registered)
    handle = kernel.register("own", {"issuer": oidc.issuer, "client_id": "own"})
    login = kernel.begin(handle)
    browser = hub.browser("alice")
    url = browser.open(login)
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [registered]
    page = browser.page(browser.arrive(oidc.login(url, "alice")))
    assert "Signed in to own" in page
    assert "defined in a notebook" in page
    assert kernel.token(handle)["access_token"]
    assert meaning(bob) == before
    assert bob.ask("POST", "token", {"provider": handle})[0] == 404
    kernel.call("DELETE", f"accounts?provider={handle}")


# -- servers that several people share -------------------------------------------------------------


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Iterator[tuple[Hub, UserServer]]:
    """A Hub, and a named server of alice's that its configuration calls shared.

    She is signed out of ``together`` in the end: the Hub is that of all tests.
    """
    hub: Hub = request.getfixturevalue(request.param)
    file = hub.home / "server.json"
    before = file.read_text()
    config = json.loads(before)
    config["JupyterAuth"] |= {"shared_server": True}
    try:
        file.write_text(json.dumps(config))  # servers have it as it is when they start
        server = hub.server("alice", f"together-{request.param}")
    finally:
        file.write_text(before)
    yield hub, server
    kernel = server.kernel()
    kernel.call("DELETE", "accounts?provider=idp&session_key=together&revoke=0")
    for login in kernel.call("GET", "logins")["logins"]:
        kernel.call("DELETE", f"logins/{login['id']}")


@pytest.mark.parametrize("shared", ["hub", "served"], indirect=True)
def test_the_pages_of_a_shared_server_say_so_also_where_they_are_the_services(
    shared: tuple[Hub, UserServer], oidc: OidcProvider
) -> None:
    hub, server = shared
    browser = browser_of(hub, "alice") if hub.served else hub.browser("alice").at(server.base_url)
    own = server.kernel().begin(session_key="together")
    assert own["shared"] is True
    assert WILL in browser.get(hub.origin + own["path"]).text
    browser.arrive(oidc.login(browser.open(own), "alice"))
    page = browser.get(hub.origin + own["path"]).text
    assert CAN in page
    other = hub.server("alice").kernel().begin(session_key="alone")
    assert other["shared"] is False
    assert WILL not in browser.get(hub.origin + other["path"]).text
    assert MARK not in page
