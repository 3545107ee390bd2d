"""requests-oauthlib's session at one token endpoint, with its gaps closed.

It would follow redirects with a code in hand, wait for ever, refuse http to this machine, log
tokens at debug, and let raw exceptions and wrong values through. Here it does none of that.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

import requests
from oauthlib.oauth2 import DeviceClient, OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from jupyter_auth.core.common import times
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.token_response import spoken, understood
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oauthlib.oauth2 import Client

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider

BEARER = "bearer"
TOKENS = ("access_token", "refresh_token", "id_token")
MAX_SCOPE = 10_000  # characters
VISIBLE = re.compile(r"[ -~]*")  # RFC 6749 A.12, A.17: a line break would end a header
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 3.4
GRANTS = ("authorization_code", DEVICE_GRANT, "client_credentials", "password")
MAX_LIFETIME = 10 * 365 * 86400.0  # seconds; a larger `expires_in` is none


@dataclass(frozen=True, kw_only=True)
class TokenAnswer:
    """A token endpoint's answer (RFC 6749 5.1), checked. ``expires_in`` in seconds, or None.

    ``expires_at``: where a provider names the moment instead, in seconds since 1970.
    """

    access_token: Secret
    refresh_token: Secret | None
    id_token: Secret | None
    scopes: tuple[str, ...] | None
    expires_in: float | None
    expires_at: float | None = None

    def ends(self, now: float) -> float | None:
        """When the access token expires. None: the provider does not say."""
        if self.expires_at is not None:
            return self.expires_at
        return now + self.expires_in if self.expires_in else None


# oauthlib refuses http altogether; ours allows loopback, as urls.require_secure has checked.
# It is shown https, and what was meant is restored.


def as_https(url: str) -> str:
    """``url`` as oauthlib accepts it."""
    return "https://" + url.removeprefix("http://") if url.startswith("http://") else url


def restored(url: str, meant: str) -> str:
    """``url`` with the scheme that ``meant`` has."""
    return "http://" + url.removeprefix("https://") if meant.startswith("http://") else url


class ProviderSession(OAuth2Session):
    """requests-oauthlib's session for one request to the token endpoint of ``party``."""

    def __init__(
        self, party: Party, redirect_uri: str | None = None, client: Client | None = None
    ) -> None:
        client = client or WebApplicationClient(party.client_id)
        super().__init__(client=client, redirect_uri=redirect_uri)
        self._any_status = isinstance(client, DeviceClient)
        self._provider = party.provider
        self._endpoint = party.endpoint("token_endpoint")
        self.grant_type = ""

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """The answer, reduced to what its parser may see: checked fields, or an OAuth error."""
        self.grant_type = str(kwargs["data"].get("grant_type", ""))
        place = "params" if self._provider.client_auth == "query" else "data"
        form: dict[str, Any] = {place: spoken(self._provider, kwargs["data"])}
        form["headers"] = kwargs.get("headers")
        response = http.send(
            method,
            restored(url, self._endpoint),
            "token endpoint",
            self._provider.trust,
            auth=kwargs.get("auth") or http.no_auth,
            any_status=self._any_status,
            **form,
        )
        answer = understood(self._provider, http.json_object(response, "token endpoint"))
        if answer.get("error") is not None:
            said = {name: str(answer.get(name) or "") for name in ("error", "error_description")}
            refused = response.status_code == requests.codes.unauthorized
            if refused and self._provider.token_response:
                # RFC 6749 5.2: about the client, in whatever words of their own.
                said = {"error": "invalid_client", "error_description": refusal(said)}
        elif response.ok:
            said = _check_types(answer)
        else:
            raise _odd(f"answered {response.status_code}")
        reduced = requests.Response()
        reduced.status_code, reduced.request = response.status_code, response.request
        reduced.encoding, reduced.raw = "utf-8", io.BytesIO(json.dumps(said).encode())
        return reduced


_LATER = "Try again; if it stays so, show this to whoever runs the provider."


def _odd(what: str) -> ProviderError:
    return ProviderError(f"The token endpoint {what}.", hint=_LATER)


def _check_types(answer: http.Json) -> http.Json:
    """Only what RFC 6749 5.1 allows; ``expires_in`` is made a number where it reads as one."""
    for name in ("access_token", "refresh_token", "id_token", "scope", "token_type"):
        if answer.get(name) is None:
            answer.pop(name, None)
        elif not isinstance(answer[name], str):
            raise _odd(f"answered with an odd {name}: it is no text")
        elif name in TOKENS and not VISIBLE.fullmatch(answer[name]):
            raise _odd(f"answered with an odd {name}: it has invisible characters")
    if "scope" in answer:  # people read it
        answer["scope"] = plain_text(answer["scope"], MAX_SCOPE)
    kind = answer.get("token_type") or BEARER  # many leave it out
    if kind.lower() != BEARER:  # RFC 6749 7.1: whoever does not know the type does not use it
        raise ProviderError(
            f"The token endpoint answered with a token of type {plain_text(kind, 40)!r}, which"
            " can't be used here.",
            hint="Have the application registered for bearer tokens there (RFC 6750).",
        )
    answer.pop("error", None)
    if not answer.get("access_token"):
        raise _odd("answered without an access token")
    if (moment := answer.pop("expires_at", None)) is not None:
        answer["ends"] = moment  # oauthlib has an ``expires_at`` of its own
    if lifetime := _lifetime(answer.pop("expires_in", None)):
        answer["lifetime"] = lifetime
    return answer


