"""What of a sign-in's requests is the provider's own: PKCE, the prompt, where a refresh goes."""

from __future__ import annotations

import dataclasses

import pytest

from core.sign_in import REDIRECT_URI, exchanged, party_at, provider_at, refreshed, sign_in
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.field_types import Endpoints
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING


def test_pkce_can_be_off_for_a_client_with_a_secret_alone(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, pkce=False))
    with pytest.raises(ConfigurationError, match="`pkce` off, but no client secret"):
        engine.begin(LoginRequest("idp"))
    engine.configure(provider_at(rogue, pkce=False, client_secret="s", client_auth="none"))
    with pytest.raises(ConfigurationError):
        engine.begin(LoginRequest("idp"))
    package = {"package": "a", "file": "b.json", "client_id": "c"}
    of_package = provider_at(rogue, pkce=False, client_secret="s", credentials_from=package)
    party = Party(provider=of_package, endpoints=Endpoints())
    assert party.is_public
    with pytest.raises(ConfigurationError):
        _ = party.uses_pkce
    engine.configure(provider_at(rogue, pkce=False, client_secret="s"))
    login = engine.begin(LoginRequest("idp"))
    url, _ = engine.open(login.id, REDIRECT_URI, "me")
    assert "code_challenge" not in url


def test_without_pkce_no_verifier_is_sent(rogue):
    rogue.client_secret = "s"
    party = party_at(rogue, client_secret="s", pkce=False)
    rogue.script("authorize", troubles.query(error=MISSING, code="made-up"))
    rogue.script("token", troubles.json_value({"access_token": "a"}))
    exchanged(party, rogue)
    assert "code_verifier" not in rogue.seen("token")[0].form


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, ("login", None)),
        ({"force_prompt": "select_account"}, ("select_account", None)),
        ({"authorize_params": {"prompt": "consent"}}, ("consent", "0")),
        ({"authorize_params": {"prompt": "consent", "max_age": "9"}}, ("consent", "0")),
        (
            {"authorize_params": {"prompt": "consent"}, "force_prompt": "login"},
            ("login consent", None),
        ),
    ],
)
def test_a_forced_sign_in_asks_in_the_providers_words(engines, rogue, fields, sent):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, scopes="openid", **fields))
    sign_in(engine, rogue, force=True)
    asked = rogue.seen("authorize")[0].query
    assert (asked["prompt"], asked.get("max_age")) == sent


def test_google_knows_no_login(engine):
    google = engine.configured("google")
    assert google.force_prompt == "select_account"
    assert google.authorize_params["prompt"] == "consent"


def test_a_refresh_may_have_an_address_of_its_own(party, rogue, tokens):
    with RogueProvider() as other:
        rogue_tokens = {"access_token": "fresh", "token_type": "Bearer"}
        other.script("api", troubles.json_value(rogue_tokens))
        endpoints = dataclasses.replace(party.endpoints, refresh_endpoint=f"{other.issuer}/again")
        moved = dataclasses.replace(party, endpoints=endpoints)
        assert refreshed(moved, tokens).access_token.reveal() == "fresh"
        (asked,) = other.requests
        assert asked.form["refresh_token"] == tokens.refresh_token.reveal()
    assert rogue.seen("refresh") == []


def test_it_is_an_endpoint_like_the_others(rogue):
    elsewhere = {"token_endpoint": rogue.issuer, "refresh_endpoint": "https://r.example/r"}
    provider = provider_at(rogue, endpoints=elsewhere)
    assert "r.example" in provider.request_rules.hosts
    moved = elsewhere | {"refresh_endpoint": "https://evil.example/r"}
    assert provider.fingerprint != provider_at(rogue, endpoints=moved).fingerprint
