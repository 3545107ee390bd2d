"""The requests of OAuth 2.0 and OpenID Connect, each one a function without state."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any, TypeVar

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import (
    START_AGAIN,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    ProviderError,
)
from jupyter_auth.core.models import NO_CHALLENGE
from jupyter_auth.core.protocol import client_authentication, dialect, http, token_endpoint
from jupyter_auth.core.protocol.oauth_response import (
    DEVICE_ENDPOINT,
    DeviceAuthorizationResponse,
    ErrorResponse,
    error_code,
    parameters,
)
from jupyter_auth.core.protocol.parties import SILENT
from jupyter_auth.core.protocol.token_endpoint import CLIENT, CODE, DEVICE, PASSWORD, REFRESH
from jupyter_auth.core.provider import resources
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.models import Challenge
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party

T = TypeVar("T")
REVOCATION_ENDPOINT = "revocation endpoint"
MADE_UP = "made-up-by-jupyter-auth-hub-doctor"  # a code, as the provider's log may show it
JWT = b"eyJ"  # how one begins: its header is a JSON object; some call it text
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"  # noqa: S105 (RFC 8693 3)
USABLE = {f"{TOKEN_TYPE}{kind}" for kind in ("access_token", "jwt")}  # as access tokens
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 2.2
# Errors about the subject token: RFC 8693 2.2.2, Google's word for it; RFC 7521 4.2.1.
SUBJECT_ERRORS = {
    token_endpoint.EXCHANGE: {"invalid_request", "invalid_grant"},
    CLIENT: {"invalid_client", "invalid_request", "invalid_grant"},
}
SLOWER = 5.0  # seconds that each ``slow_down`` adds to the interval for good (RFC 8628 3.5)


class SubjectRefused(ProviderError):
    """A token exchange was refused for the token that was to be exchanged."""


def new_verifier() -> Secret:
    """A fresh PKCE code verifier of 256 random bits or more (RFC 7636 4.1)."""
    return Secret(WebApplicationClient("").create_code_verifier(64))


def authorization_url(
    party: Party,
    *,
    redirect_uri: str,
    scopes: Sequence[str],
    state: str,
    nonce: str,
    verifier: Secret,
    prompt: str | None = None,
    max_age: str | None = None,
    login_hint: str | None = None,
    challenge: Challenge = NO_CHALLENGE,
    resource: str = "",
) -> str:
    """Where to send the browser (RFC 6749 4.1.1, RFC 7636 4.3, OIDC Core 3.1.2.1).

    What an API demands goes beside what is configured (RFC 9470 4).
    """
    configured = party.provider.authorize_params
    words = f"{prompt or ''} {configured.get('prompt') or ''}".split()  # OIDC Core 3.1.2.1
    words = [SILENT] if SILENT in words else words
    params = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": redirect_uri,
        "scope": party.joined(scopes),
        "state": state,
        **(_challenge(verifier) if party.uses_pkce else {}),
        "login_hint": login_hint,
        **configured,
        "prompt": " ".join(dict.fromkeys(words)),
        **_demanded(challenge, configured),
        **({"max_age": max_age} if max_age else {}),
        "nonce": nonce if "openid" in scopes else None,
    }
    given = {name: value for name, value in params.items() if value}
    pairs = [*token_endpoint.named(party.provider, given).items()]
    for name, value in resources.authorization_parameters(party.provider, resource):
        if name not in configured:
            pairs.append((party.provider.param_names.get(name, name), value))
    return add_params_to_uri(party.endpoint("authorization_endpoint"), pairs)


def _demanded(challenge: Challenge, configured: Mapping[str, str]) -> dict[str, str]:
    given = {"acr_values": challenge.acr_values, "max_age": challenge.max_age}
    given["claims"] = both_claims(configured.get("claims", ""), challenge.claims)
    return {name: value for name, value in given.items() if value}


def both_claims(configured: str, demanded: str) -> str:
    """The claims requests of a provider's configuration and of an API in one (OIDC Core 5.5)."""
    if not (configured and demanded):
        return demanded or configured
    merged = _json_object(configured)
    for place, claims in _json_object(demanded).items():
        known = merged.get(place)
        both = isinstance(known, dict) and isinstance(claims, dict)
        merged[place] = known | claims if both else claims
    return json.dumps(merged)


