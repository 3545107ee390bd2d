"""Each preset signs in, refreshes and calls its API at a double with its provider's manners."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import requests

from clock import Clock
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import Need
from memory_store import MemoryStore
from providers import troubles
from providers.presets.dialects import DOCUMENT, Double, as_is
from providers.presets.known_dialects import DEVICES, DIALECTS
from providers.rogue import RogueProvider
from systems.at_doubles import sign_in

if TYPE_CHECKING:
    from jupyter_auth.core.models import Login

# These have doubles of their own, or are known by name alone.
OTHERS = {"4insight", "bitfount", "github", "google", "insiders", "insideview", "microsoft"}
NEEDS = [
    (name, field, value) for name, dialect in DIALECTS.items() for field, value in dialect.needs
]


@pytest.fixture(autouse=True)
def document(monkeypatch):
    """What this installation has published, for those who know clients by that."""
    monkeypatch.setenv("JUPYTER_AUTH_CLIENT_DOCUMENT", DOCUMENT)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_sign_in_a_refresh_and_a_request(name, broker):
    with Double(DIALECTS[name]) as double:
        session = sign_in(broker, double, name)
        assert session.username == double.dialect.username
        assert session.get(double.dialect.api).json()["path"] == double.dialect.at
        old = session.access_token
        double.expire()
        assert session.get(double.dialect.api).json()["path"] == double.dialect.at
        assert double.refreshes == 1
        assert not double.active(old)


@pytest.mark.parametrize(("name", "field", "value"), NEEDS)
def test_each_double_refuses_what_the_preset_is_there_to_avoid(name, field, value, broker):
    with Double(DIALECTS[name]) as double:
        try:
            answered = sign_in(broker, double, name, **{field: value}).get(double.dialect.api)
        except (AuthError, AssertionError, requests.HTTPError):
            return
        assert not answered.ok or answered.json()["path"] != double.dialect.at


@pytest.mark.parametrize("name", DEVICES)
def test_a_code_to_type(name, home):  # noqa: ARG001 (no file of this machine)
    clock, dialect = Clock(), DEVICES[name]
    with Double(dialect, clock=clock) as double:
        engine = Engine(Providers({name: double.preset(name)}), MemoryStore(), clock=clock)
        assert typed(engine, double, name, clock).status == "complete"
        (account,) = engine.accounts()
        assert account.username == dialect.username
        first = engine.token(name)
        renewed = engine.token(name, need=Need(rejected=first.digest))
        assert double.refreshes == 1
        bearer = renewed.access_token.reveal()
        sent = {key: value.reveal() for key, value in renewed.headers.items()}
        assert sent == {"Authorization": dialect.header.format(token=bearer)}
        engine.close()


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        (name, *need)
        for name, each in DEVICES.items()
        if name not in DIALECTS
        for need in each.needs
    ],
)
def test_a_device_needs_it_too(name, field, value, home):  # noqa: ARG001 (as above)
    clock = Clock()
    with Double(DEVICES[name], clock=clock) as double:
        table = double.preset(name, **{field: value})
        engine = Engine(Providers({name: table}), MemoryStore(), clock=clock)
        with pytest.raises(AuthError):
            typed(engine, double, name, clock)
        engine.close()


def typed(engine: Engine, double: Double, name: str, clock: Clock) -> Login:
    """Rosa types the code at the provider's page."""
    login = engine.begin(LoginRequest(name, grant="device_code"))
    waiting = engine.device.start(login.id, confirm_by=None)
    double.devices.approve(waiting.user_code)
    clock.advance(10)
    return engine.device.poll(login.id)


def test_slack_refuses_with_200(broker):
    with Double(DIALECTS["slack"]) as double:
        double.script("authorize", troubles.query(code="another"))
        with pytest.raises(AssertionError, match="invalid_code"):
            sign_in(broker, double, "slack")


def test_copernicus_by_a_password(home):  # noqa: ARG001 (as above)
    """Its older way: with another client, which people name themselves."""
    with Double(DEVICES["copernicus"]) as double:
        table = double.preset("copernicus", client_id="cdse-public", grants=["password"])
        double.client_id = "cdse-public"
        engine = Engine(Providers({"copernicus": table}), MemoryStore())
        login = engine.begin(LoginRequest("copernicus"))
        typed, who = engine.typed, (double.username, Secret(double.password))
        ended = typed.password(login.id, *who, host=typed.host(login.id))
        assert ended.status == "complete", ended.error
        engine.close()


def test_no_token_goes_where_the_answer_says_it_should(broker):
    """SECURITY 12: the API's address is the provider's word; its origins are the preset's."""
    with Double(DIALECTS["salesforce"]) as double, RogueProvider() as stranger:
        elsewhere = {"instance_url": stranger.url}
        double.script("token", troubles.fields(**elsewhere))
        session = sign_in(broker, double, "salesforce")
        with pytest.raises(ConfigurationError, match="where the token may not be sent"):
            session.get("thing")
        assert not stranger.requests


def test_a_name_in_the_redirect_is_nobodys_word(broker):
    """The browser brings it, so a person could write any name there."""
    with Double(dataclasses.replace(DIALECTS["zenodo"], answer=as_is)) as double:
        double.script("authorize", troubles.query(who="mallory"))
        session = sign_in(broker, double, "zenodo", username_claim="who")
        assert session.token_fields["who"] == "mallory"
        assert session.username is None


def test_every_preset_has_a_double():
    assert PRESETS.keys() == {*DIALECTS, *DEVICES, *OTHERS}
