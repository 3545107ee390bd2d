"""``jupyter auth import``: the caches of ``fourinsight-api`` and ``bitfount``, read once."""

from __future__ import annotations

import contextlib
import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sign_in import exchanged, party_at
from jupyter_auth import UserSession
from jupyter_auth.cli import main
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.import_accounts import _read
from jupyter_auth.core.provider.field_types import OtherCache
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore
from providers import troubles
from providers.rogue import RogueProvider
from systems.presets import preset_at


@pytest.fixture
def tables(rogue):
    """Both presets, at a provider of this machine."""
    endpoints = {
        "issuer": rogue.issuer,
        "token_endpoint": f"{rogue.issuer}/token",
        "jwks_uri": f"{rogue.issuer}/jwks",
        "authorization_endpoint": f"{rogue.issuer}/authorize",
    }
    common = {"client_id": rogue.client_id, "client_auth": "none", "endpoints": endpoints}
    common |= {"base_url": rogue.issuer, "api_origins": [], "credentials_from": None}
    four = preset_at("4insight", {}, **common)
    four["paste"] = {"url": rogue.issuer, "hosts": [rogue.issuer.removeprefix("http://")]}
    bit = preset_at("bitfount", {}, username_claim="preferred_username", **common)
    bit["import_from"]["matches"]["client_id"] = rogue.client_id
    return {"4insight": four, "bitfount": bit}


@pytest.fixture
def engine(home, tables, tmp_path, monkeypatch):
    for name in ("BITFOUNT_HOME", "BITFOUNT_STORAGE_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    made = Engine(Providers(tables), MemoryStore(), home=home)
    with BrokerSocket(made, tmp_path / "runtime") as kernel_api:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
        yield made
    made.close()


@pytest.fixture
def refresh_token(rogue):
    """Makes one for a sign-in of its own."""

    def make():
        return exchanged(party_at(rogue), rogue).refresh_token.reveal()

    return make


def write(path, said):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(said if isinstance(said, str) else json.dumps(said))


def fourinsights(rogue, token, **changes):
    """As ``fourinsight-api`` 0.1.24 writes it."""
    said = {"token_url": f"{rogue.issuer}/token", "access_token": "old", "token_type": "Bearer"}
    said |= {"expires_in": 3600, "scope": ["a"], "expires_at": time.time() - 1}
    return said | {"refresh_token": token} | changes


def bitfounts(rogue, token, **changes):
    """As ``bitfount`` 0.5.86 writes it."""
    said = {"access_token": "old", "refresh_token": token, "id_token": "x.y.z"}
    said |= {"access_token_expires_at": 1.0, "auth_domain": "auth.bitfount.com"}
    said |= {"client_id": rogue.client_id, "scopes": "profile openid offline_access"}
    return said | {"audience": "https://hub.bitfount.com/api"} | changes


def test_4insight_the_one_that_has_no_name(engine, home, rogue, refresh_token, capsys):
    path = home / ".fourinsight/api/token"
    write(path, fourinsights(rogue, refresh_token()))
    before = path.read_bytes()
    assert main(["import", "4insight"]) == 0
    assert f"Signed in to 4insight as rosa, from {path}." in capsys.readouterr().out
    assert UserSession("4insight", interactive=False).get("/api/x").ok
    assert path.read_bytes() == before  # it is theirs
    assert len(engine.accounts()) == 1
    (sent,) = rogue.seen("refresh")
    assert sent.form["client_id"] == rogue.client_id


def test_4insight_several_keep_their_names(engine, home, rogue, refresh_token):
    write(home / ".fourinsight/api/token", fourinsights(rogue, refresh_token()))
    write(home / ".fourinsight/api/token.my_unique_0", fourinsights(rogue, refresh_token()))
    write(home / ".config/.fourinsight/api/token.mac", fourinsights(rogue, refresh_token()))
    assert main(["import", "4insight"]) == 0
    keys = {account.session_key for account in engine.accounts()}
    assert keys == {"default", "my_unique_0", "mac"}


def test_bitfount_the_provider_says_whose_it_is(engine, home, rogue, refresh_token, capsys):
    """Their folder's name may be wrong: 0.5.30 kept whoever signed in under the name asked for."""
    write(home / ".bitfount/alice/.token", bitfounts(rogue, refresh_token()))
    assert main(["import", "bitfount"]) == 0
    assert "as rosa" in capsys.readouterr().out
    (account,) = engine.accounts()
    assert (account.username, account.session_key) == ("rosa", "default")


@pytest.mark.usefixtures("engine")
def test_a_doubted_id_token_costs_no_sign_in(home, rogue, refresh_token):
    """The refresh has used up the token of the file."""
    write(home / ".bitfount/alice/.token", bitfounts(rogue, refresh_token()))
    rogue.script("refresh", troubles.fields(id_token="x.y.z"), times=1)
    assert main(["import", "bitfount"]) == 0
    assert UserSession("bitfount", interactive=False).get("/api/x").ok
    assert not UserSession("bitfount", interactive=False).id_token


@pytest.mark.usefixtures("engine")
def test_bitfount_several_are_found_by_their_user_names(home, rogue, refresh_token):
    for folder in ("rosa", "bob"):
        rogue.sub = f"u-{folder}"
        write(home / f".bitfount/{folder}/.token", bitfounts(rogue, refresh_token()))
    by_token = {
        json.loads((home / f".bitfount/{name}/.token").read_text())["refresh_token"]: name
        for name in ("rosa", "bob")
    }

    def refreshed(proceed):
        rogue.username = by_token[rogue.seen("refresh")[-1].form["refresh_token"]]
        rogue.sub = f"u-{rogue.username}"
        return proceed()

    rogue.script("refresh", refreshed)
    assert main(["import", "bitfount"]) == 0
    for name in ("rosa", "bob"):
        session = UserSession("bitfount", username=name, interactive=False)
        assert (session.username, session.session_key) == (name, name)
        assert session.get("/api/x").json()["sub"] == f"u-{name}"


def test_bitfount_one_more_is_taken_beside_who_is_signed_in(engine, home, rogue, refresh_token):
    write(home / ".bitfount/rosa/.token", bitfounts(rogue, refresh_token()))
    assert main(["import", "bitfount"]) == 0
    (home / ".bitfount/rosa/.token").unlink()
    rogue.sub, rogue.username = "u-bob", "bob"
    write(home / ".bitfount/bob/.token", bitfounts(rogue, refresh_token()))
    assert main(["import", "bitfount"]) == 0
    keys = {account.username: account.session_key for account in engine.accounts()}
    assert keys == {"rosa": "default", "bob": "bob"}


@pytest.mark.parametrize(
    ("variable", "place"), [("BITFOUNT_HOME", ".bitfount"), ("BITFOUNT_STORAGE_PATH", "")]
)
def test_bitfount_a_variable_moves_it(engine, rogue, refresh_token, variable, place):
    moved = engine._home / "moved"
    os.environ[variable] = str(moved)  # the fixture takes it away again
    write(moved / place / "_default" / ".token", bitfounts(rogue, refresh_token()))
    assert main(["import", "bitfount"]) == 0
    assert [each.session_key for each in engine.accounts()] == ["default"]


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"audience": "https://elsewhere"},
        {"auth_domain": "evil.example"},
        {"scopes": "openid"},
    ],
)
def test_a_cache_of_another_configuration_is_left(engine, home, rogue, refresh_token, change):
    write(home / ".bitfount/a/.token", bitfounts(rogue, refresh_token(), **change))
    (found,) = engine.import_accounts("bitfount")
    assert "a different client" in found.problem
    assert rogue.seen("refresh") == []


