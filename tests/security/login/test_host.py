"""Promise 4, where no browser is needed to see it: a login knows the host that it leads to."""

from __future__ import annotations

import pytest

from core.sign_in import REDIRECT_URI, USER, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.oauth_response import DeviceAuthorizationResponse
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.wire import login_from_wire, login_to_wire
from memory_store import MemoryStore


@pytest.fixture
def engine_at(rogue, clock):
    """An engine whose provider has that authorization endpoint; its issuer is somewhere else."""
    made = []

    def make(endpoint):
        endpoints = {"authorization_endpoint": endpoint}
        providers = Providers({"idp": table(rogue, endpoints=endpoints)})
        made.append(Engine(providers, MemoryStore(), clock=clock))
        made[-1].known = providers
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://login.example/authorize", "login.example"),
        ("https://LOGIN.example:443/authorize", "login.example"),
        ("https://login.example:8443/authorize", "login.example:8443"),
        ("https://b\u00fccher.example/authorize", "xn--bcher-kva.example"),
        ("/authorize", ""),  # on whatever server the browser is
    ],
)
def test_a_login_names_where_it_leads(engine_at, endpoint, host):
    engine = engine_at(endpoint)
    login = engine.begin(LoginRequest("idp"))
    assert login.host == host
    assert login_from_wire(login_to_wire(login)).host == host
    if host:
        assert engine.provider("idp").host == host  # in lists too, where nothing is asked for


def test_nobody_is_sent_elsewhere_than_they_were_shown(engine_at, rogue):
    engine = engine_at("https://login.example/authorize")
    login = engine.begin(LoginRequest("idp"))
    endpoints = {"authorization_endpoint": "https://evil.example/authorize"}
    engine.known.configure(provider_from_mapping("idp", table(rogue, endpoints=endpoints)))
    with pytest.raises(LoginFailed, match=r"is no longer at login\.example"):
        engine.open(login.id, REDIRECT_URI, USER)
    assert engine.begin(LoginRequest("idp")).id != login.id  # a new one is a new one


def test_a_device_s_link_leads_to_the_host_that_is_shown():
    answer = {
        "device_code": "d",
        "user_code": "AB-CD",
        "verification_uri": "https://idp.example/device",
        "verification_uri_complete": "https://evil.example/device?user_code=AB-CD",
        "expires_in": 60,
    }
    assert DeviceAuthorizationResponse.parse(answer).verification_uri_complete is None
    good = answer | {"verification_uri_complete": "https://idp.example/device?user_code=AB-CD"}
    assert (
        DeviceAuthorizationResponse.parse(good).verification_uri_complete
        == good["verification_uri_complete"]
    )
