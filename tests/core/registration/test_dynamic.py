"""What is asked of a registration endpoint (RFC 7591), and what of its answer is believed."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from core.registration.registering import RegisteringRogue
from core.sign_in import REDIRECT_URI, account_of, arrive, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.parties import Client
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.registration import dynamic
from jupyter_auth.core.registration.registrations import (
    FileRegistrations,
    RegistrationRefused,
    place_of,
)
from jupyter_auth.core.tokens.need import Need
from providers.troubles import MISSING, error, fields, html, json_value, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import Clock
    from jupyter_auth.core.registration.registrations import Registration
    from jupyter_auth.core.tokens.store import FileStore

ELSEWHERE = "https://evil.example/jupyter-auth/callback/idp"


@pytest.fixture
def rogue() -> Iterator[RegisteringRogue]:
    with RegisteringRogue() as provider:
        yield provider


@pytest.fixture
def make(clock: Clock, files: FileStore) -> Iterator[Callable[..., Engine]]:
    """Engines over the same files, as those of several programs of a person."""
    made: list[Engine] = []

    def make(server: RegisteringRogue) -> Engine:
        server.clock = clock
        idp = table(server, client_id=None)
        made.append(Engine(Providers({"idp": idp}), files, clock=clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def engine(make: Callable[..., Engine], rogue: RegisteringRogue) -> Engine:
    return make(rogue)


def kept(engine: Engine) -> list[Registration]:
    return engine._clients._store.read(place_of(engine._parties.of("idp")))


def opened(engine: Engine) -> str:
    return engine.open(engine.begin(LoginRequest("idp")).id, REDIRECT_URI, "jovyan")[0]


def refused(engine: Engine, match: str) -> None:
    with pytest.raises(RegistrationRefused, match=match) as caught:
        opened(engine)
    assert caught.value.next_step
    assert caught.value.next_step.step == "add_provider"
    assert kept(engine) == []


def test_nothing_private_is_registered(engine, rogue):
    sign_in(engine, rogue)
    (asked,) = rogue.asked
    assert asked == {
        "client_name": "Jupyter",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "scope": "openid",
    }


def test_a_server_elsewhere_is_named(rogue, engine):
    uri = "https://hub.example/services/jupyter-auth/callback/idp"
    engine._clients.for_sign_in(engine._parties.of("idp"), uri, ("openid",))
    assert rogue.asked[-1]["client_name"] == "Jupyter on hub.example"
    assert rogue.asked[-1]["application_type"] == "web"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_where_one_is_wanted(make, method):
    with RegisteringRogue(methods=(method,)) as rogue:
        engine = make(rogue)
        account = sign_in(engine, rogue)
        assert account.client_id == rogue.client_id
        assert engine.token("idp", need=Need(rejected=engine.token("idp").digest))
        account = account_of(engine)
        assert engine.logout("idp").revoked
        assert account.refresh_token.reveal() in rogue.revoked


def test_no_secret_is_wanted_also_where_that_is_not_listed(engine, rogue):
    """As at the servers of MCP's SDK, which take it."""
    offered = ["client_secret_post", "client_secret_basic"]
    rogue.metadata |= {"token_endpoint_auth_methods_supported": offered}
    sign_in(engine, rogue)
    assert [each["token_endpoint_auth_method"] for each in rogue.asked] == ["none"]


def test_scopes_that_cannot_be_registered_are_left_out(engine, rogue):
    rogue.script("register", error("invalid_client_metadata", description="scope"), times=3)
    sign_in(engine, rogue)
    assert "scope" in rogue.asked[0]
    assert "scope" not in rogue.asked[-1]


@pytest.mark.parametrize("uris", [[ELSEWHERE], [REDIRECT_URI, ELSEWHERE], []])
def test_another_redirect_uri_than_ours_is_refused(engine, rogue, uris):
    rogue.script("register", fields(redirect_uris=uris))
    refused(engine, "another redirect URI")


