"""An API's address stands for its provider, wherever a provider's name does."""

from __future__ import annotations

import contextlib

import pytest
import requests

from jupyter_auth import terminal
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginRequired, ProviderNotFound
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.doctor import examine
from jupyter_auth.kernel.http.other_clients import credential, httpx_auth
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.session.user_session import UserSession, token
from kernel.kernel_process import Kernel
from kernel.sign_in import person, sign_in
from patience import until
from providers.protected_api import ProtectedAPI


@pytest.fixture
def engine(home, tmp_path):  # noqa: ARG001
    made = Engine(Providers(user_file=tmp_path / "providers.toml"), FileStore(tmp_path / "store"))
    yield made
    made.close()


@pytest.fixture
def api(rogue):
    with ProtectedAPI(rogue.issuer) as made:
        made.takes = rogue.active
        yield made


@pytest.fixture
def added(kernel_api, api, rogue, capsys):  # noqa: ARG001
    """The API's provider, with a client that somebody registered; the name."""
    assert terminal.run(["add", api.address, "--client-id", rogue.client_id]) == 0
    assert f"Added {api.url.partition('://')[2]}" in capsys.readouterr().out
    return verbs.named(api.address)


@pytest.fixture
def rosa(added, engine, rogue, api):
    """She has signed in there; what was asked of the API is forgotten."""
    assert sign_in(engine, rogue, engine.begin(LoginRequest(added))).status == "complete"
    api.requests.clear()
    return added


def test_from_an_address_to_an_answer(added, engine, rogue, api):
    with person(engine, rogue), UserSession(api.address, interactive=True) as session:
        assert session.get(api.address).json() == {"hello": "world"}
        assert session.get("/mcp").json() == {"hello": "world"}  # joined to it
        assert session.provider == added


def test_a_known_address_is_not_asked(rosa, api):
    with UserSession(api.address, interactive=False) as session:
        assert api.requests == []
        assert session.get(api.address).ok
        assert session.provider == rosa
    assert token(api.address) == credential(api.address).get_token().token
    assert requests.get(api.address, auth=TokenAuth(api.address), timeout=5).ok
    assert httpx_auth(api.address).origins == (api.url,)
    assert {each.path for each in api.requests} == {"/mcp"}


def test_nor_where_both_servers_are_away(rosa, tmp_path, api, rogue):
    """A new process, with what is kept: a valid token needs neither of them."""
    kept = token(rosa)
    for each in (api, rogue):
        each._server.stop()
    again = Engine(Providers(user_file=tmp_path / "providers.toml"), FileStore(tmp_path / "store"))
    with contextlib.closing(again):
        assert connect.provider_of(again, api.address).name == rosa
        name = connect.name_of(again, api.address)
        assert connect.token_of(again, name, "default").access_token.reveal() == kept
    assert token(api.address) == kept
    with UserSession(api.address, interactive=False) as session:
        assert session.provider == rosa


def test_a_token_is_not_asked_for_before_somebody_has_signed_in(kernel_api, api):  # noqa: ARG001
    with pytest.raises(LoginRequired, match=f"jupyter auth login {verbs.named(api.address)}"):
        token(api.address)


def test_the_verbs_take_it(rosa, api, capsys):
    assert str(verbs.status(api.address)) == str(verbs.status(rosa))
    assert rosa in str(verbs.status(api.address))
    assert f"Provider {rosa}" in str(examine(api.address, lambda _: None).text(colour=False))
    assert terminal.run(["token", api.address]) == 0
    assert capsys.readouterr().out.strip() == token(rosa)
    assert verbs.logout(api.address).startswith(f"Signed out of {rosa}.")
    assert "You're not signed in" in verbs.logout(api.address)


def test_so_does_a_notebook(added, kernel_api, engine, api, tmp_path):
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        kernel.ok(f"%auth login {api.address}")
        until(lambda: [each.provider for each in engine.logins()] == [added])
        assert "signing in" in kernel.ok(f"%auth status {api.address}").text()
        kernel.ok(f"%auth use {api.address}")


@pytest.mark.parametrize("verb", ["status", "logout"])
def test_who_signs_out_of_nothing_has_nothing_found(kernel_api, engine, api, verb):  # noqa: ARG001
    with pytest.raises(ProviderNotFound, match=f"`jupyter auth login {api.address}`"):
        terminal.run([verb, api.address])
    assert api.requests == []
    assert engine._providers.saved_names() == []


def test_what_is_wrong_there_is_said_here(kernel_api, api):  # noqa: ARG001
    api.metadata["resource"] = "https://other.example/"
    for call in (UserSession, token, TokenAuth, credential):
        with pytest.raises(Exception, match=r"is for another API than"):
            call(api.address)


def test_an_api_that_does_not_say_is_added_as_the_error_says(kernel_api, api, rogue):  # noqa: ARG001
    api.challenge, api.metadata = None, {}
    with pytest.raises(ConfigurationError) as refused:
        token(api.address)
    line = f"jupyter auth add NAME --issuer URL --client-id ID --base-url {api.address}"
    assert line in refused.value.hint
    words = line.replace("NAME", "mine").replace("URL", rogue.issuer).replace("ID", "x").split()
    assert terminal.run(words[2:]) == 0
    assert verbs.named(api.address) == "mine"


def test_a_name_is_never_taken_for_an_address(kernel_api):  # noqa: ARG001
    with pytest.raises(ProviderNotFound, match=r"No provider is called .mcp\.acme\.example."):
        UserSession("mcp.acme.example")
    with pytest.raises(ConfigurationError, match="not an http or https URL"):
        UserSession("ftp://mcp.acme.example")
