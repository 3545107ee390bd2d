"""The protocol: what is said to an authorization server, on requests-oauthlib.

Nothing here decides or remembers; each function is one request, or the URL for one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

from oauthlib.oauth2 import (
    BackendApplicationClient,
    DeviceClient,
    LegacyApplicationClient,
    OAuth2Error,
    WebApplicationClient,
)
from oauthlib.oauth2.rfc6749.errors import raise_from_error

from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    ProviderError,
    RefreshRejected,
)
from jupyter_auth.core.protocol import device_authorization, http
from jupyter_auth.core.protocol.token_endpoint import (
    ProviderSession,
    TokenAnswer,
    as_https,
    checked,
    client_auth,
    refusal,
    restored,
    speaking,
)
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.common.blocked_addresses import Trust
    from jupyter_auth.core.protocol.device_authorization import DeviceAnswer
    from jupyter_auth.core.protocol.parties import Party

MEANT_FOR_ALL = frozenset(  # errors that mean the same for each grant
    {"invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"server_error", "temporarily_unavailable"}
)
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
    client = WebApplicationClient(party.client_id)
    challenge = client.create_code_challenge(verifier.reveal(), "S256")
    extra = {"login_hint": login_hint, "audience": party.provider.audience}
    extra |= party.provider.authorize_params
    # OIDC Core 3.1.2.1: a list of words.
    words = f"{prompt or ''} {extra.get('prompt') or ''}".split()
    extra["prompt"] = " ".join(dict.fromkeys(words))
    if "openid" in scopes:
        extra["nonce"] = nonce
    url = party.endpoint("authorization_endpoint")
    return restored(
        client.prepare_request_uri(
            as_https(url),
            redirect_uri=redirect_uri,
            scope=list(scopes) or None,
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
            **{k: v for k, v in extra.items() if v},
        ),
        url,
    )


def _fetched(session: ProviderSession, party: Party, **params: Any) -> http.Json:
    """What the token endpoint answers to a grant with these parameters."""
    auth, credentials = client_auth(party)
    if secret := credentials.get("client_secret"):
        params["client_secret"] = secret
    return session.fetch_token(
        as_https(party.endpoint("token_endpoint")),
        auth=auth,
        include_client_id=auth is None,  # oauthlib adds the id by itself
        **params,
    )


@forgetful
def exchange(party: Party, *, code: Secret, verifier: Secret, redirect_uri: str) -> TokenAnswer:
    """The authorization code for tokens (RFC 6749 4.1.3). Never sent twice.

    LoginFailed: the provider refused the code. ConfigurationError: it refused the client.
    """
    with speaking(
        party, redirect_uri, invalid_grant=LoginFailed, hidden=(code, verifier)
    ) as session:
        answer = _fetched(session, party, code=code.reveal(), code_verifier=verifier.reveal())
    return checked(answer)


@forgetful
def refusal_of_made_up_code(party: Party, redirect_uri: str) -> str:
    """The error with which the token endpoint refuses a code that nobody was given (RFC 6749 5.2).

    ``invalid_grant`` is said to a client that it knows by what it was shown, ``invalid_client`` to
    any other; "" where it refuses nothing. Raises what ``exchange`` does where there is no answer.
    """
    made_up, verifier = Secret(MADE_UP), new_verifier()
    with speaking(party, redirect_uri, invalid_grant=LoginFailed, hidden=(verifier,)) as session:
        try:
            _fetched(session, party, code=made_up.reveal(), code_verifier=verifier.reveal())
        except OAuth2Error as error:
            return error.error or "error"
    return ""


@forgetful
def redeem(party: Party, code: Secret) -> TokenAnswer:
    """A pasted code for tokens: no authorization request was ours, so there is nothing to add.

    LoginFailed: the provider refused the code. ConfigurationError: it refused the client.
    """
    with speaking(party, invalid_grant=LoginFailed, hidden=(code,)) as session:
        answer = _fetched(session, party, code=code.reveal())
    return checked(answer)


@forgetful
def password(party: Party, username: str, password: Secret, scopes: Sequence[str]) -> TokenAnswer:
    """User name and password for tokens (RFC 6749 4.3), where nothing better is offered.

    LoginFailed: the provider refused them. ConfigurationError: it refused the client.
    """
    client = LegacyApplicationClient(party.client_id)
    with speaking(party, client=client, invalid_grant=LoginFailed, hidden=(password,)) as session:
        more = {"scope": " ".join(scopes)} if scopes else {}
        answer = _fetched(session, party, username=username, password=password.reveal(), **more)
    return checked(answer)


@forgetful
def authorize_device(party: Party, scopes: Sequence[str]) -> DeviceAnswer:
    """A code for a person to take to the provider's page (RFC 8628 3.1).

    ConfigurationError: the provider refused this client.
    """
    url = party.endpoint("device_authorization_endpoint")
    auth, credentials = client_auth(party)
    form = {**party.provider.authorize_params, **credentials, "client_id": party.client_id}
    form |= {"scope": " ".join(scopes), "audience": party.provider.audience or ""}
    what = "device authorization endpoint"
    with speaking(party, invalid_grant=LoginFailed, hidden=()) as session:
        session.grant_type = DeviceClient.grant_type
        response = http.send(
            "POST",
            url,
            what,
            party.provider.trust,
            any_status=True,
            auth=auth or http.no_auth,
            data={name: value for name, value in form.items() if value},
        )
        answer = http.json_object(response, what)
        if answer.get("error") is not None:
            said = {"error_description": str(answer.get("error_description") or "")}
            raise_from_error(str(answer["error"]), said)
    if not response.ok:
        raise ProviderError(f"The {what} answered {response.status_code}.")
    return device_authorization.parse(answer)


@forgetful
def poll_device(
    party: Party, device_code: Secret
) -> TokenAnswer | Literal["authorization_pending", "slow_down"]:
    """The tokens, once the person has said yes; else what the provider says (RFC 8628 3.4, 3.5).

    LoginDenied, LoginExpired, LoginFailed: it is over. ProviderUnavailable, ProviderError: no
    answer that means anything; ask again later.
    """
    client = DeviceClient(party.client_id)
    with speaking(
        party, client=client, invalid_grant=LoginFailed, hidden=(device_code,)
    ) as session:
        try:
            answer = _fetched(session, party, device_code=device_code.reveal())
        except OAuth2Error as error:
            return _pending(party, error)
    return checked(answer)


def _pending(party: Party, error: OAuth2Error) -> Literal["authorization_pending", "slow_down"]:
    """RFC 8628 3.5: two errors mean to go on, any other one to stop."""
    title = party.provider.title
    said = {"error": error.error or "", "error_description": error.description or ""}
    match error.error:
        case "authorization_pending" | "slow_down":
            return error.error
        case "access_denied":
            raise LoginDenied(
                f"{title} did not sign you in ({refusal(said)}).",
                hint="Start again, and allow it there.",
            ) from None
        case "expired_token":
            raise LoginExpired(
                f"The code for {title} was not used in time.", hint="Start again."
            ) from None
        case code if code in MEANT_FOR_ALL:
            raise error
        case _:
            raise LoginFailed(f"{title} refused ({refusal(said)}).") from None


@forgetful
def refresh(party: Party, refresh_token: Secret) -> TokenAnswer:
    """New tokens for a refresh token (RFC 6749 6).

    RefreshRejected: ``invalid_grant``, and nothing else: the sign-in is over.
    """
    with speaking(party, invalid_grant=RefreshRejected, hidden=(refresh_token,)) as session:
        auth, credentials = client_auth(party)
        more: dict[str, Any] = {**credentials}
        answer = session.refresh_token(
            as_https(party.endpoint("token_endpoint")),
            refresh_token=refresh_token.reveal(),
            auth=auth,
            **more,
        )
    return checked(answer)


@forgetful
def client_credentials(party: Party, scopes: Sequence[str]) -> TokenAnswer:
    """A token of the client's own (RFC 6749 4.4). ConfigurationError: the client is refused."""
    client = BackendApplicationClient(party.client_id)
    with speaking(party, client=client, invalid_grant=ConfigurationError, hidden=()) as session:
        asked = {"scope": list(scopes), "audience": party.provider.audience}
        answer = _fetched(session, party, **{k: v for k, v in asked.items() if v})
    return checked(answer)


