"""Responses that are not as RFC 6749 5.1 has them: in a form, or by names of the provider's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sign_in import exchanged, party_at, refreshed
from jupyter_auth.core.errors import LoginDenied, ProviderError, RefreshRejected
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.protocol.oauth_response import standard_parameters
from jupyter_auth.core.protocol.token_endpoint import own_parameters
from jupyter_auth.core.provider.provider import Provider
from providers import troubles

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def provider(**fields):
    return Provider(name="idp", issuer="https://idp.example", client_id="x", **fields)


def test_parameters_are_renamed_and_what_is_added_wins():
    odd = provider(
        param_names={"client_id": "clientId", "grant_type": "grantType"},
        token_params={"grantType": "cred", "v": "1"},
    )
    form = {"grant_type": "client_credentials", "client_id": "x", "scope": "a"}
    assert own_parameters(odd, form) == {
        "grantType": "cred",
        "clientId": "x",
        "scope": "a",
        "v": "1",
    }
    assert own_parameters(provider(), form) == form


def test_fields_are_found_at_their_paths():
    odd = provider(token_response={"access_token": "a.b", "expires_at": "a.c", "scope": "d"})
    answer = {"a": {"b": "t", "c": "1800000000"}, "d": "x", "refresh_token": "r"}
    assert standard_parameters(odd, answer) == {
        "access_token": "t", "expires_at": 1800000000.0, "scope": "x"
    }  # fmt: skip


@pytest.mark.parametrize("answer", [{}, {"a": None}, {"a": []}, {"a": "b"}, {"a": {"b": None}}])
def test_what_is_not_there_is_none(answer):
    odd = provider(token_response={"access_token": "a.b"})
    assert standard_parameters(odd, answer) == {"access_token": None}


def test_a_moment_that_nobody_described_is_left_out():
    assert standard_parameters(provider(), {"access_token": "t", "expires_at": "x"}) == {
        "access_token": "t"
    }


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_any_answer_is_understood_or_a_provider_error(answer):
    for form in (None, "%Y-%m-%d"):
        odd = provider(
            token_response={"access_token": "a.b", "expires_at": "a.c"}, expires_format=form
        )
        try:
            found = standard_parameters(odd, answer)
        except ProviderError:
            continue
        assert set(found) == {"access_token", "expires_at"}
        assert found["expires_at"] is None or isinstance(found["expires_at"], float)


def test_scopes_are_called_as_they_were_asked_for():
    odd = provider(scope_separator=",", scope_aliases={"https://x/email": "email"})
    assert standard_parameters(odd, {"scope": "openid,https://x/email"})["scope"] == "openid email"
    assert standard_parameters(provider(), {"scope": "a,b"})["scope"] == "a,b"
    for scope in (None, 5, ["a"]):
        assert standard_parameters(odd, {"scope": scope}) == {"scope": scope}


# -- in a form (application/x-www-form-urlencoded) -----------------------------------------------

FORM = "application/x-www-form-urlencoded; charset=utf-8"
ISSUED = "access_token=gho_1%2B2&refresh_token=ghr_3&scope=repo%20gist&token_type=bearer"
MEDIA_TYPES = pytest.mark.parametrize("media_type", [FORM, "text/plain;charset=UTF-8"])


def form(body: str, status: int = 200, media_type: str = FORM) -> troubles.Trouble:
    return troubles.status(status, body, media_type)


@MEDIA_TYPES
def test_a_token_response_may_be_a_form(party, rogue, media_type):
    """GitHub answers so unless it is asked for JSON, and Facebook did."""
    rogue.script("token", form(f"{ISSUED}&expires_in=28800", 200, media_type))
    response = exchanged(party, rogue)
    assert response.access_token.reveal() == "gho_1+2"
    assert response.refresh_token.reveal() == "ghr_3"
    assert (response.scopes, response.expires_in) == (("repo", "gist"), 28800)


def test_a_form_may_have_names_of_the_provider_s_own(rogue):
    party = party_at(rogue, token_response={"access_token": "token", "expires_in": "expires"})
    rogue.script("token", form("token=t&expires=5108", 200, "text/plain"))
    response = exchanged(party, rogue)
    assert (response.access_token.reveal(), response.expires_in) == ("t", 5108)


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_response_may_be_a_form(party, rogue, tokens, status):
    said = "error=invalid_grant&error_description=The+token+is+%C3%BCber+old."
    rogue.script("token", form(said, status))
    with pytest.raises(RefreshRejected, match="invalid_grant: The token is über old"):
        refreshed(party, tokens)


@pytest.mark.parametrize("media_type", [FORM, "text/plain", "text/html", "image/png"])
def test_json_is_json_whatever_its_content_type(party, rogue, media_type):
    rogue.script("token", form('{"access_token": "a=b"}', 200, media_type))
    assert exchanged(party, rogue).access_token.reveal() == "a=b"


@pytest.mark.parametrize(
    "trouble",
    [
        form(ISSUED, 200, "text/html"),
        form("access_token=a&access_token=b"),
        form("access_token"),
        form("access_token=ü"),
        form("access_token=%C3%BC"),
        form("access_token=a%0Ab"),
        form("scope=x"),
        form(""),
        form(ISSUED, 404),
    ],
    ids=["HTML", "twice", "=", "not ASCII", "ü", "line break", "no token", "empty", "404"],
)
def test_a_form_is_read_with_the_same_care(party, rogue, trouble):
    rogue.script("token", trouble)
    with pytest.raises(ProviderError):
        exchanged(party, rogue)


def test_a_device_authorization_response_may_be_a_form(party, rogue):
    rogue.script(
        "device",
        form(
            "device_code=d&user_code=AB-CD&expires_in=900&interval=7"
            "&verification_uri=https%3A%2F%2Fgithub.example%2Flogin%2Fdevice"
        ),
    )
    response = oauth.authorize_device(party, ())
    assert response.verification_uri == "https://github.example/login/device"
    assert (response.expires_in, response.interval) == (900, 7)
    rogue.script("token", form("error=slow_down&interval=12", 429))
    assert oauth.poll_device(party, response.device_code) == "slow_down"
    rogue.script("token", form("error=access_denied", 403))
    with pytest.raises(LoginDenied):
        oauth.poll_device(party, response.device_code)


def test_a_revocation_may_be_refused_in_a_form(party, rogue, tokens):
    rogue.script("revoke", form("error=unsupported_token_type", 400))
    assert oauth.revoke(party, tokens.access_token, "access_token") is False
