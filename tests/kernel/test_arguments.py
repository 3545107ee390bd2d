"""Arguments of the wrong kind: one sentence, before anything is asked or sent."""

from __future__ import annotations

import pytest

import jupyter_auth
from jupyter_auth import ClientSession, LoginWidget, TokenAuth, UserSession
from jupyter_auth.core.errors import ConfigurationError
from kernel.traceback_locals import local_variables

SECRET = b"planted-secret-77ab"


def refused(call, *args, **kwargs):
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **kwargs)
    error = caught.value
    assert "\n" not in str(error)
    assert str(SECRET) not in str(error)
    return error


@pytest.mark.parametrize("call", [UserSession, LoginWidget])
def test_as_fourinsight_users_force_a_sign_in(call, rogue, kernel_api):  # noqa: ARG001
    """There the first argument is ``auth_force``."""
    error = refused(call, True)
    assert error.message == "provider must be a provider's name or a Provider, not True."
    assert "auth_force=True" in error.hint
    assert rogue.requests == []


@pytest.mark.parametrize(
    "call",
    [
        *(UserSession, ClientSession, LoginWidget, TokenAuth),
        *(jupyter_auth.httpx_auth, jupyter_auth.token, jupyter_auth.credential),
    ],
)
@pytest.mark.parametrize("key", [None, 1, b"x"])
def test_a_session_key_that_is_no_text(call, key, rogue, kernel_api):  # noqa: ARG001
    """There it may be None."""
    name = {} if call in {TokenAuth, jupyter_auth.httpx_auth} else {"provider": "idp"}
    args = () if name else ("idp",)
    error = refused(call, *args, **name, session_key=key)
    assert error.message.startswith("session_key must be a string, not ")
    assert error.hint == "Leave it out for the default account."
    assert rogue.requests == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"auth_force": "yes"}, "auth_force must be True or False, not a str."),
        ({"username": ["alice"]}, "username must be a string, not a list."),
        ({"scopes": 5}, "scopes must be a list of strings, not an int."),
        ({"scopes": ["read", None]}, "scopes must be a list of strings, not a list."),
        ({"scopes": {"read": True}}, "scopes must be a list of strings, not a dict."),
        ({"api_origins": True}, "api_origins must be a list of strings, not True."),
        ({"base_url": 5}, "base_url must be a string, not an int."),
        ({"grant": True}, "grant must be a string, not True."),
        ({"interactive": "no"}, "interactive must be True, False or None, not a str."),
        ({"timeout": True}, "timeout must be a number of seconds or None, not True."),
    ],
)
def test_each_other_argument(given, says, rogue, kernel_api):  # noqa: ARG001
    assert refused(UserSession, "idp", **given).message == says
    assert rogue.requests == []


def test_a_client(rogue, kernel_api):  # noqa: ARG001
    assert "client_id must be a string" in refused(ClientSession, 5, "x", provider="idp").message
    with pytest.raises(ConfigurationError, match="client_secret must be a string") as caught:
        ClientSession("id", SECRET, provider="idp")
    assert SECRET.decode() not in local_variables(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        ClientSession("id", SECRET.decode(), provider="idp", session_key=None)
    assert SECRET.decode() not in local_variables(caught.value)
    assert rogue.requests == []


def test_what_else_is_no_source_of_tokens(kernel_api):  # noqa: ARG001
    for given in (True, None, 5):
        assert "source must be a provider's name" in refused(TokenAuth, given).message


@pytest.mark.parametrize("given", [True, None, 5, ["github"]])
def test_what_else_is_no_name_of_a_provider(given):
    assert "a provider's name" in refused(jupyter_auth.provider, given).message
