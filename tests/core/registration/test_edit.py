"""A client that is registered wrongly is corrected on a login's page, where its person may."""

from __future__ import annotations

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginFailed
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from memory_store import MemoryStore

REDIRECT = "https://lab.example/jupyter-auth/callback/acme"
ENDS = {
    "authorization_endpoint": "https://login.acme.example/authorize",
    "token_endpoint": "https://login.acme.example/token",
}
ACME = {"endpoints": ENDS, "client_id": "tpyo", "client_secret": Secret("s3cret")}
HOST = "login.acme.example"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "own" / "providers.toml"


@pytest.fixture
def providers(file):
    found = Providers({"theirs": {"endpoints": ENDS, "client_id": "x"}}, user_file=file)
    found.save("acme", ACME)
    return found


@pytest.fixture
def engine(providers):
    return Engine(providers, MemoryStore())


def edit(engine, login, host=HOST, grant=None, **fields):
    return engine.typed.edit(login.id, {"client_id": "right"} | fields, host=host, grant=grant)


def test_the_client_id_is_corrected_and_the_login_goes_on(engine):
    login = engine.begin(LoginRequest("acme"))
    engine.open(login.id, REDIRECT, "alice")
    assert edit(engine, login).status == "pending"
    assert engine.configured("acme").client_secret == Secret("s3cret")
    url, _ = engine.open(login.id, REDIRECT, "alice")
    assert "client_id=right" in url


def test_a_secret_stays_is_replaced_or_forgotten(engine, file):
    login = engine.begin(LoginRequest("acme"))
    edit(engine, login, client_id="tpyo")
    assert engine.configured("acme").client_secret == Secret("s3cret")
    edit(engine, login, client_secret=Secret("other"))
    assert engine.configured("acme").client_secret == Secret("other")
    edit(engine, login, client_secret="")
    assert engine.configured("acme").client_secret is None
    assert "other" not in file.with_name("client_secrets.json").read_text()


def test_it_is_saved_for_the_host_that_was_shown_alone(engine, file):
    before = file.read_text()
    with pytest.raises(LoginFailed, match="configuration has changed"):
        edit(engine, engine.begin(LoginRequest("acme")), host="evil.example")
    assert file.read_text() == before


def test_a_preset_is_but_none_of_the_administrator_or_a_notebook(engine, file):
    github = engine.begin(LoginRequest("github"))
    edit(engine, github, host="github.com", client_secret=Secret("x"))
    assert engine.configured("github").client_id == "right"
    made = engine.register(provider_from_mapping("made", ACME))
    before = file.read_text()
    for name in ("theirs", made.name):
        login = engine.begin(LoginRequest(name))
        assert not engine.typed.editable(login)
        with pytest.raises(ConfigurationError, match="can't be changed here"):
            edit(engine, login)
    assert file.read_text() == before


def test_where_the_environment_names_the_client_a_page_changes_none(file):
    environ = {"JUPYTER_AUTH_GITHUB_CLIENT_ID": "theirs"}
    engine = Engine(Providers(user_file=file, environ=environ), MemoryStore())
    assert not engine.typed.editable(engine.begin(LoginRequest("github")))
    closed = Providers({"acme": ACME}, user_file=file, allow_user_providers=False)
    engine = Engine(closed, MemoryStore())
    assert not engine.typed.editable(engine.begin(LoginRequest("acme")))


def test_the_grant_that_it_is_registered_for_is_chosen_with_it(engine, providers):
    providers.save("acme", {"grants": ["authorization_code", "password"]})
    login = edit(engine, engine.begin(LoginRequest("acme")), grant="password")
    assert login.grant == "password"
    assert engine.configured("acme").grants[0] == "password"