def _json_object(text: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def _challenge(verifier: Secret) -> dict[str, str]:
    """The code challenge for a verifier (RFC 7636 4.3)."""
    challenge = WebApplicationClient("").create_code_challenge(verifier.reveal(), "S256")
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


@forgetful
def exchange(
    party: Party, *, code: Secret, verifier: Secret, redirect_uri: str, resource: str = ""
) -> TokenResponse:
    """Exchange an authorization code for tokens (RFC 6749 4.1.3). It is never sent twice.

    Raises as ``token_endpoint.request``, as the other grants do.
    """
    proof = {"code_verifier": verifier} if party.uses_pkce else {}
    named = resources.token_parameters(party.provider, resource)
    more: dict[str, str | Secret] = {**proof, **named}
    return token_endpoint.request(party, CODE, code=code, redirect_uri=redirect_uri, **more)


@forgetful
def refusal_of_made_up_code(party: Party, redirect_uri: str = "") -> OAuth2Error | None:
    """The error with which the token endpoint refuses a made-up code (RFC 6749 5.2).

    It is ``invalid_grant`` if the client credentials are right, ``invalid_client`` if not, and None
    if nothing is refused. Raises as ``exchange`` without a response.
    """
    given = {"redirect_uri": redirect_uri} if redirect_uri else {}
    try:
        token_endpoint.send(party, CODE, code=MADE_UP, code_verifier=new_verifier(), **given)
    except OAuth2Error as error:
        return error
    return None


@forgetful
def redeem(party: Party, code: Secret) -> TokenResponse:
    """Exchange a pasted code, which has no redirect URI or verifier of ours."""
    return token_endpoint.request(party, CODE, code=code)


@forgetful
def password(
    party: Party, username: str, password: Secret, scopes: Sequence[str], resource: str = ""
) -> TokenResponse:
    """The password grant (RFC 6749 4.3), where nothing better is offered."""
    more = resources.token_parameters(party.provider, resource)
    scope = party.joined(scopes)
    return token_endpoint.request(
        party, PASSWORD, username=username, password=password, scope=scope, **more
    )


@forgetful
def refresh(party: Party, refresh_token: Secret, **more: str) -> TokenResponse:
    """New tokens for a refresh token, which is kept unless a new one is returned (RFC 6749 6).

    ``more``: further parameters, such as the resource that they are for.

    Raises:
        RefreshRejected: the provider refuses, in whatever words.
    """
    response = token_endpoint.request(party, REFRESH, refresh_token=refresh_token, **more)
    return dataclasses.replace(response, refresh_token=response.refresh_token or refresh_token)


@forgetful
def client_credentials(party: Party, scopes: Sequence[str]) -> TokenResponse:
    """The client credentials grant (RFC 6749 4.4)."""
    more = {"audience": party.provider.audience or ""}
    more |= resources.token_parameters(party.provider, "")
    return token_endpoint.request(party, CLIENT, scope=party.joined(scopes), **more)


@forgetful
def exchange_token(party: Party, subject_token: Secret) -> TokenResponse:
    """A token of this provider for another one's (RFC 8693 2, or RFC 7523 2.2).

    Raises:
        SubjectRefused: it is refused (RFC 8693 2.2.2).
        ProviderError: so is its target, or what is issued is no access token (2.2.1).
        ConfigurationError, ProviderUnavailable: as ``token_endpoint.request``.
    """
    wanted, provider = party.provider.exchange, party.provider
    assert wanted is not None  # noqa: S101 (checked by the caller)
    params: dict[str, str | Secret] = {
        "audience": wanted.audience or provider.audience or "",
        "resource": provider.resource or "",
        "scope": party.joined(provider.scopes),
    }
    if wanted.grant == CLIENT:
        params |= {"client_assertion": subject_token, "client_assertion_type": ASSERTION}
        return _exchange(party, CLIENT, params)
    params |= {
        "subject_token": subject_token,
        "subject_token_type": wanted.subject_token_type or TOKEN_TYPE + wanted.subject_token,
        "requested_token_type": wanted.requested_token_type or f"{TOKEN_TYPE}access_token",
    }
    response = _exchange(party, token_endpoint.EXCHANGE, params)
    if (issued := response.issued_token_type) and issued not in USABLE:
        raise ProviderError(
            f"{provider.title} issued a token of type {plain_text(issued, 80)!r}, which is no"
            " access token.",
            hint="Ask for another by `requested_token_type` in `exchange` of the provider.",
        )
    return response


def _exchange(party: Party, grant: str, params: dict[str, str | Secret]) -> TokenResponse:
    try:
        return token_endpoint.send(party, grant, **params)
    except OAuth2Error as error:
        if error.error not in SUBJECT_ERRORS[grant]:
            raise token_endpoint.failure(party, grant, error, *params.values()) from None
        text = token_endpoint.error_text(party, error, *params.values())
        raise SubjectRefused(
            f"{party.provider.title} refused the token to exchange ({text}).",
            hint="Check `exchange` of the provider, and whom the other side trusts.",
        ) from None


@forgetful
def authorize_device(
    party: Party, scopes: Sequence[str], verifier: Secret | None = None, resource: str = ""
) -> DeviceAuthorizationResponse:
    """The code that a person enters at the provider's page (RFC 8628 3.1).

    ``verifier``: the device code is bound to it by PKCE, as some providers want of public clients.
    """
    form: dict[str, Any] = {"client_id": party.client_id, "scope": party.joined(scopes)}
    named: dict[str, list[str]] = {}
    for name, value in resources.authorization_parameters(party.provider, resource):
        named.setdefault(name, []).append(value)
    form |= {name: each if each[1:] else each[0] for name, each in named.items()}
    form |= party.provider.authorize_params
    form |= _challenge(verifier) if verifier else {}
    url = party.endpoint("device_authorization_endpoint")

    def read(response: requests.Response) -> DeviceAuthorizationResponse:
        params = parameters(response, DEVICE_ENDPOINT, party.provider)
        return DeviceAuthorizationResponse.parse(dialect.by_their_names(party.provider, params))

    try:
        return _post(party, url, DEVICE_ENDPOINT, form, read, accept=error_code)
    except OAuth2Error as error:
        raise token_endpoint.failure(party, DEVICE, error) from None


@forgetful
def poll_device(
    party: Party,
    device_code: Secret,
    interval: float,
    verifier: Secret | None = None,
    resource: str = "",
) -> TokenResponse | float:
    """The tokens, once the person has agreed; until then the seconds between polls, which are
    ``interval`` or more (RFC 8628 3.4, 3.5).

    Raises:
        LoginDenied, LoginExpired, LoginFailed: the login is over.
        ProviderUnavailable, ProviderError: no usable response; poll again later.
    """
    try:
        proof = {"code_verifier": verifier} if verifier else {}
        named = resources.token_parameters(party.provider, resource)
        return token_endpoint.send(party, DEVICE, device_code=device_code, **proof, **named)
    except ErrorResponse as error:
        return _pending(party, error, device_code, interval)


def _pending(party: Party, error: ErrorResponse, device_code: Secret, interval: float) -> float:
    """RFC 8628 3.5: two errors mean to go on polling, all others to stop."""
    title = party.provider.title
    match dialect.device_error(error.error or ""):
        case "authorization_pending":
            return interval
        case "slow_down":
            return max(interval + SLOWER, error.interval)
        case "access_denied":
            text = token_endpoint.error_text(party, error, device_code)
            raise LoginDenied(
                f"{title} did not sign you in ({text}).", next_step=START_AGAIN
            ) from None
        case "expired_token":
            raise LoginExpired(
                f"The code for {title} was not used in time.", next_step=START_AGAIN
            ) from None
    failure = token_endpoint.failure(party, DEVICE, error, device_code)
    if isinstance(failure, ProviderError):
        raise LoginFailed(failure.message) from None
    raise failure from None


@forgetful
def revoke(party: Party, token: Secret, hint: str) -> str:
    """Revoke a token (RFC 7009 2.1). Why the provider refuses to, in its words; "" if it is done.

    A token that is invalid already needs no more (2.2). Asking again would not help (2.2.1).

    Raises:
        ProviderUnavailable, ConfigurationError: there is no answer; maybe later.
    """
    form = {"token": token.reveal(), "token_type_hint": hint}

    def read(response: requests.Response) -> str:
        with contextlib.suppress(ProviderError):
            # Some refuse with 200, as Slack does.
            if not response.ok or dialect.decoded(response, REVOCATION_ENDPOINT).get("error"):
                parameters(response, REVOCATION_ENDPOINT, party.provider)
        return "" if response.ok else f"HTTP {response.status_code}"

    try:
        url = party.endpoint("revocation_endpoint")
        return _post(party, url, REVOCATION_ENDPOINT, form, read)
    except OAuth2Error as error:
        done = error.error == "invalid_token"
        return "" if done else token_endpoint.error_text(party, error, token)


def _post(
    party: Party,
    url: str,
    what: str,
    form: Mapping[str, Any],
    read: Callable[[requests.Response], T],
    **kwargs: Any,
) -> T:
    """What ``read`` makes of the response; it raises OAuth2Error for an error response."""

    def send(auth: http.Auth, credentials: dict[str, str]) -> T:
        given = {name: value for name, value in {**form, **credentials}.items() if value}
        body = {token_endpoint.body(party.provider): token_endpoint.named(party.provider, given)}
        rules = party.provider.request_rules
        return read(http.send("POST", url, what, rules, auth=auth, **(kwargs | body)))

    return client_authentication.authenticated(party, send)


@forgetful
def userinfo(
    url: str,
    access_token: Secret,
    rules: RequestRules,
    read_jwt: Callable[[Secret], http.Json] | None = None,
) -> http.Json:
    """The claims about the account (OIDC Core 5.3), or the response of an API's "me".

    ``read_jwt`` verifies a response that is a JWT (5.3.2), and returns its claims.
    """
    headers = {"Authorization": f"Bearer {access_token.reveal()}"}
    if read_jwt:
        headers["Accept"] = "application/json, application/jwt;q=0.9"
    response = http.send("GET", url, "userinfo endpoint", rules, headers=headers)
    if not response.ok:
        raise ProviderError(f"The userinfo endpoint answered {response.status_code}.")
    jwt = response.content[:3] == JWT or http.media_type(response) == "application/jwt"
    if read_jwt and jwt:
        return read_jwt(Secret(response.text.strip()))
    return http.json_object(response, "userinfo endpoint")
