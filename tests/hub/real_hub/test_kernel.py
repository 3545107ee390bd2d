"""A kernel on a Hub whose own server has no broker asks the service with that server's token."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from hub.service_client import PLACE, browser_of
from jupyter_auth.core.errors import BrokerUnavailable, LoginRequired, UserMismatch
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.session.user_session import UserSession
from patience import PATIENCE, eventually

if TYPE_CHECKING:
    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

SUBJECTS = {"alice": "u-1001", "bob": "u-1002"}
SCRIPT = """
import sys
from jupyter_auth import UserSession
with UserSession("idp", session_key="alone", interactive=False) as session:
    print(session.get(sys.argv[1] + "/me").json()["sub"])
"""


def environ_of(hub: Hub, user: str) -> dict[str, str]:
    """What the Hub gives that user's server, which here has no broker."""
    environ = hub.server(user).environment
    assert "JUPYTER_AUTH_CONNECTION" not in environ
    return environ


def test_it_signs_in_and_out_and_hears_of_it(served: Hub, oidc: OidcProvider) -> None:
    accounts = connect(environ_of(served, "carol"))
    login = accounts.begin(LoginRequest("idp", "alone"))
    assert login.path == f"{served.prefix}{PLACE}login/{login.id}"
    since = accounts.changes().sequence
    browser = browser_of(served, "carol")
    callback = oidc.login(browser.open({"path": login.path}), "carol")
    assert browser.arrive(callback) == login.path
    assert {each.kind for each in accounts.changes(since, 25).changes} >= {"login", "account"}
    (account,) = (each for each in accounts.accounts() if each.session_key == "alone")
    assert "openid" in account.asked
    assert accounts.configuration("idp").client_id  # what `session.client_id` says
    token = accounts.token("idp", "alone")
    headers = {"Authorization": f"Bearer {token.access_token.reveal()}"}
    assert (
        requests.get(f"{oidc.issuer}/me", headers=headers, timeout=PATIENCE).json()["sub"]
        == "u-1003"
    )

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, oidc.issuer],
        env=os.environ | environ_of(served, "carol"),
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    assert done.stdout.splitlines()[-1:] == ["u-1003"], done.stderr

    assert accounts.logout("idp", "alone").removed
    with pytest.raises(LoginRequired):
        accounts.token("idp", "alone")


def test_it_gets_what_is_of_its_own_user_alone(served: Hub) -> None:
    login = connect(environ_of(served, "alice")).begin(LoginRequest("idp", "mine"))
    bob = connect(environ_of(served, "bob"))
    assert login.id not in {each.id for each in bob.logins()}


def test_two_kernels_of_one_user_each_keep_to_their_person(
    served: Hub, oidc: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ_of(served, "carol").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jupyter_auth.kernel.broker.connect._made", {})
    accounts, browser = connect(), browser_of(served, "carol")

    def arrive(who: str, session_key: str = "default") -> None:
        login = accounts.begin(LoginRequest("idp", session_key, force=True))
        callback = oidc.login(browser.open({"path": login.path}), who)
        assert browser.arrive(callback) == login.path

    place = f"{oidc.issuer}/me"
    arrive("alice")
    first = UserSession("idp", interactive=False)
    assert first.get(place).json()["sub"] == SUBJECTS["alice"]
    arrive("bob")
    second = UserSession("idp", interactive=False)
    assert second.get(place).json()["sub"] == SUBJECTS["bob"]
    assert eventually(lambda: first._account.tokens.held is None)
    with pytest.raises(UserMismatch):
        first.get(place)
    arrive("alice", "alice")
    for who in ("alice", "bob"):
        session = UserSession("idp", username=who, interactive=False)
        assert session.get(place).json()["sub"] == SUBJECTS[who]
    for key in ("default", "alice"):
        accounts.logout("idp", key, revoke=False)


def test_a_token_that_the_hub_does_not_know_is_told(served: Hub) -> None:
    environ = environ_of(served, "alice") | {"JUPYTERHUB_API_TOKEN": "of-a-server-that-is-gone"}
    with pytest.raises(BrokerUnavailable, match="The Hub does not know this token"):
        connect(environ).accounts()