@forgetful
def revoke(party: Party, token: Secret, hint: str) -> bool:
    """RFC 7009 2.1. False: the provider takes no such token back (2.2.1), or none at all."""
    if not (url := party.endpoints.revocation_endpoint):
        return False
    auth, credentials = client_auth(party)
    form = {"token": token.reveal(), "token_type_hint": hint, **credentials}
    answer = http.send(
        "POST",
        url,
        "revocation endpoint",
        party.provider.trust,
        data=form,
        auth=auth or http.no_auth,
    )
    if answer.ok:
        return True
    with contextlib.suppress(ProviderError):  # then it is no such answer
        if http.json_object(answer, "").get("error") == "unsupported_token_type":
            return False
    raise ProviderError(f"The revocation endpoint answered {answer.status_code}.")


@forgetful
def userinfo(url: str, access_token: Secret, trust: Trust) -> http.Json:
    """The claims about the account (OIDC Core 5.3), or what an API says of "me"."""
    headers = {"Authorization": f"Bearer {access_token.reveal()}", "Accept": "application/json"}
    answer = http.send("GET", url, "userinfo endpoint", trust, headers=headers)
    if not answer.ok:
        raise ProviderError(f"The userinfo endpoint answered {answer.status_code}.")
    return http.json_object(answer, "userinfo endpoint")