def test_a_token_url_elsewhere_gets_nothing(engine, home, rogue, refresh_token, capsys):
    with RogueProvider() as evil:
        said = fourinsights(rogue, refresh_token(), token_url=f"{evil.issuer}/token")
        write(home / ".fourinsight/api/token", said)
        assert main(["import", "4insight"]) == 1
        assert "Nothing was sent" in capsys.readouterr().err
        assert evil.requests == []
    assert engine.accounts() == []


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "null", "{}", '{"refresh_token": 5}', '{"refresh_token": ""}']
)
def test_a_file_that_is_none_is_named(engine, home, said):
    write(home / ".fourinsight/api/token", said)
    (found,) = engine.import_accounts("4insight")
    assert found.problem
    assert engine.accounts() == []


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "token"
    path.write_bytes(content)
    with contextlib.suppress(ConfigurationError):
        assert isinstance(_read(path, OtherCache(paths=())), dict)


def test_a_sign_in_that_ended_there(engine, home, rogue, refresh_token):
    token = refresh_token()
    write(home / ".fourinsight/api/token", fourinsights(rogue, token))
    rogue.script("refresh", troubles.error("invalid_grant"), times=1)
    (found,) = engine.import_accounts("4insight")
    assert "ended" in found.problem
    rogue.script("refresh", troubles.status(503), times=1)
    (found,) = engine.import_accounts("4insight")
    assert "503" in found.problem
    assert [each.problem for each in engine.import_accounts("4insight")] == [""]  # nothing is lost


def test_whoever_is_signed_in_is_not_replaced(engine, home, rogue, refresh_token):
    write(home / ".fourinsight/api/token", fourinsights(rogue, refresh_token()))
    assert engine.import_accounts("4insight")[0].problem == ""
    spent = len(rogue.seen("refresh"))
    assert "already" in engine.import_accounts("4insight")[0].problem
    assert len(rogue.seen("refresh")) == spent


def test_there_is_nothing_to_import(engine, capsys):
    assert main(["import", "4insight"]) == 1
    assert "jupyter auth login 4insight" in capsys.readouterr().err
    assert main(["import", "github"]) == 1
    assert "No other package is known" in capsys.readouterr().err
    assert engine.accounts() == []


def test_a_provider_that_a_notebook_made_reads_no_files(engine, home, rogue, refresh_token):
    write(home / ".fourinsight/api/token", fourinsights(rogue, refresh_token()))
    cache = OtherCache(paths=("~/.fourinsight/api/token",))
    with RogueProvider() as evil:
        mine = Provider(name="mine", issuer=evil.issuer, client_id="x", import_from=cache)
        made = engine.register(mine)
        with pytest.raises(ConfigurationError, match="made in a notebook"):
            engine.import_accounts(made.name)
        assert evil.seen("token") == []


def test_an_engine_of_many_users_reads_nobodys_files(tables):
    engine = Engine(Providers(tables), MemoryStore())
    with pytest.raises(ConfigurationError, match="Importing is not available on this server"):
        engine.import_accounts("4insight")
    engine.close()
