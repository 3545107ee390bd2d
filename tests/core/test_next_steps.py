"""What goes wrong is told in a sentence, and the next step with it (issue: first five minutes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import REDIRECT_URI, account_of, arrive, ended, sign_in, table
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.wire import login_error
from memory_store import MemoryStore
from providers import certificates, troubles
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from providers.certificates import Certificate


@pytest.fixture
def engine_with() -> Iterator[Callable[..., Engine]]:
    """``engine_with(server, client_id=...)``: an engine whose provider ``idp`` has those fields."""
    made: list[Engine] = []

    def make(server: Any, **fields: Any) -> Engine:
        made.append(Engine(Providers({"idp": table(server, **fields)}), MemoryStore()))
        return made[-1]

    yield make
    for each in made:
        each.close()


def failed(engine: Engine, server: Any, code: str) -> tuple[str, str]:
    """Sentence and hint of a login that comes to nothing."""
    login = arrive(engine, engine.begin(LoginRequest("idp")), server).finish(engine)
    error = ended(login, code).error
    assert error
    return error["message"], error["hint"]


def test_an_unknown_provider_names_those_near_it(engine_with, rogue):
    with pytest.raises(ProviderNotFound) as caught:
        engine_with(rogue).begin(LoginRequest("ipd"))
    assert caught.value.hint == "Did you mean idp?"


def test_a_missing_client_id_says_how_to_add_it(engine_with, rogue):
    with pytest.raises(ConfigurationError) as caught:
        engine_with(rogue, client_id=None).begin(LoginRequest("idp"))
    assert caught.value.message == "Provider 'idp' has no client ID."
    assert "Run `jupyter auth add idp --client-id ID` in a terminal." in caught.value.hint


def test_a_wrong_secret_says_where_to_look(engine_with, oidc):
    fields = {"client_id": oidc.confidential_id, "client_secret": "not this one"}
    message, hint = failed(engine_with(oidc, **fields), oidc, "configuration_error")
    assert "rejected the client ID or secret (invalid_client" in message
    assert "Check client_id and client_secret in the configuration of 'idp'" in hint
    assert "not this one" not in message + hint


def test_a_secret_that_is_missing_is_asked_for(engine_with, oidc):
    engine = engine_with(oidc, client_id=oidc.confidential_id)
    _, hint = failed(engine, oidc, "configuration_error")
    assert "If that has a client secret, give client_secret too." in hint


def test_a_grant_that_the_registration_lacks_names_what_it_may_have(engine_with, rogue):
    rogue.script("token", troubles.error("unauthorized_client"))
    message, hint = failed(engine_with(rogue), rogue, "configuration_error")
    assert "the grant authorization_code for this application (unauthorized_client)" in message
    assert "Allow authorization_code in the registration of client 'notebook'" in hint
    assert "client_credentials or password" in hint


def test_of_the_other_grants_only_those_are_named_that_the_provider_has(engine_with, rogue):
    rogue.metadata = {"grant_types_supported": ["authorization_code", "password", "implicit"]}
    rogue.script("token", troubles.error("unauthorized_client"))
    _, hint = failed(engine_with(rogue), rogue, "configuration_error")
    assert hint.endswith("It seems to be registered for password.")


def test_a_real_registration_for_service_accounts_is_told_so(engine_with, oidc):
    fields = {"grant_types": ["client_credentials"], "response_types": []}
    oidc.add_client("robot", REDIRECT_URI, client_secret="of-the-robot", **fields)
    engine = engine_with(oidc, client_id="robot", client_secret="of-the-robot")
    message, hint = failed(engine, oidc, "login_failed")
    assert "response_type is not allowed for this client" in message
    assert "Compare the registration of client 'robot'" in hint
    assert "that it may use authorization_code" in hint


def test_scopes_that_are_refused_name_those_on_offer(engine_with, rogue):
    rogue.metadata = {"scopes_supported": ["openid", "devices:read"]}
    rogue.script("authorize", troubles.deny("invalid_scope"))
    _, hint = failed(engine_with(rogue), rogue, "login_failed")
    assert hint == (
        "Request other scopes: leave out offline_access, or what this client may not have. The"
        " provider offers: openid devices:read."
    )


@pytest.mark.parametrize(
    ("minutes", "said"), [(90, "was issued 90 minutes from now"), (-90, "expired 80 minutes ago")]
)
def test_a_clock_that_is_off_says_by_how_much(engines, rogue, clock, minutes, said):
    engine = engines(idp=rogue)
    rogue.clock = lambda: clock() + minutes * 60
    message, hint = failed(engine, rogue, "provider_error")
    assert f"by this machine's clock it {said}." in message
    assert "Correct the clock" in hint
    login = arrive(engine, engine.begin(LoginRequest("idp")), rogue).finish(engine)
    assert "`jupyter auth doctor` in a terminal" in login_error(login).hint


@pytest.mark.parametrize(
    "trouble",
    [
        troubles.status(418),
        troubles.html(),
        troubles.json_value({}),
        troubles.fields(access_token=5),
        troubles.fields(access_token="line\nbreak"),
        troubles.error("something_else"),
        troubles.huge(2),
    ],
)
def test_whatever_a_token_endpoint_answers_there_is_a_next_step(engine_with, rogue, trouble):
    rogue.script("token", trouble)
    assert all(failed(engine_with(rogue), rogue, "provider_error"))


@pytest.fixture
def certificate(tmp_path) -> Certificate:
    return certificates.make(tmp_path)


@pytest.fixture
def private(certificate) -> Iterator[RogueProvider]:
    """A provider behind a certificate that no machine trusts by itself."""
    with RogueProvider(certificate=certificate) as provider:
        yield provider


def test_a_certificate_that_is_not_trusted_names_both_ways_and_no_switch(engine_with, private):
    with pytest.raises(ProviderUnavailable) as caught:
        engine_with(private).begin(LoginRequest("idp"))
    assert "is not trusted here" in caught.value.message
    assert "`ca_bundle` of the provider, or REQUESTS_CA_BUNDLE" in caught.value.hint
    assert "no switch" in caught.value.hint
    assert not private.requests


def test_the_whole_login_goes_by_the_providers_ca_bundle(engine_with, private, certificate):
    engine = engine_with(private, ca_bundle=str(certificate.ca_bundle))
    sign_in(engine, private)
    assert engine.accounts()[0].username == "rosa"  # keys, token and userinfo were asked
    rejected = account_of(engine).access_token.digest
    assert engine.token("idp", need=Need(rejected=rejected)).digest != rejected
    assert engine.logout("idp").revoked


def test_the_environments_bundle_does_for_all(engine_with, private, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_bundle))
    assert engine_with(private).begin(LoginRequest("idp")).status == "pending"


def test_another_bundle_does_not_do(engine_with, private, tmp_path):
    (tmp_path / "other").mkdir()
    other = certificates.make(tmp_path / "other")
    with pytest.raises(ProviderUnavailable, match="not trusted"):
        engine_with(private, ca_bundle=str(other.ca_bundle)).begin(LoginRequest("idp"))


def test_a_bundle_that_is_not_there_is_named(engine_with, private, tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        engine_with(private, ca_bundle=str(tmp_path / "gone.pem")).begin(LoginRequest("idp"))
    assert str(tmp_path / "gone.pem") in caught.value.message
    assert "PEM" in caught.value.hint
