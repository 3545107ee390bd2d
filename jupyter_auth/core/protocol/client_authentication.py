"""How a client shows who it is at the token endpoint and those beside it (RFC 6749 2.3, 3.2.1).

Servers differ where the RFC does not: some do not decode what Basic encodes, some want the client
ID in the form too, some take the form alone. A client that is refused is tried in the next spelling
that may be meant. Most servers know the client before they look at a grant, so that nothing is
spent by that; some spend a code with the first request, even a refused one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

import requests
from oauthlib.oauth2 import OAuth2Error
from requests.auth import HTTPBasicAuth

from jupyter_auth.core.protocol import http
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.protocol.parties import Party

T = TypeVar("T")
BASIC, POST = "client_secret_basic", "client_secret_post"  # RFC 7591 2
NAMED = r"(?i)client[ _-]?(id|secret)"  # as in "client_id is missing"
MISSING = r"(?i)missing client[ _-]?id"  # MCP's SDK refuses the client for it
UNCLEAR = {"invalid_request", "HTTP 400", ""}  # errors that may be about such a parameter
MAX_KNOWN = 1000  # spellings that are remembered


class Spelling(NamedTuple):
    """One way to show a client secret; the default is that of RFC 6749 2.3.1.

    ``post``: in the form, not in a Basic header. ``raw``: in the header without form encoding.
    ``named``: with the client ID in the form too.
    """

    post: bool = False
    raw: bool = False
    named: bool = False


_known: dict[tuple[object, ...], Spelling] = {}  # those that turned out to be right


def authenticated(party: Party, send: Callable[[http.Auth, dict[str, str]], T]) -> T:
    """What ``send`` returns with the credentials as the provider takes them: an ``auth`` for
    requests, and parameters. A spelling that works is remembered while this process lives.

    Raises:
        ConfigurationError: the client ID or secret is missing.
        OAuth2Error: of ``send``, once no other spelling is left; its refusal of the client, where
            that may have spent the grant.
    """
    party.require_client()
    own, tried = party.client, list[Spelling]()
    secret = own.client_secret and own.client_secret.digest
    client = (party.endpoints.token_endpoint, own.client_auth, party.client_id, secret)
    spelling = _known.get(client) or Spelling(post=_posts(party))
    refused: OAuth2Error | None = None
    while True:
        tried.append(spelling)
        try:
            answer = send(*_credentials(party, spelling))
        except OAuth2Error as error:
            if others := [each for each in _others(party, error, spelling) if each not in tried]:
                spelling, refused = others[0], error if is_refused(error) else refused
                continue
            if is_refused(error):
                _known.pop(client, None)
            elif refused and error.error == "invalid_grant":
                _remember(client, spelling)  # right or wrong: the next grant will tell
                raise refused from None
            raise
        _remember(client, spelling)
        return answer


def _remember(client: tuple[object, ...], spelling: Spelling) -> None:
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[client] = spelling


def _posts(party: Party) -> bool:
    """Whether the secret is in the form: as configured, else where the metadata has no Basic."""
    offered = party.endpoints.token_endpoint_auth_methods_supported
    only = POST in offered and BASIC not in offered
    return party.client.client_auth == "post" or (party.client.client_auth == "auto" and only)


def _credentials(party: Party, spelling: Spelling) -> tuple[http.Auth, dict[str, str]]:
    own, client = party.client, {"client_id": party.client_id} if party.client_id else {}
    secret = own.client_secret.reveal() if own.client_secret else ""
    if own.client_auth == "none" or (own.client_auth != "basic" and not secret):
        return http.no_auth, client
    if spelling.post or own.client_auth == "query":
        return http.no_auth, client | {"client_secret": secret}
    pair = _pair(party, raw=spelling.raw)
    return HTTPBasicAuth(*(each.encode() for each in pair)), client if spelling.named else {}


def in_headers(party: Party) -> list[Secret]:
    """The client secret as Basic headers have it, in each spelling; none without one."""
    pairs = [_pair(party, raw=raw) for raw in (False, True)] if party.client.client_secret else []
    return [Secret(b64encode(":".join(pair).encode()).decode()) for pair in pairs]


def _pair(party: Party, *, raw: bool) -> tuple[str, str]:
    """Client ID and secret for a Basic header."""
    secret = party.client.client_secret.reveal() if party.client.client_secret else ""
    if raw:
        return party.client_id, secret
    return quote(party.client_id, safe=""), quote(secret, safe="")


def _others(party: Party, error: OAuth2Error, spelling: Spelling) -> Iterator[Spelling]:
    """The spellings that may be meant by a server that refuses this one."""
    own, offered = party.client, party.endpoints.token_endpoint_auth_methods_supported
    if spelling.post or own.client_auth not in {"auto", "basic"} or not own.client_secret:
        return
    plain = party.client_id + own.client_secret.reveal()
    said = error.description or ""
    lacking = (error.error in UNCLEAR and re.search(NAMED, said)) or re.search(MISSING, said)
    if not (lacking or is_refused(error)):
        return
    if lacking:
        yield spelling._replace(named=True)
    elif quote(plain, safe="") != plain and ":" not in party.client_id:
        yield spelling._replace(raw=not spelling.raw)
    if own.client_auth == "auto" and (not offered or POST in offered):
        yield Spelling(post=True)


def is_refused(error: OAuth2Error) -> bool:
    """Whether the client was refused (RFC 6749 5.2); Keycloak's word is ``unauthorized_client``."""
    status, code = error.status_code, error.error or ""
    if code in {"invalid_client", "HTTP 401"}:  # the latter: without a word
        return True
    return status == requests.codes.unauthorized and "client" in code
