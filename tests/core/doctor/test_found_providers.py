"""Doctor on a provider that an API's address led to, whose client registered itself."""

from __future__ import annotations

import pytest

from core.registration.registering import RegisteringRogue
from core.sign_in import REDIRECT_URI, USER, sign_in
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers.protected_api import ProtectedAPI
from providers.troubles import Reply, status


@pytest.fixture
def rogue():
    with RegisteringRogue() as provider:
        yield provider


@pytest.fixture
def api(rogue):
    with ProtectedAPI(rogue.issuer) as made:
        yield made


@pytest.fixture
def engine(tmp_path):
    made = LocalAccounts(Providers(user_file=tmp_path / "providers.toml"), MemoryStore())
    yield made
    made.close()


@pytest.fixture
def name(engine, api):
    return engine.find(api.address).name


def found(engine, name):
    return {each.about: each for each in engine.examine(name)}


def test_before_the_first_sign_in(engine, name, api):
    said = found(engine, name)
    assert "registers itself at" in said["Client"].says
    assert "Redirect URI" not in said  # there is nothing to register
    assert said["API"].says == f"{api.address} says the same as when it was added."
    assert {each.state for each in said.values()} == {"ok"}


def test_and_after_it(engine, name, rogue):
    sign_in(engine, rogue, name)
    assert found(engine, name)["Client"].says.startswith(f"{rogue.client_id}, which registered")
    engine.open(engine.begin(LoginRequest(name)).id, f"{REDIRECT_URI}/2", USER)
    said = found(engine, name)["Client"].says
    assert said.startswith(f"{rogue.client_id}, which registered itself at ")
    assert said.endswith(", as did 1 more for other ways to return.")


def test_where_registering_is_refused_there_is_something_to_register(engine, name, rogue):
    rogue.script("register", status(403))
    with pytest.raises(Exception, match="HTTP 403"):
        engine.open(engine.begin(LoginRequest(name)).id, REDIRECT_URI, USER)
    said = found(engine, name)
    assert said["Client"].state == "wrong"
    assert said["Redirect URI"].says.startswith("Register http")


def test_an_api_that_names_another_server_since_is_noted_and_the_remedy_works(engine, name, api):
    with RegisteringRogue() as other:
        api.metadata["authorization_servers"] = [other.issuer]
        said = found(engine, name)["API"]
        assert said.state == "note"
        assert f"the authorization server {other.issuer}, not " in said.says
        assert f"`jupyter auth remove {name}`" in said.fix
        engine.remove(name)
        assert engine.find(api.address).name == name
        assert found(engine, name)["API"].state == "ok"


def test_so_is_another_identifier(engine, name, api):
    api.metadata["resource"] = api.url
    said = found(engine, name)["API"]
    assert said.says == f"{api.address} now names the identifier {api.url}, not {api.address}."


def test_an_api_that_is_away_is_wrong(engine, name, api):
    api.answers["/.well-known/oauth-protected-resource/mcp"] = Reply(503)
    assert found(engine, name)["API"].state == "wrong"
