"""What a preset's registration lacks is given once, by its person, and kept for nobody else."""

from __future__ import annotations

import stat

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginFailed
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider import client_credentials
from jupyter_auth.core.provider.client_credentials import Credentials
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.secret import Secret
from memory_store import MemoryStore

SECRET = "planted-secret-41d9"
REDIRECT = "https://jupyter.example/jupyter-auth/callback/github"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config" / "providers.toml"


@pytest.fixture
def engine(file):
    return Engine(Providers(user_file=file), MemoryStore())


def set_up(engine, login, host="github.com", **fields):
    given = {"client_id": "mine", "client_secret": Secret(SECRET)} | fields
    given = {name: value for name, value in given.items() if value is not None}
    engine.typed.set_up(login.id, given, host=host)


def test_a_preset_without_a_client_asks_for_one_and_goes_on(engine, file):
    login = engine.begin(LoginRequest("github"))
    assert engine.typed.missing(login.id) == ("client_id", "client_secret")
    assert engine.typed.host(login.id) == "github.com"
    set_up(engine, login)
    assert engine.typed.missing(login.id) == ()
    url, _ = engine.open(login.id, REDIRECT, "alice")
    assert url.startswith("https://github.com/login/oauth/authorize?")
    assert "client_id=mine" in url
    assert Engine(Providers(user_file=file), MemoryStore()).begin(
        LoginRequest("github")
    )  # for good


def test_the_secret_is_in_a_file_of_its_person_alone(engine, file):
    set_up(engine, engine.begin(LoginRequest("github")))
    assert SECRET not in file.read_text()
    (kept,) = [p for p in file.parent.iterdir() if p != file and SECRET in p.read_text()]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    shown = repr(engine.configured("github")) + repr(engine.provider("github"))
    assert SECRET not in shown


def test_where_only_the_secret_is_missing_only_that_is_asked_for(engine, monkeypatch):
    # As where 4insight's own package is not installed.
    monkeypatch.setattr(client_credentials, "from_package", lambda _: Credentials())
    login = engine.begin(LoginRequest("4insight"))
    assert engine.typed.missing(login.id) == ("client_secret",)
    both = "login.microsoftonline.com or 4subseaid.b2clogin.com"
    set_up(engine, login, both, client_id=None)
    assert engine.configured("4insight").client_secret == Secret(SECRET)


@pytest.mark.parametrize("fields", [{"client_id": None}, {"client_secret": None}])
def test_half_of_it_is_refused_and_nothing_kept(engine, file, fields):
    with pytest.raises(ConfigurationError, match="has changed since this page"):
        set_up(engine, engine.begin(LoginRequest("github")), **fields)
    assert not file.exists()


def test_nothing_is_kept_for_another_host_than_was_shown(engine, file):
    with pytest.raises(LoginFailed, match="configuration has changed"):
        set_up(engine, engine.begin(LoginRequest("github")), "evil.example")
    assert not file.exists()


def test_one_that_is_whole_is_not_changed_from_a_page(engine, file):
    login = engine.begin(LoginRequest("github"))
    set_up(engine, login)
    before = file.read_text()
    with pytest.raises(ConfigurationError):
        set_up(engine, login, client_id="mallorys")
    assert file.read_text() == before


GITHUB = {
    "endpoints": {
        "authorization_endpoint": "https://evil.example/authorize",
        "token_endpoint": "https://evil.example/token",
    },
    "client_auth": "post",
}


def test_none_of_a_notebook_or_an_administrator_asks(file):
    """A secret typed for GitHub never goes to what a notebook has put in its place."""
    made = Engine(Providers(user_file=file), MemoryStore())
    login = made.begin(LoginRequest("github"))
    handle = made.register(provider_from_mapping("github", GITHUB)).name
    assert made.typed.host(login.id) == "github.com"
    with pytest.raises(LoginFailed, match="configuration has changed"):
        set_up(made, login, "evil.example")
    with pytest.raises(ConfigurationError, match="no client ID"):
        made.begin(LoginRequest(handle))
    configured = Engine(Providers({"github": GITHUB}, user_file=file), MemoryStore())
    with pytest.raises(ConfigurationError, match="no client ID"):
        configured.begin(LoginRequest("github"))
    closed = Engine(Providers(user_file=file, allow_user_providers=False), MemoryStore())
    with pytest.raises(ConfigurationError):
        closed.begin(LoginRequest("github"))
    assert not file.exists()


def test_without_pages_the_command_is_told(file):
    with pytest.raises(ConfigurationError) as caught:
        LocalAccounts(Providers(user_file=file), MemoryStore()).begin(LoginRequest("github"))
    assert "`jupyter auth add github --client-id ID`" in caught.value.hint