@pytest.mark.parametrize(
    "answer",
    [
        fields(client_id=MISSING),
        fields(client_id=""),
        fields(client_id=["a"]),
        fields(client_id="a b\n"),
        fields(client_id="x" * 5000),
        fields(token_endpoint_auth_method="private_key_jwt"),
        fields(token_endpoint_auth_method=["none"]),
        fields(token_endpoint_auth_method="client_secret_basic"),
        fields(redirect_uris="everywhere"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(engine, rogue, answer):
    rogue.script("register", answer)
    refused(engine, "registered a client")


@pytest.mark.parametrize("answer", [html(201), json_value([], 201), status(201, "{" * 5000)])
def test_no_answer_is_an_error(engine, rogue, answer):
    rogue.script("register", answer)
    with pytest.raises(AuthError):
        opened(engine)
    assert kept(engine) == []


def test_an_endless_answer_ends(engine, rogue):
    rogue.script("register", status(201, "x" * (2 << 20)))
    with pytest.raises(AuthError, match="more than 1 MiB"):
        opened(engine)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_says_why_and_is_not_repeated(engine, rogue, code):
    rogue.script("register", status(code))
    refused(engine, f"HTTP {code}")
    assert len(rogue.asked) == 1
    with pytest.raises(ConfigurationError, match="no client ID"):  # the set-up page is next
        engine.begin(LoginRequest("idp", "other"))
    assert f"HTTP {code}" in engine._clients.problem(engine._parties.of("idp"))


def test_a_refusal_does_not_last(engine, rogue, clock):
    rogue.script("register", status(403), times=1)
    refused(engine, "HTTP 403")
    clock.advance(601)
    sign_in(engine, rogue)


def test_management_elsewhere_is_not_believed(engine, rogue):
    rogue.script("register", fields(registration_client_uri=f"{ELSEWHERE}/mine"))
    sign_in(engine, rogue)
    (found,) = kept(engine)
    assert (found.managed_at, found.access_token) == ("", None)


def test_what_a_registration_holds_is_never_shown(make, caplog):
    caplog.set_level(logging.DEBUG)
    with RegisteringRogue(methods=("client_secret_basic",)) as rogue:
        engine = make(rogue)
        sign_in(engine, rogue)
        (found,) = kept(engine)
        party = engine._parties.of("idp", found.client_id)
        new = dynamic.register(party, REDIRECT_URI, ("openid",))
        secrets = [found.client_secret.reveal(), rogue.client_secret, rogue.management_token]
        with pytest.raises(AuthError) as caught:
            engine.token("idp", need=Need(rejected=engine.token("idp").digest))
        shown = f"{new!r}{found!r}{party!r}{caught.value!r}{caught.value.to_wire()}{caplog.text}"
        shown += json.dumps([str(vars(each)) for each in engine.providers()])
        assert not [each for each in secrets if each in shown]


def test_a_registration_is_never_used_at_another_issuer(engine, rogue, make):
    sign_in(engine, rogue)
    (mine,) = kept(engine)
    with RegisteringRogue() as other:
        theirs = make(other)
        assert kept(theirs) == []
        party = theirs._parties.of("idp", mine.client_id)
        assert party.registered == Client(client_id=mine.client_id)  # without any secret
        sign_in(theirs, other)
        assert kept(theirs) != [mine]


def test_an_endpoint_that_moves_gets_no_secret(engine, rogue, clock):
    sign_in(engine, rogue)
    rogue.metadata |= {"revocation_endpoint": f"{rogue.url}/elsewhere"}
    clock.advance(3601)
    assert kept(engine) == []


def test_a_secret_is_renewed_before_its_end(make, clock):
    with RegisteringRogue(methods=("client_secret_basic",)) as rogue:
        engine = make(rogue)
        end = clock() + 1000
        rogue.script("register", fields(client_secret_expires_at=end), times=2)
        first = sign_in(engine, rogue)
        clock.advance(945)
        second = sign_in(engine, rogue, "idp", "second")
        assert second.client_id != first.client_id


def test_programs_that_register_at_once_share_one_client(make, rogue):
    engines = [make(rogue) for _ in range(4)]
    urls: list[str] = []
    threads = [threading.Thread(target=lambda e=each: urls.append(opened(e))) for each in engines]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(urls) == 4
    assert len(rogue.asked) == 1


def test_a_client_that_is_forgotten_is_found_out_before_leaving(make, rogue):
    first = sign_in(make(rogue), rogue)
    rogue.client_id = "forgotten"
    url = opened(make(rogue))  # another process, which does not know yet
    assert first.client_id not in url
    assert rogue.client_id in url


def test_a_server_that_has_restarted_since_is_asked(engine, rogue, clock):
    """It keeps its clients in memory: a browser would not come back from it."""
    sign_in(engine, rogue)
    rogue.client_id = "forgotten"
    clock.advance(120)
    engine.logout("idp")
    assert sign_in(engine, rogue).client_id == rogue.client_id
    assert len(rogue.asked) == 2


def test_a_damaged_file_is_registered_over(make, rogue, files):
    engine = make(rogue)
    sign_in(engine, rogue)
    (file,) = (files.directory / "registrations").glob("*.json")
    file.write_text("{")
    sign_in(engine, rogue)
    assert len(kept(engine)) == 1
    assert isinstance(FileRegistrations(files.directory).read(file.stem), list)


def test_a_registration_is_deleted_there(engine, rogue):
    sign_in(engine, rogue)
    assert engine._clients.remove(engine._parties.of("idp")) == []
    assert rogue.client_id == ""
    assert kept(engine) == []


def test_what_cannot_be_deleted_is_said(engine, rogue):
    sign_in(engine, rogue)
    rogue.script("manage", status(405))
    (said,) = engine._clients.remove(engine._parties.of("idp"))
    assert "HTTP 405" in said
    assert kept(engine) == []
    assert dynamic.delete(engine._parties.of("idp"), _unmanaged()).endswith("their registration.")


def _unmanaged() -> Any:
    return dynamic.Registration(client_id="x")


def test_the_account_keeps_its_client_through_a_new_one(engine, rogue):
    first = sign_in(engine, rogue)
    before = engine.accounts()
    rogue.client_id = "forgotten"
    engine._clients._known.clear()
    sign_in(engine, rogue)
    assert account_of(engine).client_id != first.client_id
    assert [each.key for each in engine.accounts()] == [each.key for each in before]


def test_a_code_of_a_forgotten_client_is_not_lost_silently(engine, rogue):
    login = engine.begin(LoginRequest("idp"))
    callback = arrive(engine, login, rogue)
    rogue.client_id = "forgotten"
    assert "no longer knows the client" in callback.finish(engine).error["message"]
