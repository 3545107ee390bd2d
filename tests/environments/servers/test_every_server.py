"""The same sign-in on every kind of Jupyter server."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest

from environments.servers.server_kinds import KINDS, Builder
from jupyter_auth import UserSession
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.broker.broker_client import BrokerClient


@pytest.fixture
def builder(oidc, tmp_path):
    with ExitStack() as stack:
        yield Builder(oidc, tmp_path / "home", stack)


@pytest.mark.parametrize("kind", KINDS)
def test_sign_in_and_out(builder, oidc, kind):
    place = builder.build(kind)
    kernel = BrokerClient(place.server.connection_file)
    login = kernel.begin(LoginRequest("idp"))
    assert login.path.startswith(f"{place.base_url}jupyter-auth/login/")
    browser = place.browser(place.page_origin or place.origin)
    url = browser.open({"path": login.path})
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [place.callback]
    assert [each.secure for each in browser.bindings] == [place.origin.startswith("https:")]
    back = oidc.login(url, "alice")
    if place.page_origin:  # it is sent on to where the page is
        back = place.browser().get(back).headers["Location"]
        assert back.startswith(place.page_origin)
    assert browser.arrive(back) == login.path
    assert "Signed in to The IdP as alice" in browser.page(login.path)
    token = kernel.token("idp").access_token.reveal()
    assert oidc.introspect(token)["active"]
    gone = browser.send("DELETE", "jupyter-auth/api/v1/accounts?provider=idp").json()
    assert gone["revoked"]
    assert not oidc.introspect(token)["active"]
    kernel.close()


def test_proxies_and_netrc_of_the_environment_change_nothing(
    builder, oidc, monkeypatch, tmp_path, proxied
):
    """What goes over http to this machine would be seen by a proxy, tokens and all."""
    (tmp_path / ".netrc").write_text("default login mallory password planted\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    place = builder.build("at_the_root")
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(place.server.connection_file))
    login = BrokerClient(place.server.connection_file).begin(LoginRequest("idp"))
    browser = place.browser()
    assert browser.arrive(oidc.login(browser.open({"path": login.path}))) == login.path
    with UserSession("idp", base_url=f"{oidc.issuer}/api", interactive=False) as session:
        assert session.get("me").json()["username"] == "alice"
        oidc.expire()
        assert session.get("me").json()["username"] == "alice"
        assert session.logout().revoked
    assert not proxied
