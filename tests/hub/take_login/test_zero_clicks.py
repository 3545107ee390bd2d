"""Who logged in to the Hub at the provider is signed in there in notebooks, without a click."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
import requests

from hub.hubs import SECRET
from hub.notebook_kernel import NotebookKernel
from hub.take_login.acme_hub import CLIENT
from patience import PATIENCE, until

if TYPE_CHECKING:
    from hub.take_login.acme_hub import AcmeHub
    from providers.oidc import OidcProvider

CELL = """
from jupyter_auth import UserSession
session = UserSession("idp", interactive=False)
print("WHO", session.get("{issuer}/me").json()["sub"])
"""
# What a person's code can ask with all that is in its reach.
LOOK = """
import os, json, urllib.request
seen = [json.dumps(dict(os.environ))]
for path in ("user", "users/" + os.environ["JUPYTERHUB_USER"]):
    asked = urllib.request.Request(os.environ["JUPYTERHUB_API_URL"] + "/" + path)
    asked.add_header("Authorization", "token " + os.environ["JUPYTERHUB_API_TOKEN"])
    seen.append(urllib.request.urlopen(asked).read().decode())
print("SEEN", seen)
"""


def test_a_notebook_is_signed_in_without_a_click_and_sees_no_refresh_token(
    acme: AcmeHub, oidc: OidcProvider
) -> None:
    server = acme.started(acme.browser("alice"))
    with contextlib.closing(NotebookKernel(server)) as notebook:
        notebook.run(CELL.format(issuer=oidc.issuer))
        notebook.read("WHO u-1001")
        notebook.run(LOOK)
        seen = notebook.read("SEEN [")
    assert "OF_THE_HUB" in seen, "their recipe ran"
    state = acme.api("GET", "users/alice")
    given = [seen, json.dumps(state), acme.log(), *server.environment.values()]
    for token in oidc.secrets()["refresh_token"]:
        assert not any(token in each for each in given)
    assert 'sign-in taken over from the Hub: user="alice" provider="idp"' in acme.log()
    assert 'sign-in asked for: user="alice"' not in acme.log()


@pytest.mark.long
def test_three_servers_started_at_once_share_one_sign_in(acme: AcmeHub, oidc: OidcProvider) -> None:
    browser = acme.browser("bob")
    before = oidc.refresh_count
    for name in ("one", "two"):
        acme.api("POST", f"users/bob/servers/{name}")
    servers = [acme.started(browser), acme.server("bob", "one"), acme.server("bob", "two")]
    tokens = {each.kernel().token()["access_token"] for each in servers}
    assert len(tokens) == 1
    assert (oidc.refresh_count - before, oidc.reuse_count) == (1, 0)


def test_each_expiry_is_one_refresh_whoever_meets_it_first(
    acme: AcmeHub, oidc: OidcProvider
) -> None:
    """And once it is revoked at the provider, the Hub logs its person out at its next look."""
    oidc.ttl(AccessToken=2)
    browser = acme.browser("carol")
    kernel = acme.started(browser).kernel()
    kernel.token()
    for turn in range(5):
        before = oidc.refresh_count

        def meets_it(turn: int = turn, before: int = before) -> bool:
            assert acme.logged_in(browser) if turn % 2 else kernel.token()["access_token"]
            return oidc.refresh_count > before

        until(meets_it)
        assert kernel.token()["access_token"]
        assert acme.logged_in(browser)
        assert (oidc.refresh_count, oidc.reuse_count) == (before + 1, 0)
    assert "Their own hook: carol" in acme.log()

    revoked = requests.post(
        f"{oidc.issuer}/token/revocation",
        {"token": oidc.secrets()["refresh_token"][-1]},
        auth=(CLIENT, SECRET),
        timeout=PATIENCE,
    )
    assert revoked.ok
    until(lambda: not acme.logged_in(browser))
    assert kernel.ask("POST", "token", {"provider": "idp"})[1]["code"] == "refresh_rejected"
    # Who logs in again is signed in again, in the server that runs.
    acme.browser("carol")
    assert kernel.token()["access_token"]
