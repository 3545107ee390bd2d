"""Whether a client is registered as it is configured here: a few requests, for ``hub doctor``.

All are harmless. A token request with a made-up code shows whether client ID and secret are right
(RFC 6749 5.2). An authorization request with ``prompt=none`` and no cookie shows whether id and
redirect URI are registered: only then does the provider send a browser back (RFC 6749 4.1.2.1,
OpenID Connect Core 3.1.2.6). What is not sure is a note.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import requests

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol import http, oauth
from jupyter_auth.core.protocol.oauth_response import refusal
from jupyter_auth.core.protocol.token_endpoint import CODE, other_credentials, other_grants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.protocol.parties import Party

CLIENT, REDIRECT = "Client at the provider", "Redirect URI at the provider"
# OpenID Connect Core 3.1.2.6: the request would need a person.
PERSON_NEEDED = {
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
}
REFUSES_REQUEST = {"invalid_scope", "unauthorized_client", "unsupported_response_type"}
MAX_CODE = 60  # characters of an error code


def registration(party: Party, redirect_uri: str, *, sure: bool) -> Iterator[Finding]:
    """Findings about this client, if people sign in by a redirect.

    ``sure``: ``redirect_uri`` is the real one; else it is a guess, which may be refused.
    """
    grants = party.provider.grants or (CODE,)
    endpoint = party.endpoints.authorization_endpoint or ""
    if CODE not in grants or not endpoint.startswith("http"):
        return
    try:
        answer = oauth.refusal_of_made_up_code(party, redirect_uri)
    except AuthError as error:
        yield wrong(CLIENT, error)
        return
    refused = (answer.error or "error") if answer else ""
    try:
        returned = _returned_error(party, redirect_uri)
    except AuthError as error:
        yield _client(party, refused, "")
        yield wrong(REDIRECT, error)
        return
    yield _client(party, refused, returned)
    yield _redirect(party, redirect_uri, refused, returned, sure=sure)


def _returned_error(party: Party, redirect_uri: str) -> str:
    """The error that a browser comes back with; ``400`` if that is the response; else ""."""
    url = oauth.authorization_url(
        party,
        redirect_uri=redirect_uri,
        scopes=party.default_scopes,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=oauth.new_verifier(),
        prompt="none",
    )
    response = http.send(
        "GET",
        url,
        "authorization endpoint",
        party.provider.request_rules,
        accept=lambda response: response.is_redirect,
        headers={"Accept": "text/html"},
    )
    if response.status_code == requests.codes.bad_request:
        return "400"
    found = response.headers.get("Location", "") if response.is_redirect else ""
    if found.partition("?")[0] != redirect_uri.partition("?")[0]:
        return ""
    return parse_qs(urlsplit(found).query).get("error", [""])[0]


def _client(party: Party, refused: str, returned: str) -> Finding:
    host, provider = urlsplit(party.endpoint("token_endpoint")).netloc, party.provider
    if refused == "invalid_grant":
        shown = "client ID and client secret" if provider.client_secret else "client ID"
        return Finding(CLIENT, f"{host} accepts the {shown}.")
    if refused == "invalid_client":
        other = "client secret" if provider.client_secret else "requires a client secret"
        says, fix = f"rejects this client ID or {other}", other_credentials(party)
        if returned in PERSON_NEEDED:
            verb = "rejects this" if provider.client_secret else "requires a"
            says = f"{verb} client secret; it knows the client ID"
        elif returned == "400":
            fix += " Its authorization endpoint refuses it too, so check client_id first."
        return Finding(CLIENT, f"{host} {says} (invalid_client).", fix, "wrong")
    if refused in {"unauthorized_client", "unsupported_grant_type"}:
        says = f"{host} does not let this client sign people in by a redirect ({refused})."
        return Finding(CLIENT, says, other_grants(party, CODE), "wrong")
    hidden = (provider.client_secret,) if provider.client_secret else ()
    shown = f"answered {refusal({'error': refused}, hidden)}" if refused else "did not refuse it"
    says = f"Unknown: to a made-up code, {host} {shown}."
    fix = "Sign in once: that shows whether client ID and secret are right."
    return Finding(CLIENT, says, fix, "note")


def _redirect(party: Party, uri: str, refused: str, returned: str, *, sure: bool) -> Finding:
    host = urlsplit(party.endpoint("authorization_endpoint")).netloc
    says = f"{host} sends browsers back to {uri}"
    if returned in PERSON_NEEDED:
        return Finding(REDIRECT, f"{says}.")
    if returned in REFUSES_REQUEST:
        scopes = " ".join(party.default_scopes)
        fix = f"Allow these scopes in the registration, or change them: {scopes}."
        return Finding(REDIRECT, f"{says}, but refuses the sign-in ({returned}).", fix, "wrong")
    if returned == "400":
        says = f"{host} answered 400 to a sign-in of this client with the redirect URI {uri}."
        fix = f"Register exactly {uri} there, for the client {party.client_id}."
        guess = "" if sure else " If the Hub's users have another address, set public_url."
        sure = sure and refused == "invalid_grant"
        return Finding(REDIRECT, says, f"{fix}{guess}", "wrong" if sure else "note")
    shown = f"came back with {plain_text(returned, MAX_CODE)}" if returned else "did not come back"
    says = f"Unknown: a sign-in without a person {shown}."
    return Finding(REDIRECT, says, f"Check that exactly {uri} is registered there.", "note")
