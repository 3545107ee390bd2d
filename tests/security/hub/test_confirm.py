"""Promise 3, where all users' servers share the Hub's origin: what a browser has proves nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from hub.service_client import browser_of
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from jupyter_auth.server.hub.app import SharedOAuth

if TYPE_CHECKING:
    from hub.hub_process import Hub, HubBrowser
    from providers.oidc import OidcProvider
    from server.jupyter_process import Kernel


@pytest.fixture(params=["hub", "served"])
def either(request: pytest.FixtureRequest) -> Hub:
    """Both ways in."""
    found: Hub = request.getfixturevalue(request.param)
    return found


def alice(hub: Hub) -> HubBrowser:
    """One of her browsers, on the pages that sign her in."""
    if hub.served:
        return browser_of(hub, "alice")
    hub.server("alice")
    return hub.browser("alice")


def keys(kernel: Kernel) -> list[str]:
    return [each["session_key"] for each in kernel.call("GET", "accounts")["accounts"]]


def came_back(browser: HubBrowser, login: dict[str, Any], oidc: OidcProvider) -> str:
    """The page on which the whole round trip ends."""
    address = oidc.login(browser.open(login), "alice")
    answer = browser.get(address, headers={"Sec-Fetch-Site": "cross-site"})
    assert urlsplit(answer.url).path == login["path"]
    return answer.text


def test_nothing_is_stored_without_a_click_on_a_page_that_names_both(
    either: Hub, oidc: OidcProvider
) -> None:
    kernel, browser = either.server("alice").kernel(), alice(either)
    for number in range(2):  # also where this browser has said yes before
        key = f"asked-{number}"
        login = kernel.begin(session_key=key)
        page = browser.get(either.origin + login["path"], headers=browser.from_own_page).text
        assert ("data-ask" in page) is (number == 0), "a yes spares the click before leaving"
        shown = came_back(browser, login, oidc)
        for named in ("Hub user", ">alice<", urlsplit(oidc.issuer).netloc, "u-1001"):
            assert named in shown
        assert key not in keys(kernel)
        stranger = alice(either).send("POST", either.origin + login["path"], {"yes": "0" * 64})
        assert stranger.status_code == 409
        assert key not in keys(kernel)
        assert browser.say_yes(login["path"]).status_code == 200
        assert key in keys(kernel)
        kernel.call("DELETE", f"accounts?provider=idp&session_key={key}")


def test_no_is_for_good(either: Hub, oidc: OidcProvider) -> None:
    kernel, browser = either.server("alice").kernel(), alice(either)
    login = kernel.begin(session_key="no")
    came_back(browser, login, oidc)
    answer = browser.send("POST", either.origin + login["path"], {"yes": ""})
    assert answer.status_code == 200
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "cancelled"
    assert "no" not in keys(kernel)


def test_with_subdomains_each_has_an_origin_to_itself() -> None:
    environ = {
        "JUPYTERHUB_HOST": "https://hub.example",
        "JUPYTERHUB_PUBLIC_URL": "https://alice.hub.example/user/alice/",
    }
    with_subdomains = KnownBrowsers.of_server("alice", environ, confirm=None)
    assert (with_subdomains.one_origin, with_subdomains.host_only) == (False, True)
    assert KnownBrowsers.of_server("alice", {"JUPYTERHUB_HOST": ""}, confirm=None).one_origin


def test_a_public_address_is_no_subdomain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub says its host where ``c.JupyterHub.public_url`` is set, too."""
    environ = {
        "JUPYTERHUB_HOST": "https://hub.example",
        "JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/alice/",
        "JUPYTERHUB_USER": "alice",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/alice/",
    }
    ties = KnownBrowsers.of_server("alice", environ, confirm=None)
    assert (ties.one_origin, ties.host_only) == (True, False)
    assert ties.cookie("jupyter-auth", "/user/alice/") == ("jupyter-auth", "/user/alice/")
    assert (place := HubRedirect.of(environ))
    assert [each.about for each in place.findings()] == ["Other users"]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    of_the_service = SharedOAuth(api_token="t", oauth_client_id="service-jupyter-auth")
    assert not of_the_service.cookie_host_prefix_enabled  # its path would be / then
    unsaid = {"JUPYTERHUB_HOST": "https://hub.example"}
    assert KnownBrowsers.of_server("alice", unsaid, confirm=None).one_origin, (
        "nobody says that it is elsewhere"
    )
    own = environ | {"JUPYTERHUB_PUBLIC_URL": "https://alice.hub.example/user/alice/"}
    assert (place := HubRedirect.of(own))
    assert place.hub_origin == "https://hub.example"
    assert not place.findings()


def test_a_server_that_a_hub_started_shares_the_origin_whoever_signs_its_users_in() -> None:
    """As Binder's do: there too another server can set any cookie."""
    own = {"JUPYTERHUB_SERVICE_PREFIX": "/user/x/"}
    assert KnownBrowsers.of_server("", own, confirm=None).one_origin
    assert not KnownBrowsers.of_server("", {}, confirm=None).one_origin
