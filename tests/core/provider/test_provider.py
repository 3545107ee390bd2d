"""A provider is checked where it is made, and accounts are bound to what made them."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import AccountKey, Token
from jupyter_auth.core.provider.definitions import replace_provider
from jupyter_auth.core.provider.field_types import Endpoints, Header
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import Secret

ISSUER = "https://idp.example.com/realm/"


def provider(**fields) -> Provider:
    return Provider(**({"name": "idp", "issuer": ISSUER, "client_id": "x"} | fields))


def endpoints(**changes) -> Endpoints:
    urls = {name: f"https://idp.example.com/{name}" for name in ("token_endpoint", "jwks_uri")}
    return Endpoints(**(urls | changes))


@pytest.mark.parametrize("name", ["a", "0", "github", "my.idp-2_x", "a" * 64])
def test_a_name_is_a_word(name):
    assert provider(name=name).title == name


@pytest.mark.parametrize(
    "name", ["", "A", ".a", "-a", "../x", "a/b", "a b", "a\n", "a\x00", "é", "a" * 65]
)
def test_what_could_lead_astray_is_no_name(name):
    with pytest.raises(ConfigurationError, match="not a valid provider name"):
        provider(name=name)


def test_a_provider_needs_an_address():
    with pytest.raises(ConfigurationError, match="no issuer and no token endpoint"):
        Provider(name="idp")
    with pytest.raises(ConfigurationError, match="no issuer and no token endpoint"):
        Provider(name="idp", endpoints=Endpoints(jwks_uri="https://idp.example.com/"))


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": "http://idp.example.com"},
        {"base_url": "http://api.example.com"},
        {"username_url": "http://api.example.com/me"},
        {"api_origins": ["https://ok.example.com", "http://api.example.com"]},
        *(
            {"issuer": None, "endpoints": endpoints(**{name: "http://idp.example.com/x"})}
            for name in ("token_endpoint", "revocation_endpoint", "userinfo_endpoint", "jwks_uri")
        ),
        {"endpoints": endpoints(authorization_endpoint="http://idp.example.com/x")},
        {"endpoints": endpoints(authorization_endpoint="//idp.example.com/x")},
        {"endpoints": endpoints(token_endpoint="/token")},
    ],
    ids=str,
)
def test_every_address_is_https_or_this_machine(fields):
    with pytest.raises(ConfigurationError):
        provider(**fields)


def test_an_authorization_endpoint_may_be_a_path():
    demo = endpoints(authorization_endpoint="/jupyter-auth-demo/authorize")
    assert provider(endpoints=demo).endpoints == demo


@pytest.mark.parametrize(
    "fields",
    [
        {"authorize_params": {"state": "mine"}},
        {"authorize_params": {"code_challenge": "mine"}},
        {"token_params": {"grant_type": "password"}},
        {"client_auth": "basci"},
        {"leeway": -1},
        {"leeway": "soon"},
        {"token_timeout": 601},
        {"header": Header(template="Bearer")},
        {"header": Header(template="Bearer {tokne}")},
        {"header": Header(template="{token.__class__}")},
        {"header": Header(template="{token} {")},
    ],
    ids=str,
)
def test_what_cannot_work_is_said_at_once(fields):
    with pytest.raises(ConfigurationError):
        provider(**fields)


def test_strings_and_lists_become_what_they_should():
    made = provider(
        scopes="openid  email", client_secret="s", api_origins="https://API.example.com/v1"
    )
    assert made.scopes == ("openid", "email")
    assert made.client_secret == Secret("s")
    assert made.api_origins == ("https://api.example.com",)


def test_a_client_without_a_secret_authenticates_by_none():
    assert provider().client_auth == "none"
    assert provider(client_secret="s").client_auth == "auto"
    assert provider(client_secret="s", client_auth="post").client_auth == "post"


def test_tokens_go_to_the_api_else_to_the_issuer():
    assert provider().api_origins == ("https://idp.example.com",)
    assert provider(base_url="https://api.example.com/v1").api_origins == (
        "https://api.example.com",
    )


def test_an_empty_address_is_none():
    assert provider(base_url="").api_origins == ("https://idp.example.com",)
    with pytest.raises(ConfigurationError, match="no issuer and no token endpoint"):
        provider(issuer="")
    with pytest.raises(ConfigurationError):
        provider(endpoints={"token_endpoint": ""})


def test_the_slash_at_an_issuers_end_is_kept():
    assert provider().issuer == ISSUER


# -- changed -------------------------------------------------------------------------------------


def test_what_was_derived_is_derived_anew():
    changed = replace_provider(
        provider(), name="other", issuer="https://other.example.com", client_secret="s"
    )
    assert changed.title == "other"
    assert changed.client_auth == "auto"
    assert changed.api_origins == ("https://other.example.com",)


def test_what_was_said_stays():
    said = provider(
        title="Ours", client_auth="post", client_secret="s", api_origins="https://api.example.com"
    )
    changed = replace_provider(said, issuer="https://other.example.com", client_secret="t")
    assert (changed.title, changed.client_auth) == ("Ours", "post")
    assert changed.api_origins == ("https://api.example.com",)


def test_a_field_that_does_not_exist_is_named():
    with pytest.raises(ConfigurationError, match="client_idd"):
        replace_provider(provider(), client_idd="x")


# -- the rest ------------------------------------------------------------------------------------


def test_a_token_says_its_hash_and_when_it_ends():
    token = Token(access_token=Secret("t"), headers={}, expires_at=10.0)
    assert token.digest == hashlib.sha256(b"t").hexdigest()
    assert token.valid(9.9)
    assert not token.valid(10.0)
    assert dataclasses.replace(token, expires_at=None).valid(1e12)


def test_an_accounts_name_is_short_and_says_its_key():
    assert str(AccountKey("idp")) == "idp"
    assert str(AccountKey("idp", "work")) == "idp (work)"
    assert len(str(AccountKey("idp", "x" * 10_000))) < 100
