"""How a client shows its secret, at servers that want it otherwise than RFC 6749 2.3.1 has it."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from core.sign_in import CLIENT_SECRET, exchanged, party_at, refreshed
from jupyter_auth.core.errors import ConfigurationError, RefreshRejected
from jupyter_auth.core.protocol import client_authentication, oauth
from providers import troubles
from providers.troubles import Reply

BASIC, POST = "client_secret_basic", "client_secret_post"


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch):
    monkeypatch.setattr(client_authentication, "_known", {})


@pytest.fixture
def confidential(rogue):
    """A party whose secret has characters that form encoding changes, which ``rogue`` does not
    decode.
    """
    rogue.client_secret = CLIENT_SECRET
    return party_at(rogue, client_secret=CLIENT_SECRET)


def offering(party, *methods):
    endpoints = dataclasses.replace(party.endpoints, token_endpoint_auth_methods_supported=methods)
    return dataclasses.replace(party, endpoints=endpoints)


def ways(rogue, endpoint="token"):
    """How the client was shown in each request."""
    return [
        "basic" * ("authorization" in request.headers)
        + "+id" * ("client_id" in request.form)
        + "+secret" * ("client_secret" in request.form)
        for request in rogue.seen(endpoint)
    ]


def basic_refused(rogue, answer):
    """The token endpoint takes no Basic header."""

    def trouble(proceed):
        return answer if "authorization" in rogue.requests[-1].headers else proceed()

    rogue.script("token", trouble)


INVALID_CLIENT = Reply.json({"error": "invalid_client"}, 401)


def test_a_server_that_does_not_decode_basic_gets_it_as_it_is(confidential, rogue):
    tokens = refreshed(confidential, exchanged(confidential, rogue))
    sent = [
        base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        for request in rogue.seen("token")
    ]
    plain = f"notebook:{CLIENT_SECRET}"
    assert sent[0] != plain
    assert sent[1:] == [plain, plain], "what worked is remembered"
    assert oauth.revoke(confidential, tokens.refresh_token, "refresh_token") == ""


def test_that_is_not_tried_where_encoding_changes_nothing(rogue):
    rogue.client_secret = "another"
    with pytest.raises(ConfigurationError, match="client ID or secret"):
        exchanged(party_at(rogue, client_secret="s3cret", client_auth="basic"), rogue)
    assert ways(rogue) == ["basic"]


def test_the_form_is_used_where_the_metadata_has_nothing_else(rogue):
    rogue.client_secret = CLIENT_SECRET
    exchanged(offering(party_at(rogue, client_secret=CLIENT_SECRET), POST, "none"), rogue)
    assert ways(rogue) == ["+id+secret"]


@pytest.mark.parametrize("offered", [(), (BASIC, POST)])
@pytest.mark.parametrize(
    "answer",
    [
        INVALID_CLIENT,
        Reply.json({"error": "unauthorized_client"}, 401),
        Reply(401),
        Reply(401, b"<h1>Unauthorized</h1>"),
    ],
    ids=["invalid_client", "Keycloak", "empty", "HTML"],
)
def test_a_registration_for_the_form_is_found_out(rogue, offered, answer):
    rogue.client_secret = "s3cret"
    party = offering(party_at(rogue, client_secret="s3cret"), *offered)
    basic_refused(rogue, answer)
    refreshed(party, exchanged(party, rogue))
    assert ways(rogue) == ["basic", "+id+secret", "+id+secret"]


@pytest.mark.parametrize("fields", [{"client_auth": "basic"}, {}])
def test_not_where_it_is_configured_or_not_offered(rogue, fields):
    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret", **fields)
    basic_refused(rogue, INVALID_CLIENT)
    with pytest.raises(ConfigurationError):
        exchanged(party if fields else offering(party, BASIC), rogue)
    assert ways(rogue) == ["basic"]


def test_where_a_refused_client_has_spent_the_code_that_is_what_is_said(rogue):
    """As at better-auth. The way that it wants is found out all the same, by the next code."""

    def spends(proceed):  # noqa: ARG001
        rogue._codes.clear()
        return INVALID_CLIENT

    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")
    rogue.script("token", spends, times=1)
    with pytest.raises(ConfigurationError, match="client ID or secret"):
        exchanged(party, rogue)
    exchanged(party, rogue)
    assert ways(rogue) == ["basic", "+id+secret", "+id+secret"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("invalid_request", "client_id is required"),
        ("invalid_request", "Missing parameter: client id"),
        ("invalid_client", "Missing client_id"),  # MCP's SDK
    ],
)
def test_the_id_goes_into_the_form_too_where_it_is_wanted(rogue, error, said):
    def wants_id(proceed):
        form = rogue.requests[-1].form
        missing = {"error": error, "error_description": said}
        return proceed() if "client_id" in form else Reply.json(missing, 400)

    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")
    tokens = exchanged(party, rogue)
    rogue.script("refresh", wants_id)
    refreshed(party, refreshed(party, tokens))
    assert ways(rogue) == ["basic", "basic", "basic+id", "basic+id"]


def test_a_form_that_lacks_id_and_secret_is_given_both(rogue):
    missing = {"error": "invalid_request", "error_description": "client_secret is missing"}
    rogue.client_secret = "s3cret"
    basic_refused(rogue, Reply.json(missing, 400))
    exchanged(party_at(rogue, client_secret="s3cret"), rogue)
    assert ways(rogue) == ["basic", "basic+id", "+id+secret"]


@pytest.mark.parametrize(
    "refused",
    [
        troubles.error("invalid_grant", 401),
        troubles.error("invalid_request", 400, "no such client"),
        troubles.error("unauthorized_client"),
    ],
    ids=["grant", "request", "grant type"],
)
def test_another_refusal_is_not_about_the_client(rogue, refused):
    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")
    tokens = exchanged(party, rogue)
    rogue.script("refresh", refused)
    with pytest.raises(RefreshRejected):
        refreshed(party, tokens)
    assert len(rogue.seen("refresh")) == 1


def test_a_public_client_has_one_way(party, rogue):
    rogue.script("token", troubles.error("invalid_client", 401))
    with pytest.raises(ConfigurationError):
        exchanged(party, rogue)
    assert ways(rogue) == ["+id"]


@pytest.mark.parametrize("status", [400, 401])
def test_a_refresh_that_is_refused_without_a_word(rogue, status):
    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")
    tokens = exchanged(party, rogue)
    rogue.script("refresh", troubles.status(status))
    with pytest.raises(RefreshRejected):
        refreshed(party, tokens)
    assert ways(rogue)[1:] == ["basic", "+id+secret"][: 1 + (status == 401)]


def test_what_worked_and_is_refused_later_is_forgotten(rogue):
    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")
    basic_refused(rogue, INVALID_CLIENT)
    tokens = exchanged(party, rogue)
    rogue.script("token", troubles.error("invalid_client", 401), times=1)
    with pytest.raises(ConfigurationError):
        refreshed(party, tokens)
    rogue.behave()
    refreshed(party, tokens)
    assert ways(rogue)[-1] == "basic"


def test_devices_and_revocations_are_asked_in_the_same_way(rogue):
    rogue.client_secret = "s3cret"
    party = party_at(rogue, client_secret="s3cret")

    def trouble(proceed):
        return INVALID_CLIENT if "authorization" in rogue.requests[-1].headers else proceed()

    for endpoint in ("device", "revoke"):
        rogue.script(endpoint, trouble)
    assert oauth.authorize_device(party, ())
    assert ways(rogue, "device") == ["basic+id", "+id+secret"]
    tokens = exchanged(party, rogue)
    assert oauth.revoke(party, tokens.access_token, "access_token") == ""
    assert ways(rogue, "revoke") == ["+id+secret"]


def test_characters_beyond_latin_1_can_be_shown(rogue):
    rogue.client_secret = "пароль"
    exchanged(party_at(rogue, client_secret="пароль"), rogue)
    assert len(rogue.seen("token")) == 2
