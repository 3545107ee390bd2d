"""The protocol: what is said to an authorization server, on requests-oauthlib.

Nothing here decides or remembers; each function is one request, or the URL for one.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import (
    START_AGAIN,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    ProviderError,
)
from jupyter_auth.core.protocol import http, token_endpoint
from jupyter_auth.core.protocol.oauth_response import (
    DEVICE_ENDPOINT,
    DeviceAuthorizationResponse,
    error_code,
    parameters,
)
from jupyter_auth.core.protocol.token_endpoint import CLIENT, CODE, DEVICE, PASSWORD, REFRESH
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party

MADE_UP = "made-up-by-jupyter-auth-hub-doctor"  # a code, as the provider's log may show it
SLOWER = 5.0  # seconds that each ``slow_down`` adds to the interval for good (RFC 8628 3.5)


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
    login_hint: str | None = None,
) -> str:
    """Where to send the browser (RFC 6749 4.1.1, RFC 7636 4.3, OIDC Core 3.1.2.1)."""
    challenge = WebApplicationClient("").create_code_challenge(verifier.reveal(), "S256")
    configured = party.provider.authorize_params
    words = f"{prompt or ''} {configured.get('prompt') or ''}".split()  # OIDC Core 3.1.2.1
    params = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": login_hint,
        "audience": party.provider.audience,
        **configured,
        "prompt": " ".join(dict.fromkeys(words)),
        "nonce": nonce if "openid" in scopes else None,
    }
    given = [(name, value) for name, value in params.items() if value]
    return add_params_to_uri(party.endpoint("authorization_endpoint"), given)


@forgetful
def exchange(party: Party, *, code: Secret, verifier: Secret, redirect_uri: str) -> TokenResponse:
    """The authorization code for tokens (RFC 6749 4.1.3). Never sent twice.

    Raises what ``token_endpoint.request`` does, as all of these do.
    """
    return token_endpoint.request(
        party, CODE, code=code, code_verifier=verifier, redirect_uri=redirect_uri
    )


@forgetful
def refusal_of_made_up_code(party: Party, redirect_uri: str) -> str:
    """The error with which the token endpoint refuses a code that nobody was given (RFC 6749 5.2).

    ``invalid_grant`` is said to a client that it knows by what it was shown, ``invalid_client`` to
    any other; "" where it refuses nothing. Raises what ``exchange`` does where there is no answer.
    """
    try:
        token_endpoint.send(
            party, CODE, code=MADE_UP, code_verifier=new_verifier(), redirect_uri=redirect_uri
        )
    except OAuth2Error as error:
        return error.error or "error"
    return ""


@forgetful
def redeem(party: Party, code: Secret) -> TokenResponse:
    """A pasted code for tokens: no authorization request was ours, so there is nothing to add."""
    return token_endpoint.request(party, CODE, code=code)


@forgetful
def password(party: Party, username: str, password: Secret, scopes: Sequence[str]) -> TokenResponse:
    """User name and password for tokens (RFC 6749 4.3), where nothing better is offered."""
    return token_endpoint.request(
        party, PASSWORD, username=username, password=password, scope=" ".join(scopes)
    )


@forgetful
def refresh(party: Party, refresh_token: Secret) -> TokenResponse:
    """New tokens for a refresh token, which stays where none is sent anew (RFC 6749 6).

    Raises: RefreshRejected: ``invalid_grant``, and nothing else: the sign-in is over.
    """
    response = token_endpoint.request(party, REFRESH, refresh_token=refresh_token)
    return dataclasses.replace(response, refresh_token=response.refresh_token or refresh_token)


@forgetful
def client_credentials(party: Party, scopes: Sequence[str]) -> TokenResponse:
    """A token of the client's own (RFC 6749 4.4)."""
    audience = party.provider.audience or ""
    return token_endpoint.request(party, CLIENT, scope=" ".join(scopes), audience=audience)


@forgetful
def authorize_device(party: Party, scopes: Sequence[str]) -> DeviceAuthorizationResponse:
    """A code for a person to take to the provider's page (RFC 8628 3.1).

    Raises: ConfigurationError: the provider refused this client.
    """
    url = party.endpoint("device_authorization_endpoint")
    form = {**party.provider.authorize_params, "client_id": party.client_id}
    form |= {"scope": " ".join(scopes), "audience": party.provider.audience or ""}
    response = _post(party, url, DEVICE_ENDPOINT, form, accept=error_code)
    try:
        return DeviceAuthorizationResponse.parse(parameters(response, DEVICE_ENDPOINT))
    except OAuth2Error as error:
        raise token_endpoint.failure(party, DEVICE, error) from None


@forgetful
def poll_device(
    party: Party, device_code: Secret
) -> TokenResponse | Literal["authorization_pending", "slow_down"]:
    """The tokens, once the person has said yes; else what the provider says (RFC 8628 3.4, 3.5).

    Raises: LoginDenied, LoginExpired, LoginFailed: it is over. ProviderUnavailable, ProviderError:
    no answer that means anything; ask again later.
    """
    try:
        return token_endpoint.send(party, DEVICE, device_code=device_code)
    except OAuth2Error as error:
        return _pending(party, error, device_code)


def _pending(
    party: Party, error: OAuth2Error, device_code: Secret
) -> Literal["authorization_pending", "slow_down"]:
    """RFC 8628 3.5: two errors mean to go on, any other one to stop."""
    title = party.provider.title
    match error.error:
        case "authorization_pending" | "slow_down":
            return error.error
        case "access_denied":
            said = token_endpoint.told(party, error, device_code)
            raise LoginDenied(
                f"{title} did not sign you in ({said}).", next_step=START_AGAIN
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
def revoke(party: Party, token: Secret, hint: str) -> bool:
    """RFC 7009 2.1. False: the provider takes no such token back (2.2.1), or none at all."""
    if not (url := party.endpoints.revocation_endpoint):
        return False
    form = {"token": token.reveal(), "token_type_hint": hint}
    response = _post(party, url, "revocation endpoint", form)
    if response.ok:
        return True
    if error_code(response) == "unsupported_token_type":
        return False
    raise ProviderError(f"The revocation endpoint answered {response.status_code}.")


def _post(
    party: Party, url: str, what: str, form: dict[str, str], **kwargs: Any
) -> requests.Response:
    auth, credentials = token_endpoint.client_auth(party)
    data = {name: value for name, value in (form | credentials).items() if value}
    return http.send(
        "POST", url, what, party.provider.request_rules, auth=auth, data=data, **kwargs
    )


@forgetful
def userinfo(url: str, access_token: Secret, rules: RequestRules) -> http.Json:
    """The claims about the account (OIDC Core 5.3), or what an API says of "me"."""
    headers = {"Authorization": f"Bearer {access_token.reveal()}", "Accept": "application/json"}
    answer = http.send("GET", url, "userinfo endpoint", rules, headers=headers)
    if not answer.ok:
        raise ProviderError(f"The userinfo endpoint answered {answer.status_code}.")
    return http.json_object(answer, "userinfo endpoint")
