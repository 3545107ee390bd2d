"""Where a browser comes back to this process, and errors that it brings without a state."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from jupyter_auth.core.common.urls import at_port, takes_any_port
from jupyter_auth.core.errors import ConfigurationError, LoginFailed
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login.loopback import server as loopback_server
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def local(rogue) -> Iterator[Callable[..., LocalAccounts]]:
    """Accounts of this process at ``rogue``, by the names of tables of further fields."""
    with contextlib.ExitStack() as made:

        def make(**tables: dict[str, Any]) -> LocalAccounts:
            known = {"issuer": rogue.issuer, "client_id": rogue.client_id}
            rogue.metadata["authorization_response_iss_parameter_supported"] = True
            providers = Providers({name: known | fields for name, fields in tables.items()})
            accounts = LocalAccounts(providers, MemoryStore())
            return made.enter_context(contextlib.closing(accounts))

        yield make


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def leave(browser: requests.Session, url: str) -> str:
    return browser.get(url, allow_redirects=False).headers["Location"]


def sent(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["redirect_uri"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({}, "http://127.0.0.1:PORT/callback/idp"),
        ({"loopback": "127.0.0.1"}, "http://127.0.0.1:PORT/callback/idp"),
        ({"loopback": "localhost"}, "http://localhost:PORT/callback/idp"),
        ({"redirect_uri": "http://localhost"}, "http://localhost:PORT"),
        ({"redirect_uri": "http://localhost/"}, "http://localhost:PORT/"),
        ({"redirect_uri": "http://localhost/callback"}, "http://localhost:PORT/callback"),
        ({"redirect_uri": "http://127.0.0.1/a/b"}, "http://127.0.0.1:PORT/a/b"),
        ({"redirect_uri": "http://[::1]/back"}, "http://[::1]:PORT/back"),
    ],
)
def test_any_port(local, rogue, browser, fields, where):
    """RFC 8252 7.3: the port is ours to choose, and everything else as it is registered."""
    accounts = local(idp=fields)
    login = accounts.begin(LoginRequest("idp"))
    away = leave(browser, login.url)
    assert sent(away) == where.replace("PORT", str(urlsplit(login.url).port))
    assert "Signed in" in browser.get(rogue.authorize(away)).text
    assert accounts.login(login.id).status == "complete"


@pytest.mark.parametrize("end", ["", "/", "/callback"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_port_that_is_registered(local, rogue, browser, host, end):
    uri = f"http://{host}:{free_port()}{end}"
    accounts = local(idp={"redirect_uri": uri})
    away = leave(browser, accounts.begin(LoginRequest("idp")).url)
    assert sent(away) == uri
    assert "Signed in" in browser.get(rogue.authorize(away)).text


def test_at_port_80_browsers_leave_the_port_out(local, browser, monkeypatch):
    accounts = local(idp={"redirect_uri": (uri := f"http://localhost:{(port := free_port())}")})
    monkeypatch.setattr(loopback_server, "HTTP", port)  # the real one is an administrator's
    login = accounts.begin(LoginRequest("idp"))
    for name, status in (("localhost", 303), ("evil.example", 404), ("localhost:80", 404)):
        answer = browser.get(login.url, headers={"Host": name}, allow_redirects=False)
        assert answer.status_code == status
    assert sent(browser.get(login.url, allow_redirects=False).headers["Location"]) == uri
    assert not takes_any_port("http://localhost:80/")


def test_two_providers_come_back_to_one_port(local, rogue, browser):
    """As they do to a Jupyter server: its port, and a path for each."""
    at = f"http://localhost:{free_port()}/jupyter-auth/callback"
    accounts = local(idp={"redirect_uri": f"{at}/idp"}, two={"redirect_uri": f"{at}/two"})
    away = [leave(browser, accounts.begin(LoginRequest(name)).url) for name in ("idp", "two")]
    for url in away:
        assert "Signed in" in browser.get(rogue.authorize(url)).text
    assert [each.provider for each in accounts.accounts()] == ["idp", "two"]


@pytest.mark.parametrize(
    "uri", ["https://localhost/callback", "https://notebooks.example/back", "http://10.0.0.1/x"]
)
def test_from_elsewhere_the_address_is_pasted(local, rogue, uri):
    accounts = local(idp={"redirect_uri": uri})
    login = accounts.begin(LoginRequest("idp"))
    assert login.url is None
    assert accounts.local.is_pasted(login)
    ended = rogue.authorize(accounts.local.authorization_url(login.id))
    assert ended.startswith(uri)
    wrong = ended.replace("://", "://x", 1)
    with pytest.raises(LoginFailed, match="not the address"):
        accounts.local.paste(login.id, wrong)
    assert accounts.local.paste(login.id, ended.partition("://")[2]).status == "complete"
    assert rogue.seen("token")[0].form["redirect_uri"] == uri


@pytest.mark.parametrize(
    "uri", ["http://localhost:99999/", "http://x/#y", "/back", "http://[::1", 5]
)
def test_no_redirect_uri(uri):
    with pytest.raises(ConfigurationError, match="redirect_uri"):
        Provider(name="idp", issuer="https://idp.example", redirect_uri=uri)


def test_any_port_is_one_place_for_mix_up():
    provider = Provider(name="idp", issuer="https://x.example", redirect_uri="http://localhost")
    assert provider.is_answered_at("http://127.0.0.1:4711/")
    assert not provider.is_answered_at("http://127.0.0.1:4711/other")
    assert at_port("http://[::1]/x", 1) == "http://[::1]:1/x"


def test_doctor_says_what_to_register(local):
    names = {
        "any": {},
        "named": {"loopback": "localhost"},
        "fixed": {"redirect_uri": "http://localhost"},
        "https": {"redirect_uri": "https://localhost/callback"},
    }
    accounts = local(**names)
    found = {name: accounts.examine(name)[1] for name in names}
    assert {each.about for each in found.values()} == {"Redirect URI"}
    says = {name: each.says for name, each in found.items()}
    one = "http://localhost:8888/jupyter-auth/callback/any"
    assert f"In JupyterLab: {one}, if" in says["any"]
    assert "Scripts: http://127.0.0.1/callback/any, at any port" in says["any"]
    assert f"`jupyter auth add any --redirect-uri {one}`" in found["any"].fix
    assert (found["any"].state, found["fixed"].state) == ("note", "ok")
    assert "Scripts: http://localhost/callback/named, at any port" in says["named"]
    assert says["fixed"].startswith("Register http://localhost (it is fixed")
    assert "You paste the URL" in says["https"]


# -- an error without a state (RFC 6749 4.1.2.1 wants it, some leave it out) ---------------------

ERROR = "error=unauthorized_client&error_description=Disabled+by+its+%3Cb%3Eowner%0D"
WORDS = "unauthorized_client: Disabled by its <b>owner"


@pytest.fixture
def left(local, rogue, browser):
    """A browser has left for the provider: the accounts, the login, and where it comes back."""
    accounts = local(idp={})
    login = accounts.begin(LoginRequest("idp"))
    back = rogue.authorize(leave(browser, login.url))
    return accounts, login, back


@pytest.mark.parametrize("state", ["", "&state="])
def test_its_words_are_shown_and_end_nothing(left, browser, state):
    accounts, login, back = left
    waiting = accounts.changes().sequence
    page = browser.get(f"{back.partition('?')[0]}?{ERROR}{state}")
    assert "Disabled by its &lt;b&gt;owner" in page.text
    assert "came back from idp" in page.text
    assert [each.login.id for each in accounts.changes(waiting).changes] == [login.id]
    now = accounts.login(login.id)
    assert (now.status, now.error["code"]) == ("pending", "login_failed")
    assert WORDS in now.error["message"]
    assert "Signed in" in browser.get(back).text  # the right answer still counts
    assert accounts.login(login.id).error is None


def test_they_are_gone_once_the_browser_leaves_again(left, browser):
    accounts, login, back = left
    browser.get(f"{back.partition('?')[0]}?{ERROR}")
    assert accounts.login(login.id).error
    leave(browser, login.url)
    assert accounts.login(login.id).error is None


def test_no_other_browser_puts_words_there(left):
    accounts, login, back = left
    page = requests.get(f"{back.partition('?')[0]}?{ERROR}")
    assert page.status_code == 404
    assert "owner" not in page.text
    assert accounts.login(login.id).error is None


def test_in_the_fragment_it_is_asked_for(left, browser):
    """Which the browser alone knows: its script moves it, the only one that the policy allows."""
    back = left[-1].partition("?")[0]
    page = browser.get(back)
    script = page.text.partition("<script>")[2].partition("</script>")[0]
    assert "location.hash" in script
    assert loopback_server._hash(script) in page.headers["Content-Security-Policy"]
    assert "<script>" not in browser.get(f"{back}?{ERROR}").text


def test_pasted_it_is_shown_and_the_right_one_can_follow(local, rogue):
    accounts = local(idp={"redirect_uri": "https://localhost/callback"})
    login = accounts.begin(LoginRequest("idp"))
    ended = rogue.authorize(accounts.local.authorization_url(login.id))
    said = accounts.local.paste(login.id, f"https://localhost/callback#{ERROR}")
    assert said.status == "pending"
    assert WORDS in said.error["message"]
    assert accounts.local.paste(login.id, ended).status == "complete"
