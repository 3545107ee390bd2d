"""``c.JupyterHub.subdomain_host``, over TLS: each user's server and the service have own hosts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from hub.hub_process import Hub, HubBrowser
from hub.hubs import KEYS, SCOPES, SECRET
from patience import PATIENCE, until
from processes import free_port
from providers.certificates import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider
    from server.jupyter_process import Kernel

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]

HOST = "hub.localhost"
PEOPLE = ("alice", "bob")
SERVICE = f"jupyter-auth--service.{HOST}"


class ApartHub(Hub):
    """At ``hub.localhost`` and below, which is this machine to a browser (RFC 6761 6.3)."""

    def __init__(self, home: Path, more: str, auth: dict[str, Any], *, served: bool) -> None:
        super().__init__(home, auth, prefix="/campus/", served=served)
        self.port = urlsplit(self.origin).port
        certificate = make(home, HOST, SERVICE, *(f"{name}.{HOST}" for name in PEOPLE))
        self.ca_bundle = str(certificate.ca_bundle)
        self.origin = self.at(HOST)
        self._http = self.session(self.api_token)
        self._more = f"""
c.JupyterHub.bind_url = "https://127.0.0.1:{self.port}/campus/"
c.JupyterHub.subdomain_host = {self.origin!r}
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = {self.ca_bundle!r}, {str(certificate.key)!r}
{more}
"""

    def at(self, host: str) -> str:
        return f"https://{host}:{self.port}"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "it ended"
        return self.answers(self.url("hub/api/"))

    def answers(self, url: str) -> bool:
        try:
            return self.session("").get(url, timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    def session(self, token: str) -> requests.Session:
        session = super().session(token)
        session.verify = getattr(self, "ca_bundle", True)
        return session

    def browser(self, user: str) -> ApartBrowser:
        return ApartBrowser(self, user).enter()


class ApartBrowser(HubBrowser):
    """Where it is: at the user's own host, or the service's."""

    hub: ApartHub

    def __init__(self, hub: ApartHub, user: str) -> None:
        super().__init__(hub, user)
        self.session.verify = hub.ca_bundle

    def enter(self) -> Self:
        """Sign in to the Hub, then visit what signs in elsewhere."""
        super().get(self.hub.url("hub/login"))
        (xsrf,) = [each.value for each in self.session.cookies if each.name == "_xsrf"]
        form = {"username": self.user, "password": "of-everybody", "_xsrf": xsrf}
        answer = self.session.post(
            self.hub.url("hub/login"), data=form, timeout=PATIENCE, allow_redirects=False
        )
        assert answer.status_code == 302, answer.text
        self.origin = self.hub.at(SERVICE if self.hub.served else f"{self.user}.{HOST}")
        if self.hub.served:
            self.base_url = "/campus/services/"
        assert self.get("jupyter-auth/login/none").status_code == 200
        return self

    @property
    def xsrf(self) -> str:
        host = urlsplit(self.origin).hostname
        named = [c for c in self.session.cookies if c.name == "_xsrf" and c.domain == host]
        return max(named, key=lambda each: len(each.path)).value or "" if named else ""


@pytest.fixture(scope="module")
def names() -> Iterator[None]:
    """Names below ``localhost`` are 127.0.0.1 here, as they are to browsers."""
    real = socket.getaddrinfo

    def found(host: Any, *given: Any, **more: Any) -> Any:
        name = "127.0.0.1" if str(host).endswith(".localhost") else host
        return real(name, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", found)
        yield


@pytest.fixture(scope="module")
def apart(
    names: None, oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApartHub]:
    """Nothing of ours is installed on this Hub but the hook."""
    del names
    idp = {"issuer": oidc.issuer, "client_id": "apart", "title": "Example ID", "scopes": SCOPES}
    idp["username_claim"] = "preferred_username"
    more = "import jupyter_auth; jupyter_auth.hub_config(c)"
    home = tmp_path_factory.mktemp("apart")
    with ApartHub(home, more, {"providers": {"idp": idp}}, served=False) as hub:
        oidc.add_client("apart", hub.url("hub/user-redirect/jupyter-auth/callback/idp"))
        yield hub


@pytest.fixture(scope="module")
def apart_served(
    names: None, oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApartHub]:
    del names
    home = tmp_path_factory.mktemp("apart-served")
    idp = {"issuer": oidc.issuer, "client_id": "apart-served", "client_secret": SECRET}
    idp |= {"title": "Example ID", "username_claim": "preferred_username", "scopes": SCOPES}
    more = f"""
import jupyter_auth
jupyter_auth.hub_config(
    c, {{"idp": {idp!r}}}, url="http://127.0.0.1:{free_port()}", crypt_keys={KEYS!r},
    database_url="sqlite:///{home / "accounts.sqlite"}",
)
"""
    with ApartHub(home, more, {}, served=True) as hub:
        callback = f"{hub.at(SERVICE)}/campus/services/jupyter-auth/callback/idp"
        oidc.add_client("apart-served", callback, client_secret=SECRET)
        until(lambda: hub.answers(f"{hub.at(SERVICE)}/campus/services/jupyter-auth/ready"))
        yield hub


def signed_in(kernel: Kernel, browser: ApartBrowser, oidc: OidcProvider, user: str) -> str:
    """The page where it ends, and the redirect URI of the way there."""
    login = kernel.begin()
    link = login["url"]
    assert link.startswith(f"{browser.origin}{browser.base_url}jupyter-auth/login/")
    if browser.hub.served:
        assert login["path"] == link, "a path would be one at the user's own host"
    page = browser.get(link, headers=browser.from_own_page)
    assert page.status_code == 200, page.text
    place = urlsplit(link).path
    url = browser.send("POST", browser.origin + place).json()["url"]
    (redirect_uri,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    assert browser.arrive(oidc.login(url, user)) == place
    assert f"as {user}" in browser.page(place)
    assert kernel.token()["access_token"]
    return redirect_uri


@pytest.mark.parametrize("server", ["", "two"])
def test_with_nothing_installed_the_hubs_own_host_brings_people_to_their_servers(
    apart: ApartHub, oidc: OidcProvider, server: str
) -> None:
    apart.server("alice")
    running = apart.server("alice", server)
    browser = apart.browser("alice")
    browser.base_url = running.base_url
    kernel = running.kernel()
    uri = signed_in(kernel, browser, oidc, "alice")
    assert uri == apart.url("hub/user-redirect/jupyter-auth/callback/idp")
    doctor = str(kernel.call("GET", "doctor?provider=idp"))
    assert f"Register {uri} " in doctor


def test_with_the_service_its_own_host_has_all_pages(
    apart_served: ApartHub, oidc: OidcProvider
) -> None:
    kernel = apart_served.server("bob").kernel()
    browser = apart_served.browser("bob")
    uri = signed_in(kernel, browser, oidc, "bob")
    assert uri == f"{browser.origin}/campus/services/jupyter-auth/callback/idp"
    of_the_service = [each for each in browser.session.cookies if each.domain == SERVICE]
    assert {each.path for each in of_the_service if each.name.startswith("__Host-")} == {"/"}