def _lifetime(value: Any) -> float | None:
    """None for what is no lifetime: an error would throw away the only refresh token left."""
    return times.number(value, MAX_LIFETIME) or None


def checked(answer: http.Json) -> TokenAnswer:
    """What requests-oauthlib parsed, as a value."""
    scopes = answer.get("scope")
    return TokenAnswer(
        access_token=Secret(answer["access_token"]),
        refresh_token=Secret(t) if (t := answer.get("refresh_token")) else None,
        id_token=Secret(t) if (t := answer.get("id_token")) else None,
        scopes=tuple(filter(None, scopes)) if scopes is not None else None,
        expires_in=answer.get("lifetime"),
        expires_at=answer.get("ends"),
    )


def client_auth(party: Party) -> tuple[HTTPBasicAuth | None, dict[str, str]]:
    """Client authentication (RFC 6749 2.3.1) as Basic auth, or as form parameters.

    ConfigurationError: the client has a secret, and it is not here.
    """
    party.require_client()
    client_id, secret = party.client_id, party.provider.client_secret
    if party.provider.client_auth == "basic":
        password = secret.reveal() if secret else ""
        return HTTPBasicAuth(quote(client_id, safe=""), quote(password, safe="")), {}
    if party.provider.client_auth in {"post", "query"} and secret:
        return None, {"client_id": client_id, "client_secret": secret.reveal()}
    return None, {"client_id": client_id}


def refusal(params: Mapping[str, str], hidden: Sequence[Secret] = ()) -> str:
    """What an OAuth error says, in one short line that shows no secret (RFC 6749 4.1.2.1, 5.2)."""
    code = plain_text(_without(hidden, params.get("error") or "error"), 60)
    text = plain_text(_without(hidden, params.get("error_description") or ""), 300).rstrip(".")
    return f"{code}: {text}" if text else code


def _without(hidden: Sequence[Secret], text: str) -> str:
    for secret in hidden:
        value = secret.reveal()
        for form in (value, quote(value), quote(value, safe=""), quote_plus(value)):
            text = text.replace(form, "…")
    return text


@contextlib.contextmanager
def speaking(
    party: Party,
    redirect_uri: str | None = None,
    *,
    client: Client | None = None,
    invalid_grant: type[AuthError],
    hidden: tuple[Secret, ...],
) -> Iterator[ProviderSession]:
    """A session for one request. What oauthlib raises comes out as our own errors.

    ``client`` builds the request, by default that of the authorization code grant.
    ``invalid_grant`` is raised where the provider says that; ``hidden`` never shows in a message.
    """
    _quiet.on = True
    session = ProviderSession(party, redirect_uri, client)
    try:
        yield session
    except OAuth2Error as error:
        if secret := party.provider.client_secret:
            hidden = (*hidden, secret)
        params = {"error": error.error or "", "error_description": error.description or ""}
        said = refusal(params, hidden)
        raise _translated(party, params["error"], said, session.grant_type, invalid_grant) from None
    finally:
        _quiet.on = False


def _translated(
    party: Party, code: str, said: str, grant: str, invalid_grant: type[AuthError]
) -> AuthError:
    host = urlsplit(party.provider.address).netloc
    match code:
        case "invalid_grant":
            return invalid_grant(f"{host} ended this sign-in ({said}).", hint="Sign in again.")
        case "invalid_client":
            return ConfigurationError(
                f"{host} does not know this client by what it was shown ({said}).",
                hint=party.advice or other_credentials(party.provider),
            )
        case "unauthorized_client" | "unsupported_grant_type":
            return ConfigurationError(
                f"{host} refused the grant {grant} to this client ({said}).",
                hint=other_grants(party, grant),
            )
        case "temporarily_unavailable" | "server_error":
            return ProviderUnavailable(
                f"{host} is not available ({said}).", hint="Nothing is lost: try again."
            )
        case _:
            return ProviderError(f"{host} refused ({said}).", hint=_LATER)


def other_credentials(provider: Provider) -> str:
    """What to do where a provider does not know the client."""
    where = f"in the configuration of {provider.name!r}, against the registration there"
    if not provider.client_secret:
        return f"Check client_id {where}. If that has a client secret, give client_secret too."
    return (
        f"Check client_id and client_secret {where}. They were sent by client_auth"
        f" {provider.client_auth!r}; some registrations want {_other_way(provider)!r}."
    )


def _other_way(provider: Provider) -> str:
    return "post" if provider.client_auth == "basic" else "basic"


def other_grants(party: Party, grant: str) -> str:
    """What to do where a registration does not allow ``grant``: what it may be made for instead."""
    offered = party.endpoints.grant_types_supported or GRANTS
    others = [name.rpartition(":")[2] for name in offered if name in GRANTS and name != grant]
    instead = f" It seems to be made for another: {' or '.join(others)}." if others else ""
    known = [each for each in party.provider.grants if each in others]
    choose = ""
    if known:
        way = known[0]
        choose = f' If so, sign in with `grant="{way}"` (on a command line `--grant {way}`).'
    return (
        f"Allow {grant} in the registration of client {party.client_id!r}, or register an"
        f" application of its own for it.{instead}{choose}"
    )


class _Quiet(threading.local):
    """Whether this thread is speaking to a token endpoint for us."""

    on = False


_quiet = _Quiet()


def _not_ours(record: logging.LogRecord) -> bool:  # noqa: ARG001 (a logging filter)
    return not _quiet.on


# At debug requests-oauthlib logs codes, secrets and whole tokens, and urllib3 the query of a URL,
# where some providers want the secret. Other users' lines stay.
for _name in ("requests_oauthlib.oauth2_session", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_not_ours)
