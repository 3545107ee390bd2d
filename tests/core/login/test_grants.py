"""A registration may be for one of a provider's grants alone: a person chooses it, once."""

from __future__ import annotations

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginExpired, LoginRequired
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.secret import Secret
from memory_store import MemoryStore

REDIRECT = "https://jupyter.example/jupyter-auth/callback/insiders"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config" / "providers.toml"


@pytest.fixture
def engine(file):
    return Engine(Providers(user_file=file), MemoryStore())


@pytest.fixture
def login(engine):
    """Of somebody who was asked for the registration, and said nothing of its grant."""
    login = engine.begin(LoginRequest("insiders"))
    set_up(engine, login)
    return login


def set_up(engine, login, **how):
    fields = {"client_id": "ams", "client_secret": Secret("s-77")}
    engine.typed.set_up(login.id, fields, host="api.asi.swiss", **how)


@pytest.mark.parametrize("grant", ["password", "authorization_code", None])
def test_it_is_asked_for_with_the_registration(engine, file, grant):
    login = engine.begin(LoginRequest("insiders"))
    assert engine.typed.alternatives(login.id) == ("password",)
    set_up(engine, login, grant=grant)
    chosen = grant or "authorization_code"
    assert engine.login(login.id).grant == chosen
    again = Engine(Providers(user_file=file), MemoryStore())
    assert again.begin(LoginRequest("insiders")).grant == chosen  # for good


def test_a_login_goes_on_by_another_grant_for_all_who_wait(engine, login):
    url, binding = engine.open(login.id, REDIRECT, "me")
    chosen = engine.typed.choose(login.id, "password")
    assert (chosen.id, chosen.grant, chosen.status) == (login.id, "password", "pending")
    assert engine.typed.host(login.id) == "api.asi.swiss"
    assert engine.begin(LoginRequest("insiders")).id == login.id  # it is the preferred one now
    state = url.partition("state=")[2].partition("&")[0]
    with pytest.raises(LoginExpired):  # what a browser had opened of it before
        engine.finish(
            AuthorizationResponse(
                "insiders",
                {"state": state, "code": "c"},
                {binding.name: binding.value},
                "me",
                confirm_by=None,
            )
        )
    assert engine.typed.choose(login.id, "authorization_code").grant == "authorization_code"
    assert engine.typed.alternatives(login.id) == ("password",)


def test_only_a_grant_of_the_provider_is_chosen(engine, login):
    with pytest.raises(ConfigurationError, match="does not support the grant 'device_code'"):
        engine.typed.choose(login.id, "device_code")
    assert engine.login(login.id).grant == "authorization_code"


def test_one_that_the_administrator_configured_is_chosen_for_this_once(file):
    table = {"client_id": "ams", "client_secret": "s"}
    engine = Engine(Providers({"insiders": table}, user_file=file), MemoryStore())
    login = engine.begin(LoginRequest("insiders"))
    assert engine.typed.choose(login.id, "password").grant == "password"
    assert not file.exists()
    engine.cancel(login.id)
    assert engine.begin(LoginRequest("insiders")).grant == "authorization_code"


def test_nothing_is_typed_for_one_that_a_notebook_made(engine):
    """SECURITY 10."""
    made = engine.register(
        provider_from_mapping(
            "own",
            {
                "endpoints": {
                    "token_endpoint": "https://evil.example/token",
                    "authorization_endpoint": "https://evil.example/authorize",
                },
                "client_id": "x",
                "grants": ["authorization_code", "password"],
            },
        )
    )
    login = engine.begin(LoginRequest(made.name))
    assert engine.typed.alternatives(login.id) == ()
    with pytest.raises(ConfigurationError, match="made in a notebook"):
        engine.typed.choose(login.id, "password")


def test_a_login_that_has_ended_stays_as_it_is(engine, login):
    engine.cancel(login.id)
    with pytest.raises(Exception, match="cancelled"):
        engine.typed.choose(login.id, "password")
    assert engine.login(login.id).grant == "authorization_code"
    with pytest.raises(LoginRequired):
        engine.token("insiders")
