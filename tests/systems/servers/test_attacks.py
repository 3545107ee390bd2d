"""APIs that lie about where their people sign in, as a notebook meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from jupyter_auth import AuthError, UserSession
from jupyter_auth.kernel.broker.connect import connect
from patience import PATIENCE
from providers.protected_api import ProtectedAPI
from providers.servers.program import AuthorizationServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.oidc import OidcProvider


class Honest(AuthorizationServer):
    """The real provider, where the person signs in."""

    def __init__(self, oidc: OidcProvider) -> None:
        super().__init__([])
        self.oidc = oidc
        self.origin = oidc.issuer

    def login(self, url: str, *, consent: bool = True) -> str:
        return self.oidc.login(url, consent=consent)


@pytest.fixture
def server(oidc) -> Honest:
    return Honest(oidc)


@pytest.fixture
def mixed_up(rogue, oidc):
    """The rogue's people sign in at the honest provider, where it registers whoever comes."""
    rogue.sends_iss = False
    rogue.metadata = {
        "authorization_endpoint": f"{oidc.issuer}/auth",
        "registration_endpoint": f"{rogue.url}/register",
    }

    def register(proceed):
        if not (asked := rogue.requests[-1]).path.endswith("/register"):
            return proceed()
        made = requests.post(f"{oidc.issuer}/reg", json=json.loads(asked.body), timeout=PATIENCE)
        rogue.client_id = made.json()["client_id"]
        return Reply.json(made.json(), 201)

    rogue.script("api", register)
    with ProtectedAPI(rogue.issuer) as api:
        oidc.add_resource(api.address)
        yield api


def test_a_code_of_one_issuer_is_not_sent_to_another(mixed_up, rogue, oidc, browser):
    with pytest.raises(AuthError, match="issuer"):
        UserSession(mixed_up.address, interactive=True, timeout=PATIENCE)
    assert len(browser.links) == 1
    codes = oidc.secrets()["code"]
    assert codes
    assert not [each for each in rogue.requests if any(c in str(each.body) for c in codes)]
    assert not connect().accounts()
