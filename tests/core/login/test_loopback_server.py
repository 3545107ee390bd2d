"""Logins without a Jupyter server: the listener of RFC 8252, and a pasted address."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from jupyter_auth.core.errors import ConfigurationError, LoginExpired, LoginFailed
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.loopback import server as loopback_server
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from patience import until
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.models import Login
    from providers.oidc import OidcProvider


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
def browser() -> Iterator[requests.Session]:
    """One with cookies: the link and the way back are for the same one."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def start(browser: requests.Session, login: Login) -> str:
    """Where that browser is sent by the login's link."""
    response = browser.get(login.url, allow_redirects=False)
    assert response.status_code == 303
    return response.headers["Location"]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening(port: int) -> set[str]:
    """The addresses with a listener at that port, as Linux writes them."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    here = [row[1] for row in rows if row[3] == "0A"]
    return {address.rpartition(":")[0] for address in here if address.endswith(f":{port:04X}")}


def test_a_browser_on_this_machine_signs_in(accounts, oidc, browser):
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(start(browser, login), "alice")
    assert urlsplit(back).hostname == "127.0.0.1"
    page = browser.get(back)
    assert "Signed in" in page.text
    assert not urlsplit(page.url).query  # the code left the address bar
    assert accounts.login(login.id).status == "complete"
    assert accounts.accounts()[0].username == "alice"


def test_it_closes_after_the_login(accounts, oidc, monkeypatch, browser):
    monkeypatch.setattr(loopback_server, "GRACE", 0.0)
    login = accounts.begin(LoginRequest("idp"))
    port = urlsplit(login.url).port
    browser.get(oidc.login(start(browser, login), "alice"), allow_redirects=False)
    until(lambda: not answers(port))


def test_it_listens_on_this_machine_alone(accounts):
    found = listening(urlsplit(accounts.begin(LoginRequest("idp")).url).port)
    assert found <= {"0100007F", "00000000000000000000000001000000"}
    assert "0100007F" in found


def test_a_fixed_localhost_is_both_addresses_of_this_machine(local, oidc):
    port = free_port()
    uri = f"http://localhost:{port}/callback/idp"
    local(oidc, oidc.client_id, redirect_uri=uri).begin(LoginRequest("idp"))
    assert listening(port) <= {"0100007F", "00000000000000000000000001000000"}
    assert "0100007F" in listening(port)


def test_each_process_has_a_port_of_its_own(accounts, local, oidc):
    other = local(oidc, oidc.client_id)
    ports = {urlsplit(each.begin(LoginRequest("idp")).url).port for each in (accounts, other)}
    assert len(ports) == 2


def test_it_closes_when_the_time_is_over(oidc, clock, monkeypatch):
    monkeypatch.setattr(loopback_server, "GRACE", 0.0)
    providers = Providers({"idp": {"issuer": oidc.issuer, "client_id": oidc.client_id}})
    with contextlib.closing(LocalAccounts(providers, MemoryStore(), clock=clock)) as accounts:
        port = urlsplit(accounts.begin(LoginRequest("idp")).url).port
        assert answers(port)
        clock.advance(LIFETIME)
        until(lambda: not answers(port))


def test_the_redirect_uri_is_never_what_a_request_says(accounts):
    login = accounts.begin(LoginRequest("idp"))
    port = urlsplit(login.url).port
    headers = {"Host": f"localhost:{port}", "X-Forwarded-Host": "evil.example"}
    headers |= {"Origin": "https://evil.example", "Forwarded": "host=evil.example;proto=https"}
    response = requests.get(login.url, headers=headers, allow_redirects=False)
    asked = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert asked["redirect_uri"] == f"http://127.0.0.1:{port}/callback/idp"


@pytest.mark.parametrize("place", ["//evil.example", "/%2F%2Fevil.example", "/https:%2F%2Fevil"])
@pytest.mark.parametrize("kind", ["login", "done"])
def test_no_open_redirect(accounts, kind, place):
    origin = accounts.begin(LoginRequest("idp")).url.partition("/login/")[0]
    response = requests.get(f"{origin}/{kind}{place}", allow_redirects=False)
    assert (response.status_code, response.headers.get("Location")) == (404, None)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_an_answer_comes_by_get_alone(accounts, oidc, method, browser):
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(start(browser, login), "alice")
    origin = {"Origin": back.partition("/callback")[0]}
    assert browser.request(method, back, headers=origin).status_code in {404, 501}
    assert accounts.login(login.id).status == "pending"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", ""])
def test_another_host_name_is_not_served(accounts, oidc, host, browser):
    """DNS rebinding: a page elsewhere points its own name at this port."""
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(start(browser, login), "alice")
    headers = {"Host": host.format(port=urlsplit(back).port)}
    assert browser.get(back, headers=headers).status_code == 404
    assert requests.get(login.url, headers=headers, allow_redirects=False).status_code == 404
    assert accounts.login(login.id).status == "pending"


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/", "/callback/idp", "/callback/idp?state=x&code=y", "/callback/other"],
)
def test_other_requests_get_404_and_do_no_harm(accounts, oidc, path, browser):
    login = accounts.begin(LoginRequest("idp"))
    origin = login.url.removesuffix(urlsplit(login.url).path)
    assert requests.get(origin + path).status_code == 404
    browser.get(oidc.login(start(browser, login), "alice"))
    assert accounts.login(login.id).status == "complete"


@pytest.mark.parametrize("path", ["/", "/callback", "/callback/other", "/callback/idp/"])
def test_the_right_answer_at_another_path_is_not_taken(accounts, oidc, path, browser):
    login = accounts.begin(LoginRequest("idp"))
    back = urlsplit(oidc.login(start(browser, login), "alice"))
    assert browser.get(back._replace(path=path).geturl()).status_code == 404
    assert accounts.login(login.id).status == "pending"


def test_it_closes_with_its_engine(accounts):
    port = urlsplit(accounts.begin(LoginRequest("idp")).url).port
    assert answers(port)
    accounts.close()
    until(lambda: not answers(port))


def test_a_redirect_is_good_once(accounts, oidc, browser):
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(start(browser, login), "alice")
    assert browser.get(back).status_code == 200
    assert browser.get(back).status_code == 404


def test_a_denial_is_said_on_the_page_and_by_the_login(accounts, oidc, browser):
    login = accounts.begin(LoginRequest("idp"))
    page = browser.get(oidc.login(start(browser, login), "alice", consent=False))
    assert "did not sign you in" in page.text
    assert accounts.login(login.id).status == "denied"


def test_what_comes_from_outside_is_escaped(local, rogue, browser):
    login = local(rogue, rogue.client_id, name="rogue").begin(LoginRequest("rogue"))
    callback, _, query = rogue.authorize(start(browser, login)).partition("?")
    hostile = {"error": "x", "error_description": "<script>alert(1)</script>"}
    page = browser.get(callback, params=dict(parse_qsl(query)) | hostile)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_fixed_redirect_uri_is_listened_at(local, oidc, browser):
    uri = f"http://127.0.0.1:{free_port()}/callback/idp"
    accounts = local(oidc, oidc.client_id, redirect_uri=uri)
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(start(browser, login), "alice")
    assert back.startswith(uri + "?")
    browser.get(back)
    assert accounts.login(login.id).status == "complete"


def test_a_taken_port_is_said(local, oidc):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/callback/idp"
        with pytest.raises(ConfigurationError, match="which another program uses"):
            local(oidc, oidc.client_id, redirect_uri=uri).begin(LoginRequest("idp"))


def test_the_address_a_browser_ended_on_can_be_pasted(accounts, oidc):
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(accounts.local.authorization_url(login.id), "alice")
    assert accounts.local.paste(login.id, f"  {back}\n").status == "complete"


@pytest.mark.parametrize(
    ("address", "instead"),
    [
        (".*", ""),
        (".*", "hello"),
        ("http://127", "http://[127"),
        ("state=[^&]*", "state="),
        ("state=", "state=x&state="),
        ("127.0.0.1", "127.0.0.2"),  # mix-up: an address that another provider sends to
        (r":\d+/", "/"),
        ("/callback/idp", "/callback/other"),
        ("http", "https"),
    ],
)
def test_what_is_no_such_address_is_refused(accounts, oidc, address, instead):
    login = accounts.begin(LoginRequest("idp"))
    back = oidc.login(accounts.local.authorization_url(login.id), "alice")
    with pytest.raises(LoginFailed, match="not the address"):
        accounts.local.paste(login.id, re.sub(address, instead, back, count=1))
    assert accounts.accounts() == []
    assert accounts.local.paste(login.id, back.removeprefix("http://")).status == "complete"


def test_a_pasted_address_of_another_login_is_refused(accounts, local, oidc):
    """Login CSRF: mallory's address, made to look like alice's, pasted by alice."""
    login = accounts.begin(LoginRequest("idp"))
    mallory = local(oidc, oidc.client_id)
    back = oidc.login(mallory.local.authorization_url(mallory.begin(LoginRequest("idp")).id), "bob")
    own = oidc.login(accounts.local.authorization_url(login.id), "alice")
    with pytest.raises(LoginExpired):
        accounts.local.paste(login.id, f"{own.partition('?')[0]}?{back.partition('?')[2]}")
    assert accounts.accounts() == []
