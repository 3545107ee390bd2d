"""Logins without a Jupyter server: the listener of RFC 8252, and a pasted address."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from jupyter_auth.core import loopback
from jupyter_auth.core.errors import ConfigurationError, LoginExpired, LoginFailed
from jupyter_auth.core.loopback import LocalAccounts
from jupyter_auth.core.providers import Providers
from jupyter_auth.core.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from providers.oidc import OidcProvider

    from jupyter_auth.core.models import Login


@pytest.fixture
def local() -> Iterator[Callable[..., LocalAccounts]]:
    """Makes accounts of this process at a provider, and closes them."""
    made = []

    def make(provider, client_id="x", name="idp", **fields) -> LocalAccounts:
        table = {"issuer": provider.issuer, "client_id": client_id, **fields}
        made.append(LocalAccounts(Providers({name: table}), MemoryStore()))
        return made[-1]

    yield make
    for accounts in made:
        accounts.close()


@pytest.fixture
def accounts(local, oidc: OidcProvider) -> LocalAccounts:
    return local(oidc, oidc.client_id)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def authorization_url(login: Login) -> str:
    response = requests.get(login.url, allow_redirects=False)
    assert response.status_code == 303
    return response.headers["Location"]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_browser_on_this_machine_signs_in(accounts, oidc):
    login = accounts.begin("idp")
    back = oidc.login(authorization_url(login), "alice")
    assert urlsplit(back).hostname == "127.0.0.1"
    page = requests.get(back)
    assert "Signed in" in page.text
    assert not urlsplit(page.url).query  # the code left the address bar
    assert accounts.login(login.id).status == "complete"
    assert accounts.accounts()[0].username == "alice"


def test_it_closes_after_the_login(accounts, oidc, monkeypatch):
    monkeypatch.setattr(loopback, "GRACE", 0.0)
    login = accounts.begin("idp")
    port = urlsplit(login.url).port
    requests.get(oidc.login(authorization_url(login), "alice"), allow_redirects=False)
    deadline = time.monotonic() + 10
    while answers(port):
        assert time.monotonic() < deadline


def test_it_listens_on_this_machine_alone(accounts):
    port = f"{urlsplit(accounts.begin('idp').url).port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[1] for row in sockets if row[1].endswith(f":{port}") and row[3] == "0A"}
    assert listening == {f"0100007F:{port}"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", ""])
def test_another_host_name_is_not_served(accounts, oidc, host):
    """DNS rebinding: a page elsewhere points its own name at this port."""
    login = accounts.begin("idp")
    back = oidc.login(authorization_url(login), "alice")
    headers = {"Host": host.format(port=urlsplit(back).port)}
    assert requests.get(back, headers=headers).status_code == 404
    assert requests.get(login.url, headers=headers, allow_redirects=False).status_code == 404
    assert accounts.login(login.id).status == "pending"


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/", "/callback/idp", "/callback/idp?state=x&code=y", "/callback/other"],
)
def test_other_requests_get_404_and_do_no_harm(accounts, oidc, path):
    login = accounts.begin("idp")
    origin = login.url.removesuffix(urlsplit(login.url).path)
    assert requests.get(origin + path).status_code == 404
    requests.get(oidc.login(authorization_url(login), "alice"))
    assert accounts.login(login.id).status == "complete"


def test_a_redirect_is_good_once(accounts, oidc):
    login = accounts.begin("idp")
    back = oidc.login(authorization_url(login), "alice")
    assert requests.get(back).status_code == 200
    assert requests.get(back).status_code == 404


def test_a_denial_is_said_on_the_page_and_by_the_login(accounts, oidc):
    login = accounts.begin("idp")
    page = requests.get(oidc.login(authorization_url(login), "alice", consent=False))
    assert "did not sign you in" in page.text
    assert accounts.login(login.id).status == "denied"


def test_what_comes_from_outside_is_escaped(local, rogue):
    login = local(rogue, rogue.client_id, name="rogue").begin("rogue")
    callback, _, query = rogue.authorize(authorization_url(login)).partition("?")
    hostile = {"error": "x", "error_description": "<script>alert(1)</script>"}
    page = requests.get(callback, params=dict(parse_qsl(query)) | hostile)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_fixed_redirect_uri_is_listened_at(local, oidc, free_port):
    uri = f"http://127.0.0.1:{free_port}/callback/idp"
    accounts = local(oidc, oidc.client_id, redirect_uri=uri)
    login = accounts.begin("idp")
    back = oidc.login(authorization_url(login), "alice")
    assert back.startswith(uri + "?")
    requests.get(back)
    assert accounts.login(login.id).status == "complete"


def test_a_taken_port_is_said(local, oidc):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/callback/idp"
        with pytest.raises(ConfigurationError, match="taken"):
            local(oidc, oidc.client_id, redirect_uri=uri).begin("idp")


def test_a_redirect_uri_elsewhere_cannot_come_back(local, oidc):
    accounts = local(oidc, oidc.client_id, redirect_uri="https://notebooks.example/callback")
    with pytest.raises(ConfigurationError, match="cannot come back"):
        accounts.begin("idp")


def test_the_address_a_browser_ended_on_can_be_pasted(accounts, oidc):
    login = accounts.begin("idp")
    back = oidc.login(authorization_url(login), "alice")
    assert accounts.paste(login.id, f"  {back}\n").status == "complete"


@pytest.mark.parametrize("address", ["", "hello", "http://127.0.0.1/callback/idp?code=abc"])
def test_what_is_no_such_address_is_refused(accounts, address):
    login = accounts.begin("idp")
    with pytest.raises(LoginFailed, match="not the address"):
        accounts.paste(login.id, address)


def test_a_pasted_address_of_another_login_is_refused(accounts, local, oidc):
    """Login CSRF: mallory's address, pasted by alice."""
    login = accounts.begin("idp")
    mallory = local(oidc, oidc.client_id)
    back = oidc.login(authorization_url(mallory.begin("idp")), "bob")
    with pytest.raises(LoginExpired):
        accounts.paste(login.id, back)
    assert accounts.accounts() == []
