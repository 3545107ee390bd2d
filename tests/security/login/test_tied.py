"""Promise 3: which browsers leave by themselves, and for which an account is stored unasked."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from patience import PATIENCE, until
from providers import troubles
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, Kernel

ASKS = "data-ask"
YES = re.compile('value="[0-9a-f]{64}"')


def started(oidc: OidcProvider, home: Path, **settings: Any) -> JupyterProcess:
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id, "title": "Example ID"}
    providers = {"idp": idp, "device": idp | {"grants": ["device_code"]}}
    providers["silent"] = idp | {"silent": True}
    return JupyterProcess(home, providers=providers, **settings)


@pytest.fixture(scope="module")
def server(
    oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    with started(oidc, tmp_path_factory.mktemp("own")) as server:
        yield server


@pytest.fixture(scope="module")
def strict(
    oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    """At an address that other people's servers have too, as its administrator says."""
    with started(oidc, tmp_path_factory.mktemp("strict"), confirm=True) as server:
        yield server


@pytest.fixture
def kernel(server: JupyterProcess) -> Iterator[Kernel]:
    yield from tidied(server)


@pytest.fixture
def strict_kernel(strict: JupyterProcess) -> Iterator[Kernel]:
    yield from tidied(strict)


def tidied(server: JupyterProcess) -> Iterator[Kernel]:
    kernel = server.kernel()
    yield kernel
    for login in kernel.call("GET", "logins")["logins"]:
        kernel.call("DELETE", f"logins/{login['id']}")
    for account in kernel.call("GET", "accounts")["accounts"]:
        kernel.call("DELETE", f"accounts?provider={account['provider']}&revoke=0")


def shown(browser: Browser, login: dict[str, Any], **headers: str) -> str:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.get(browser.origin + login["path"], headers=given).text


def signed_in(browser: Browser, login: dict[str, Any], oidc: OidcProvider) -> None:
    """The whole round trip, in a browser that does not come from a page of the server."""
    answer = browser.send("POST", browser.origin + login["path"])
    assert browser.arrive(oidc.login(answer.json()["url"])) == login["path"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "cross-site", "Referer": "https://evil.example/"},
        {"Sec_Fetch_Site": "same-site", "Referer": "https://evil.example/"},
        {"Sec_Fetch_Site": "same-origin"},  # our own pages, where a stranger's link leads to
    ],
    ids=["old", "typed", "cross-site", "same-site", "own-page"],
)
def test_a_link_that_stood_elsewhere_does_not_leave(
    server: JupyterProcess, kernel: Kernel, headers: dict[str, str]
) -> None:
    login, browser = kernel.begin(), server.browser()
    assert ASKS in shown(browser, login, **headers)
    assert ASKS in shown(browser, login)


def test_one_on_the_server_s_own_pages_does(server: JupyterProcess, kernel: Kernel) -> None:
    login, browser = kernel.begin(), server.browser()
    own = {"Sec_Fetch_Site": "same-origin", "Referer": f"{browser.origin}/base/lab"}
    assert ASKS not in shown(browser, login, **own)
    assert ASKS not in shown(browser, login), "from now on"
    [tie] = [each for each in browser.session.cookies if "-tied-" in each.name]
    assert tie.path == "/base/jupyter-auth/"
    assert tie.has_nonstandard_attr("HttpOnly")

    other = server.browser()  # another Jupyter user
    other.session.cookies.set_cookie(tie)
    assert ASKS in shown(other, login)


def test_in_a_browser_that_is_not_known_nothing_is_stored_before_the_yes(
    server: JupyterProcess, kernel: Kernel, oidc: OidcProvider
) -> None:
    login, browser = kernel.begin(), server.browser()
    signed_in(browser, login, oidc)
    assert kernel.call("GET", f"logins/{login['id']}")["held"]
    assert kernel.call("GET", "accounts")["accounts"] == []
    answer = browser.send("POST", browser.origin + login["path"], {"yes": "0" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "login_failed")
    answer = browser.send("POST", browser.origin + login["path"], {"by_hand": False})
    assert answer.json() == {"url": login["path"]}, "another tab of it neither says yes nor no"
    assert kernel.call("GET", f"logins/{login['id']}")["held"]
    page = browser.get(browser.origin + login["path"], headers={"Sec-Fetch-Dest": "empty"})
    assert (page.status_code, YES.search(page.text)) == (403, None)
    assert YES.search(shown(browser, login, Sec_Fetch_Dest="document"))
    assert not YES.search(shown(server.browser(), login))
    assert browser.say_yes(login["path"]).status_code == 200
    assert len(kernel.call("GET", "accounts")["accounts"]) == 1
    assert ASKS not in shown(browser, kernel.begin()), "it is known now"


def test_where_servers_share_an_address_each_account_takes_a_click(
    strict: JupyterProcess, strict_kernel: Kernel, oidc: OidcProvider
) -> None:
    browser = strict.browser()
    for key in ("one", "two"):
        login = strict_kernel.begin(session_key=key)
        page = browser.get(browser.origin + login["path"], headers=browser.from_own_page).text
        assert (ASKS in page) is (key == "one")
        signed_in(browser, login, oidc)
        assert strict_kernel.call("GET", f"logins/{login['id']}")["held"]
        assert browser.say_yes(login["path"]).status_code == 200


def test_a_code_is_shown_in_the_browser_that_asked_for_it(
    server: JupyterProcess, kernel: Kernel
) -> None:
    login, mallory = kernel.begin("device"), server.browser()
    assert mallory.send("POST", mallory.origin + login["path"]).status_code == 200
    assert "Your code" in shown(mallory, login)
    page = shown(server.browser(), login)
    assert "Your code" not in page
    assert "shown in another browser" in page


def test_of_two_tabs_that_ask_for_a_code_at_once_one_has_the_proof(
    server: JupyterProcess, kernel: Kernel, rogue: RogueProvider
) -> None:
    """Two cookies would leave a browser with either, and with no way to say yes."""
    fields = {"issuer": rogue.issuer, "client_id": rogue.client_id, "grants": ["device_code"]}
    login, tabs = kernel.begin(kernel.register("rogue", fields)), [server.browser() for _ in "12"]
    gate = rogue.script("device", troubles.Gate())
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(tab.send, "POST", tab.origin + login["path"]) for tab in tabs]
        until(lambda: gate.waiting == len(tabs))
        gate.release()
        assert [each.result(PATIENCE).status_code for each in sent] == [200, 200]
    given = [each for tab in tabs for each in tab.session.cookies if "-yes-" in each.name]
    assert len(given) == 1


def test_where_each_account_takes_a_click_none_is_signed_in_silently(
    server: JupyterProcess, strict: JupyterProcess
) -> None:
    def offered(there: JupyterProcess) -> dict[str, str]:
        found = there.browser().get("jupyter-auth/api/v1/providers").json()
        arrive: dict[str, str] = found["arrive"]
        return arrive

    assert offered(server) == {"silent": "/base/jupyter-auth/arrive/silent"}
    assert offered(strict) == {}
