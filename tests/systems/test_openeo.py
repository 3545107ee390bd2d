"""From the address of an openEO back end to a request, without registering anything."""

from __future__ import annotations

import pytest

from clock import Clock
from jupyter_auth import UserSession
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from kernel.broker_socket import BrokerSocket
from providers.presets.openeo import BackEnd
from providers.rogue import RogueProvider


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(clock):
    with RogueProvider(clock=clock) as provider:
        yield provider


@pytest.fixture
def engine(home, tmp_path, monkeypatch, clock):  # noqa: ARG001 (no file of this machine)
    made = Engine(
        Providers(user_file=tmp_path / "providers.toml"),
        FileStore(tmp_path / "store"),
        clock=clock,
    )
    with BrokerSocket(made, tmp_path / "runtime") as kernel_api:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
        yield made
    made.close()


@pytest.mark.parametrize("named", ["url", "api"])
def test_from_its_address_to_a_request(engine, issuer, clock, named):
    with BackEnd(issuer) as back_end:
        info = engine.find(getattr(back_end, named))
        assert (info.base_url, info.missing) == (back_end.api, ())
        login = engine.begin(LoginRequest(info.name))
        waiting = engine.device.start(login.id, confirm_by=None)
        issuer.devices.approve(waiting.user_code)
        clock.advance(10)
        assert engine.device.poll(login.id).status == "complete"
        assert issuer.seen("device")[0].form["scope"] == "openid email"
        session = UserSession(info.name, interactive=False)
        assert session.get("me").json() == {"user_id": "rosa"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "CDSE/x\r\nX-Evil: 1"},
        {"issuer": "http://evil.example"},
        {"default_clients": [{"id": "two words", "grant_types": ["device_code"]}]},
        {"default_clients": "none"},
    ],
)
def test_what_it_says_is_not_believed_blindly(engine, issuer, wrong):
    with BackEnd(issuer) as back_end:
        back_end.listed = [back_end.listed[1] | wrong]
        with pytest.raises(AuthError, match="does not say where to sign in"):
            engine.find(back_end.api)
