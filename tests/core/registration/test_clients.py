"""Sign-ins without a configured client, at a real provider where clients register themselves."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import REDIRECT_URI, account_of, arrive, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, RefreshRejected
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.registration.registrations import (
    FileRegistrations,
    Registration,
    place_of,
)
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.store import FileStore
from patience import until
from providers.oidc import OidcProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def registering() -> Iterator[OidcProvider]:
    """It also lets clients delete their registration."""
    with OidcProvider(features={"registrationManagement": {"enabled": True}}) as provider:
        yield provider


@pytest.fixture
def made(registering: OidcProvider, files: FileStore) -> Iterator[Callable[..., Engine]]:
    """Makes engines whose provider ``idp`` has no client; they share one store."""
    engines: list[Engine] = []

    def make(store: Any = files, clock: Any = time.time, **fields: Any) -> Engine:
        idp = table(registering, client_id=None, **fields)
        engines.append(Engine(Providers({"idp": idp}), store, clock=clock))
        return engines[-1]

    yield make
    for each in engines:
        each.close()


@pytest.fixture
def engine(made: Callable[..., Engine]) -> Engine:
    return made()


def registered(engine: Engine) -> list[Any]:
    return engine._clients._store.read(place_of(engine._parties.of("idp")))


def test_a_sign_in_registers_its_client_and_is_renewed_by_it(engine, registering):
    account = sign_in(engine, registering)
    (kept,) = registered(engine)
    assert account.client_id == kept.client_id
    assert kept.redirect_uri == REDIRECT_URI
    before = engine.token("idp")
    assert engine.token("idp", need=Need(rejected=before.digest)).digest != before.digest
    assert account_of(engine).client_id == kept.client_id


def test_the_next_sign_in_uses_the_same_client(made, registering):
    first = sign_in(made(), registering)
    second = sign_in(made(), registering)  # another process
    assert second.client_id == first.client_id
    assert second.fingerprint == first.fingerprint


def test_a_forgotten_client_is_registered_again_for_the_same_account(made, registering):
    engine = made()
    first = sign_in(engine, registering)
    registering.forget_clients()
    with pytest.raises(RefreshRejected, match="no longer knows the client"):
        engine.token("idp", need=Need(rejected=engine.token("idp").digest))
    second = sign_in(engine, registering)
    assert second.client_id != first.client_id
    assert second.key == first.key
    assert second.person == first.person
    assert [each.key for each in engine.accounts()] == [first.key]
    assert len(registered(engine)) == 1


def test_a_client_forgotten_on_the_way_says_to_start_again(engine, registering):
    login = engine.begin(LoginRequest("idp"))
    callback = arrive(engine, login, registering)
    registering.forget_clients()
    ended = callback.finish(engine)
    assert ended.status == "failed"
    assert "no longer knows the client" in ended.error["message"]
    assert ended.error["next_step"]["step"] == "start_again"
    assert sign_in(engine, registering).client_id


def test_a_device_login_registers_too_and_again(made, registering):
    ahead = itertools.count()  # each look at the clock is a second later: no interval is waited for
    engine = made(clock=lambda: time.time() + next(ahead))

    def signed_in() -> Any:
        login = engine.begin(LoginRequest("idp", grant="device_code"))
        shown = engine.device.start(login.id, confirm_by=None)
        registering.approve_device(shown.verification_uri_complete)
        until(lambda: engine.device.poll(login.id).status != "pending")
        assert engine.login(login.id).status == "complete", engine.login(login.id).error
        return account_of(engine)

    first = signed_in()
    registering.forget_clients()
    second = signed_in()  # the client counted as known, and is registered again at once
    assert first.client_id != second.client_id
    assert engine.token("idp", need=Need(rejected=engine.token("idp").digest))


def test_two_redirect_uris_are_two_clients_side_by_side(engine, registering):
    first = sign_in(engine, registering)
    login = engine.begin(LoginRequest("idp", "other"))
    elsewhere = REDIRECT_URI.replace("8888", "8889")
    url, _ = engine.open(login.id, elsewhere, "jovyan")
    clients = {each.redirect_uri: each.client_id for each in registered(engine)}
    assert clients.keys() == {REDIRECT_URI, elsewhere}
    assert clients[REDIRECT_URI] == first.client_id
    assert clients[elsewhere] in url
    assert engine.token("idp", need=Need(rejected=engine.token("idp").digest))


def test_more_scopes_are_another_client_and_fewer_are_not(engine, registering):
    sign_in(engine, registering, scopes=("openid", "email"))
    sign_in(engine, registering, "idp", "fewer", scopes=("openid",))
    assert len(registered(engine)) == 1
    sign_in(engine, registering, "idp", "more", scopes=("openid", "api:read"))
    assert len(registered(engine)) == 2


def test_a_configured_client_comes_first(made, registering):
    engine = made()
    idp = table(registering)
    configured = Engine(Providers({"idp": idp}), FileStore(engine._store.directory / "other"))
    account = sign_in(configured, registering)
    assert account.client_id is None
    assert registered(configured) == []


def test_signing_out_revokes_by_the_client_of_the_account(engine, registering):
    account = sign_in(engine, registering)
    assert engine.logout("idp").revoked
    assert not registering.introspect(account.refresh_token.reveal())["active"]


def test_nothing_is_registered_where_that_is_not_offered(files):
    with OidcProvider(features={"registration": {"enabled": False}}) as provider:
        idp = table(provider, client_id=None)
        where = f"Register an application at {provider.issuer.partition('//')[2]}, then"
        with pytest.raises(ConfigurationError, match=f"has no client ID. {where}"):
            Engine(Providers({"idp": idp}), files).begin(LoginRequest("idp"))


def test_a_registration_is_kept_privately_and_not_shown(engine, registering, files):
    sign_in(engine, registering)
    (kept,) = registered(engine)
    token = kept.access_token.reveal()
    assert token not in repr(kept)
    (file,) = (files.directory / "registrations").glob("*.json")
    assert token in file.read_text()


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_its_file_is_born_for_its_owner_alone(files, umask):
    before = os.umask(umask)
    try:
        with FileRegistrations(files.directory).change("place") as entries:
            entries.append(Registration(client_id="planted"))
    finally:
        os.umask(before)
    for file in (files.directory / "registrations").iterdir():
        assert file.stat().st_mode & 0o077 == 0
