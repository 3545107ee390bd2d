"""Token endpoints with words of their own: what is sent and what is read, by data alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol.oauth_response import standard_parameters
from jupyter_auth.core.protocol.token_endpoint import own_parameters
from jupyter_auth.core.provider.provider import Provider

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
