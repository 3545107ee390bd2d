"""Whatever comes from outside is understood, or an error of ours that shows nothing of it."""

from __future__ import annotations

import contextlib
import functools
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sign_in import arrive, party_at
from jupyter_auth.core import wire
from jupyter_auth.core.common.codec import from_wire
from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.models import Changes, Imported, LoginRequest, Logout
from jupyter_auth.core.protocol import id_token, oauth
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.oauth_response import TokenResponse
from jupyter_auth.core.provider import client_credentials
from jupyter_auth.core.provider.definitions import FIELDS, provider_from_mapping
from jupyter_auth.core.provider.field_types import CredentialsFrom
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import Secret
from providers.troubles import Reply

PLANTED = "planted-5c0ffee"
NAMES = st.sampled_from(
    [
        "access_token",
        "refresh_token",
        "id_token",
        "scope",
        "token_type",
        "expires_in",
        "expires_at",
        "error",
        "error_description",
        "issuer",
        "keys",
        "kid",
        "kty",
        "x",
    ]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES |= st.sampled_from([PLANTED, "Bearer", "invalid_grant", "https://idp.example.com"])
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)
TABLES = st.dictionaries(NAMES, JSON, max_size=5)
BODIES = st.one_of(
    TABLES.map(lambda table: json.dumps(table).encode()),
    TABLES.map(lambda table: json.dumps(table).encode()[:-3]),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.just(b"[" * 5000),
)
STATUSES = st.sampled_from([200, 201, 204, 400, 401, 403, 404])

over_sockets = settings(max_examples=60)


def check(error: AuthError) -> None:
    """One sentence or two, without what was sent."""
    assert len(str(error)) < 1000
    assert f"{PLANTED}-refresh" not in str(error)


@given(BODIES, STATUSES)
@over_sockets
def test_any_answer_of_a_token_endpoint(rogue, body, status):
    rogue.script("token", lambda _: Reply(status, body, {"Content-Type": "application/json"}))
    party = party_at(rogue, client_secret="s")
    for call in (
        lambda: oauth.refresh(party, Secret(f"{PLANTED}-refresh")),
        lambda: oauth.client_credentials(party, ()),
    ):
        try:
            answer = call()
        except AuthError as error:
            check(error)
        else:
            assert isinstance(answer, TokenResponse)
            assert answer.access_token.reveal().isascii()
            assert answer.expires_in is None or 0 < answer.expires_in < 10**9


@given(BODIES, STATUSES)
@over_sockets
def test_any_metadata(rogue, clock, body, status):
    rogue.script("discovery", lambda _: Reply(status, body))
    with contextlib.suppress(AuthError):
        found = Discovery(clock).endpoints(Provider(name="idp", issuer=rogue.issuer, client_id="x"))
        assert found.issuer == rogue.issuer


@given(JSON, st.text(alphabet="abcAB01-_.=", max_size=80))
def test_any_keys_and_any_id_token(keys, text):
    def fetch(fresh: bool) -> Any:  # noqa: ARG001, FBT001
        return {"keys": keys}

    expected = id_token.Expected(
        issuer="https://idp", client_id="x", access_token=Secret("t"), algorithms=("RS256",)
    )
    with pytest.raises(ProviderError):
        id_token.verify(Secret(text), expected, fetch, 0.0)


@given(st.dictionaries(st.sampled_from(["state", "code", "iss", "error"]), st.text(max_size=30)))
@over_sockets
def test_any_callback(engine, rogue, params):
    login = engine.begin(LoginRequest("idp"))
    callback = arrive(engine, login, rogue)
    known = params.get("state") is None
    with contextlib.suppress(AuthError):
        ended = callback.finish(engine, params=params)
        without = not params.get("state") and "error" in params  # its words are shown
        assert known or without
        assert ended.status in ({"complete", "denied", "failed"} if known else {"pending"})
    with contextlib.suppress(AuthError):
        engine.cancel(login.id)


@given(BODIES)
def test_any_file_of_a_package(tmp_path_factory, body):
    file = tmp_path_factory.getbasetemp() / "constants.json"
    file.write_bytes(body)
    found = SimpleNamespace(locate_file=lambda _: file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.metadata.distribution", lambda _: found)
        source = CredentialsFrom(package="x", file="y", client_id="issuer", client_secret="scope")
        credentials_found = client_credentials.from_package(source)
    assert credentials_found.client_id is None or isinstance(credentials_found.client_id, str)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON | TABLES, max_size=4))
def test_any_table_of_a_provider(table):
    try:
        made = provider_from_mapping("idp", {"issuer": "https://idp.example.com"} | table)
    except ConfigurationError as error:
        check(error)
    else:
        assert made.fingerprint


@pytest.mark.parametrize(
    "parse",
    [
        wire.token_from_wire,
        wire.provider_from_wire,
        wire.account_from_wire,
        wire.login_from_wire,
        wire.finding_from_wire,
        *(functools.partial(from_wire, kind) for kind in (Changes, Limits, Imported, Logout)),
    ],
)
def test_any_answer_of_a_broker(parse):
    @given(JSON)
    def holds(value: Any) -> None:
        # What BrokerClient makes "returned an unexpected response" of.
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            parse(value)

    holds()
