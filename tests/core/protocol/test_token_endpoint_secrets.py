"""What is said to a token endpoint is shown by no error, traceback or log (SECURITY 13)."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from core.sign_in import CLIENT_SECRET, HERE, exchanged, party_at, refreshed
from jupyter_auth.core.errors import (
    AuthError,
    RefreshRejected,
)
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.secret import Secret
from providers import troubles

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.protocol.parties import Party
    from providers.rogue import RogueProvider

SECRETS = ("client_secret", "code", "code_verifier", "device_code", "refresh_token")


@pytest.fixture
def secretive(rogue) -> Party:
    rogue.client_secret = CLIENT_SECRET
    return party_at(rogue, client_secret=CLIENT_SECRET, client_auth="post")


def sent(rogue: RogueProvider) -> set[str]:
    """All that was secret in what was sent to the token endpoint."""
    forms = [request.form for request in rogue.seen("token")]
    return {form[name] for form in forms for name in SECRETS if name in form}


def echo(rogue: RogueProvider, error: str, member: str):
    """An error that repeats all it was sent, as clumsy servers do."""

    def trouble(_proceed):
        form = rogue.requests[-1].form
        secrets = [form[name] for name in SECRETS if name in form]
        said = " ".join([*secrets, *map(quote, secrets), *map(quote_plus, secrets)])
        answer = {"error": error, "error_description": "no"}
        answer[member] = answer.get(member, "") + said
        return troubles.Reply.json(answer, 400)

    return trouble


def shown(error: BaseException) -> str:
    """All that a traceback shows, with the local variables of every frame."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(error) + str(vars(error))


@pytest.mark.parametrize("member", ["error", "error_description", "error_uri"])
@pytest.mark.parametrize(
    "error_code", ["invalid_grant", "invalid_client", "server_error", "invalid_scope", "else"]
)
def test_an_error_that_repeats_secrets_shows_none(secretive, rogue, error_code, member):
    tokens = exchanged(secretive, rogue)
    rogue.script("token", echo(rogue, error_code, member))
    for call in (lambda: refreshed(secretive, tokens), lambda: exchanged(secretive, rogue)):
        assert not repeated(rogue, error_of(call))


def test_an_error_that_repeats_a_header_shows_no_secret(rogue):
    rogue.client_secret = CLIENT_SECRET
    party = party_at(rogue, client_secret=CLIENT_SECRET, client_auth="basic")

    def repeat(_proceed):
        header = rogue.requests[-1].headers["authorization"]
        return troubles.Reply.json({"error": "x", "error_description": f"Bad header {header}"}, 400)

    rogue.script("token", repeat)
    said = str(error_of(lambda: exchanged(party, rogue)))
    assert rogue.seen("token")[0].headers["authorization"].removeprefix("Basic ") not in said
    assert "Bad header Basic …" in said


@pytest.mark.parametrize("kind", ["text", "renamed"])
def test_no_part_of_a_secret_is_shown_where_words_are_cut(rogue, kind):
    party = party_at(rogue, error_names={"odd": "server_error"})
    tokens = exchanged(party, rogue)
    secret = tokens.refresh_token.reveal()
    said = "x" * 280 + secret
    answer = troubles.Reply.json({"error": "odd", "error_description": said}, 400)
    plain = troubles.Reply(400, said.encode(), {"Content-Type": "text/plain"})
    rogue.script("token", lambda _: plain if kind == "text" else answer)
    error = error_of(lambda: refreshed(party, tokens))
    assert "xxx" in str(error)
    assert secret[:8] not in str(error)


@pytest.mark.parametrize("error_code", ["access_denied", "invalid_grant", "else"])
def test_a_poll_for_a_device_shows_no_secret_that_is_repeated(secretive, rogue, error_code):
    rogue.script("token", echo(rogue, error_code, "error_description"))
    error = error_of(lambda: oauth.poll_device(secretive, Secret("device/code+1"), 5.0))
    assert "device/code+1" in sent(rogue)
    assert not repeated(rogue, error)


def repeated(rogue: RogueProvider, error: AuthError) -> list[str]:
    """The secrets that were sent and that the error shows, in whatever form."""
    said = str(error) + str(error.to_wire())
    return [
        secret
        for secret in sent(rogue)
        if any(form(secret) in said for form in (str, quote, quote_plus))
    ]


def error_of(call: Callable[[], object]) -> AuthError:
    """What it raised, with no local variable of a test in its traceback that shows a secret."""
    with pytest.raises(AuthError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    "trouble",
    [troubles.status(500), troubles.close(), troubles.html(400), troubles.error("invalid_grant")],
    ids=["500", "closed", "HTML", "refused"],
)
def test_a_traceback_with_locals_shows_no_secret(secretive, rogue, trouble):
    tokens = exchanged(secretive, rogue)
    for endpoint in ("token", "revoke", "userinfo"):
        rogue.script(endpoint, trouble)
    userinfo = f"{rogue.issuer}/userinfo"
    shows = [
        shown(error_of(lambda: refreshed(secretive, tokens))),
        shown(error_of(lambda: exchanged(secretive, rogue))),
        shown(error_of(lambda: oauth.userinfo(userinfo, tokens.access_token, HERE))),
    ]
    secrets = sent(rogue) | {tokens.access_token.reveal()}
    assert not [secret for secret in secrets for show in shows if secret in show]


def test_what_a_refusal_says_is_one_short_plain_line(party, rogue, tokens):
    nasty = "<script>\x1b[31m\r\n\u202e" + "x" * 10_000
    rogue.script("token", troubles.error("invalid_scope", 400, nasty))
    with pytest.raises(RefreshRejected) as caught:
        refreshed(party, tokens)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


def test_no_library_logs_a_secret(secretive, rogue, caplog):
    caplog.set_level("DEBUG")
    tokens = refreshed(secretive, exchanged(secretive, rogue))
    oauth.userinfo(f"{rogue.issuer}/userinfo", tokens.access_token, HERE)
    oauth.revoke(secretive, tokens.refresh_token, "refresh_token")
    rogue.script("token", troubles.error("invalid_grant"))
    with pytest.raises(RefreshRejected):
        refreshed(secretive, tokens)
    assert "urllib3" in caplog.text  # the logs of libraries were listened to
    secrets = sent(rogue) | {
        secret.reveal() for secret in (tokens.access_token, tokens.refresh_token, tokens.id_token)
    }
    assert not [secret for secret in secrets if secret in caplog.text]


def test_others_may_log_with_the_same_library(caplog):
    """The filter is for what we say."""
    caplog.set_level("DEBUG")
    logging.getLogger("requests_oauthlib.oauth2_session").debug("of somebody else")
    assert "of somebody else" in caplog.text
