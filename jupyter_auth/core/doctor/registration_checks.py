"""Whether a provider knows the client as it is configured here: two requests, for ``hub doctor``.

Both are harmless. A token request with a made-up code tells whether the client is known by its id
and secret (RFC 6749 5.2). An authorization request with ``prompt=none`` and no cookie tells whether
id and redirect URI are registered: only then the provider sends a browser back (RFC 6749 4.1.2.1,
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

CLIENT, WAY_BACK = "Client at the provider", "Redirect URI at the provider"
# OpenID Connect Core 3.1.2.6: nobody is signed in there, and nobody was asked.
NOBODY_THERE = {
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
}
REFUSES_REQUEST = {"invalid_scope", "unauthorized_client", "unsupported_response_type"}
MAX_SAID = 60  # characters of an error code


def registration(party: Party, redirect_uri: str, *, sure: bool) -> Iterator[Finding]:
    """What the provider makes of this client, where people sign in by a redirect.

    ``sure``: browsers do come back to ``redirect_uri``; else a refusal may be due to a wrong guess.
    """
    grants = party.provider.grants or (CODE,)
    endpoint = party.endpoints.authorization_endpoint or ""
    if CODE not in grants or not endpoint.startswith("http"):
        return
    try:
        said = oauth.refusal_of_made_up_code(party, redirect_uri)
    except AuthError as error:
        yield wrong(CLIENT, error)
        return
    try:
        arrival = _arrival(party, redirect_uri)
    except AuthError as error:
        yield _client(party, said, "")
        yield wrong(WAY_BACK, error)
        return
    yield _client(party, said, arrival)
    yield _way_back(party, redirect_uri, said, arrival, sure=sure)


def _arrival(party: Party, redirect_uri: str) -> str:
    """The error that a browser brings back; ``400`` where it is refused; "": neither is so."""
    url = oauth.authorization_url(
        party,
        redirect_uri=redirect_uri,
        scopes=party.default_scopes,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=oauth.new_verifier(),
        prompt="none",
    )
    answer = http.send(
        "GET",
        url,
        "authorization endpoint",
        party.provider.request_rules,
        accept=lambda answer: answer.is_redirect,
        headers={"Accept": "text/html"},
    )
    if answer.status_code == requests.codes.bad_request:
        return "400"
    found = answer.headers.get("Location", "") if answer.is_redirect else ""
    if found.partition("?")[0] != redirect_uri.partition("?")[0]:
        return ""
    return parse_qs(urlsplit(found).query).get("error", [""])[0]


def _client(party: Party, said: str, arrival: str) -> Finding:
    host, provider = urlsplit(party.endpoint("token_endpoint")).netloc, party.provider
    if said == "invalid_grant":
        shown = "its id and secret" if provider.client_secret else "its id"
        return Finding(about=CLIENT, says=f"{host} knows the client by {shown}.")
    if said == "invalid_client":
        without = "with this client secret" if provider.client_secret else "without a client secret"
        which, fix = f"this client id, or not {without}", other_credentials(provider)
        if arrival in NOBODY_THERE:
            which = f"the client {without}; it knows the client id"
        elif arrival == "400":
            fix += " Its authorization endpoint refuses it too, so look at client_id first."
        says = f"{host} does not know {which} (invalid_client)."
        return Finding(about=CLIENT, says=says, fix=fix, state="wrong")
    if said in {"unauthorized_client", "unsupported_grant_type"}:
        says = f"{host} does not let this client sign people in by a redirect ({said})."
        return Finding(about=CLIENT, says=says, fix=other_grants(party, CODE), state="wrong")
    hidden = (provider.client_secret,) if provider.client_secret else ()
    shown = f"answered {refusal({'error': said}, hidden)}" if said else "did not refuse it"
    return Finding(
        about=CLIENT,
        says=f"Not known: asked with a made-up code, {host} {shown}.",
        fix="Sign in once: that shows whether client id and secret are right.",
        state="note",
    )


def _way_back(party: Party, uri: str, said: str, arrival: str, *, sure: bool) -> Finding:
    host = urlsplit(party.endpoint("authorization_endpoint")).netloc
    known = f"{host} sends browsers back to {uri}"
    if arrival in NOBODY_THERE:
        return Finding(about=WAY_BACK, says=f"{known}.")
    if arrival in REFUSES_REQUEST:
        return Finding(
            about=WAY_BACK,
            says=f"{known}, but refuses the sign-in ({arrival}).",
            fix="Allow what is asked for in the registration there, or change `scopes`:"
            f" {' '.join(party.default_scopes)}.",
            state="wrong",
        )
    if arrival == "400":
        register = f"Register {uri} there, to the letter, for the client {party.client_id}."
        guess = "" if sure else " If the Hub's users have another address, set public_url."
        return Finding(
            about=WAY_BACK,
            says=f"{host} answered 400 to a sign-in of this client that is to come back to {uri}.",
            fix=f"{register}{guess}",
            state="wrong" if sure and said == "invalid_grant" else "note",
        )
    shown = f"it brought {plain_text(arrival, MAX_SAID)} back" if arrival else "it kept the browser"
    return Finding(
        about=WAY_BACK,
        says=f"Not known: asked for a sign-in without a person, {shown}.",
        fix=f"Check that {uri} is registered there, to the letter.",
        state="note",
    )
