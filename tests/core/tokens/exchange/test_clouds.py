"""Google's and Azure's workload identity federation are the same data with other values."""

from __future__ import annotations

import pytest

from clock import OffsetClock
from core.sign_in import account_of, sign_in, table
from core.tokens.exchange import clouds as at
from core.tokens.exchange.derived import engine_with
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.tokens.failures import LONG
from memory_store import MemoryStore


@pytest.fixture
def clouds(oidc):
    with at.Clouds(oidc, trusts=oidc.client_id) as clouds:
        yield clouds


@pytest.fixture
def definitions(oidc, clouds):
    google = {
        "endpoints": {"token_endpoint": clouds.google},
        "scopes": [at.GOOGLE_SCOPE],
        "api_origins": ["https://storage.googleapis.com"],
        "exchange": {"from": "idp", "subject_token": "id_token", "audience": at.AUDIENCE},
    }
    azure = {
        "endpoints": {"token_endpoint": clouds.azure},
        "client_id": at.APPLICATION,
        "scopes": [at.AZURE_SCOPE],
        "api_origins": ["https://*.vault.azure.net"],
        "exchange": {"from": "idp", "subject_token": "id_token", "grant": "client_credentials"},
    }
    return {"idp": table(oidc), "google": google, "azure": azure}


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def engine(definitions, oidc, clock):
    engine = engine_with(MemoryStore(), clock, definitions)
    sign_in(engine, oidc)
    yield engine
    engine.close()


@pytest.mark.parametrize("name", ["google", "azure"])
def test_each_gives_a_token_for_an_id_token(engine, clouds, name):
    token = engine.token(name)
    assert token.access_token.reveal().startswith("ya29.")
    assert engine.token(name).digest == token.digest
    assert len(clouds.requests) == 1
    (info,) = [each for each in engine.accounts() if each.provider == name]
    assert (info.username, info.trouble) == ("alice", "")


@pytest.mark.parametrize(("name", "says"), [("google", "not trusted"), ("azure", "AADSTS70021")])
def test_what_each_does_not_trust_is_said(engine, oidc, clouds, name, says):
    """And it ends nothing, nor is it asked again for each call."""
    clouds._trusts = "another client"
    refreshes = oidc.refresh_count
    with pytest.raises(ProviderError, match=says):
        engine.token(name)
    assert engine.account(account_of(engine).key).trouble == ""
    for _ in range(20):
        with pytest.raises(ProviderError):
            engine.token(name)
    assert len(clouds.requests) <= 8
    assert oidc.refresh_count - refreshes <= 4


def test_an_error_that_repeats_the_token_is_shown_without_it(engine, clouds):
    clouds.echoes = True
    with pytest.raises(ProviderError, match="invalid_grant") as caught:
        engine.token("google")
    beginning = account_of(engine).id_token.reveal()[:100]  # the rest may be cut
    assert beginning not in repr(caught.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"issued_token_type": f"{at.TYPE}refresh_token"}, "refresh_token"),
        ({"token_type": "N_A"}, "N_A"),
        ({"issued_token_type": f"{at.TYPE}saml2", "token_type": "N_A"}, "N_A"),
    ],
)
def test_what_is_no_access_token_is_not_used(engine, clouds, answer, says):
    clouds.answer = answer
    with pytest.raises(ProviderError, match=says):
        engine.token("google")


def test_a_jwt_is_an_access_token(engine, clouds):
    clouds.answer = {"issued_token_type": f"{at.TYPE}jwt"}
    assert engine.token("google")


def test_a_source_without_an_id_token_says_how_to_get_one(definitions, oidc, clock, clouds):
    engine = engine_with(MemoryStore(), clock, definitions)
    sign_in(engine, oidc, scopes=("offline_access", "api:read"))
    with pytest.raises(ProviderError, match="sent no ID token"):
        engine.token("google")
    assert clouds.requests == []


def test_trouble_is_shown_once_it_lasts(engine, clouds, clock):
    clouds._trusts = "another client"
    for _ in range(8):
        clock.ahead += LONG
        with pytest.raises(Exception, match="refused the token to exchange"):
            engine.token("google")


def test_without_a_client_nothing_is_missing(engine):
    assert engine.provider("google").missing == ()
    assert "google" in {each.name for each in engine.providers()}
    with pytest.raises(ConfigurationError):
        engine.client_token("google")
