"""Requests to a token endpoint, on requests-oauthlib.

Its session would follow redirects with a code, wait for ever, refuse http to this machine, log
tokens at debug, and let raw exceptions and wrong values through; here it does none of that.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oauthlib.oauth2 import Client, OAuth2Error
from oauthlib.oauth2.rfc6749.parameters import prepare_token_request
from oauthlib.oauth2.rfc6749.tokens import OAuth2Token
from requests_oauthlib import OAuth2Session

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    AuthError,
    ConfigurationError,
    LoginFailed,
    ProviderError,
    RefreshRejected,
)
from jupyter_auth.core.protocol import client_authentication, http, token_fields
from jupyter_auth.core.protocol.dialect import standard_parameters
from jupyter_auth.core.protocol.oauth_response import (
    REPORT,
    TOKEN_ENDPOINT,
    ScopesRefused,
    TokenResponse,
    answers_poll,
    other_refusal,
    parameters,
    refresh_token_of,
    refusal,
    refuses_scopes,
    without_odd_fields,
)
from jupyter_auth.core.provider import demands
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider

# Values of `grant_type`
CODE = "authorization_code"  # RFC 6749 4.1.3
PASSWORD = "password"  # noqa: S105 (RFC 6749 4.3.2)
CLIENT = "client_credentials"  # RFC 6749 4.4.2
REFRESH = "refresh_token"  # RFC 6749 6
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 3.4
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 2.1
GRANTS = (CODE, DEVICE, CLIENT, PASSWORD)
# What ``invalid_grant`` means for each grant (RFC 6749 5.2).
INVALID_GRANT: dict[str, tuple[type[AuthError], str]] = {
    CODE: (LoginFailed, "rejected the authorization code"),
    PASSWORD: (LoginFailed, "rejected the user name or password"),
    CLIENT: (ConfigurationError, "rejected the client ID or secret"),
    DEVICE: (LoginFailed, "rejected the device code"),
}
BUSY = ("temporarily_unavailable", "server_error", "slow_down")  # errors that pass
MOST_OTHERS = 20  # tokens for other APIs in one response
CHECK_RESOURCES = (
    "Give the API's own identifier as `resource` in the provider's configuration, and check those"
    " of `resources`: the authorization server has to know each."
)
PERHAPS_USED_UP = (
    "Try again. If that is refused, the provider has used up the refresh token: sign in again."
)


class ClientForgotten(LoginFailed):
    """The provider does not know the client any more that registered itself there."""


class SpoiledResponse(ProviderError):
    """A response to a refresh without a usable access token.

    ``refresh_token``: the new one in it, if any; the old one may be used up.
    """

    refresh_token: Secret | None = None


def request(party: Party, grant_type: str, **params: str | Secret) -> TokenResponse:
    """The token response to a request with the parameters of its grant.

    Raises:
        LoginFailed: the grant was rejected (see ``INVALID_GRANT``).
        RefreshRejected: a refresh was refused, in whatever words.
        ConfigurationError: the client was rejected.
        ProviderUnavailable, ProviderError: there is no usable response.
        SpoiledResponse: the same, of a refresh.
    """
    try:
        return send(party, grant_type, **params)
    except OAuth2Error as error:
        raise failure(party, grant_type, error, *params.values()) from None
    except http.NoAnswer as error:
        hint = PERHAPS_USED_UP if grant_type == REFRESH else error.own_hint
        raise ProviderUnavailable(error.message, hint=hint) from None


def send(party: Party, grant_type: str, **params: str | Secret) -> TokenResponse:
    """As ``request``, but raises OAuth2Error for error responses."""
    given: dict[str, Any] = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in params.items()
    }
    redirect_uri = given.pop("redirect_uri", None)

    def fetch(auth: http.Auth, credentials: dict[str, str]) -> TokenResponse:
        session = _Session(party, grant_type, redirect_uri, [*params.values()])
        session.fetch_token(
            CHECKED_URL,
            auth=auth,
            include_client_id=bool(credentials),
            client_secret=credentials.get("client_secret"),
            **given,
        )
        return session.response

    quiet = _quiet.set(True)
    try:
        return client_authentication.authenticated(party, fetch)
    finally:
        _quiet.reset(quiet)


# requests-oauthlib refuses http, also to this machine, before it asks a hook for the real URL,
# which ``urls.require_secure`` has checked.
CHECKED_URL = "https://"


class _Client(Client):
    """oauthlib's client for any grant. It only builds the request."""

    def __init__(self, client_id: str, grant_type: str) -> None:
        super().__init__(client_id)
        self.grant_type = grant_type

    def prepare_request_body(self, **params: Any) -> str:
        return prepare_token_request(self.grant_type, client_id=self.client_id, **params)

    def parse_request_body_response(self, *_args: Any, **_kwargs: Any) -> OAuth2Token:
        return OAuth2Token({})


class _Session(OAuth2Session):
    """requests-oauthlib's session for one request. Its hooks know the provider's differences."""

    response: TokenResponse

    def __init__(
        self, party: Party, grant_type: str, redirect_uri: str | None, sent: list[str | Secret]
    ) -> None:
        super().__init__(client=_Client(party.client_id, grant_type), redirect_uri=redirect_uri)
        self._provider = party.provider
        own = party.endpoints.refresh_endpoint if grant_type == REFRESH else None
        self._endpoint = own or party.endpoint("token_endpoint")
        self._grant_type = grant_type
        self._secrets = [each for each in sent if isinstance(each, Secret)]
        self._secrets += [party.client.client_secret] if party.client.client_secret else []
        self._accept = answers_poll if grant_type == DEVICE else None  # RFC 8628 3.5
        self.register_compliance_hook("access_token_request", self._spell)  # type: ignore[call-overload]
        self.register_compliance_hook("access_token_response", self._read)

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        names = ("params", "data", "json", "headers", "auth")
        sent = {name: kwargs.get(name) for name in names}
        rules = self._provider.request_rules
        sent["seconds"] = self._provider.token_timeout or http.TOKEN_TIMEOUT
        response = http.send(method, url, TOKEN_ENDPOINT, rules, accept=self._accept, **sent)
        response.encoding = "utf-8"  # guessing takes long for a large one
        return response

    def _spell(
        self, _url: str, headers: dict[str, str], kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        part = "params" if self._provider.client_auth == "query" else body(self._provider)
        if part == "json":
            headers = {}  # which say that it is a form
        return self._endpoint, headers, {part: own_parameters(self._provider, kwargs["data"])}

    def _read(self, response: requests.Response) -> requests.Response:
        refreshing = self._grant_type == REFRESH
        try:
            found = parameters(response, TOKEN_ENDPOINT, self._provider, refreshing=refreshing)
            params = standard_parameters(self._provider, found)
            made = TokenResponse.parse(without_odd_fields(params) if refreshing else params)
        except ProviderError as error:
            if not refreshing:
                raise
            if refused := other_refusal(response, self._provider):
                raise refused from None
            spoiled = SpoiledResponse(error.message, hint=error.own_hint)
            spoiled.refresh_token = refresh_token_of(response, self._provider)
            raise spoiled from None
        others = tuple(self._others(found))
        made = replace(self._told(made, found), others=others)
        self.response = made
        return response

    def _told(self, made: TokenResponse, found: http.Json) -> TokenResponse:
        """With its further fields, and the name of its API."""
        secrets = [*self._secrets, made.access_token, made.refresh_token, made.id_token]
        table = self._provider.other_tokens
        name = str(found.get(table.name) or "") if table else ""
        issued = str(found.get("issued_token_type") or "")
        fields = token_fields.of_response(found, secrets)
        return replace(made, fields=fields, name=name, issued_token_type=issued)

    def _others(self, found: http.Json) -> Iterator[TokenResponse]:
        """The tokens for other APIs, each a token response itself; a malformed one is left out."""
        table = self._provider.other_tokens
        listed = found.get(table.list) if table else None
        for each in listed[:MOST_OTHERS] if isinstance(listed, list) else ():
            with suppress(ProviderError):
                given = each if isinstance(each, dict) else {}
                params = standard_parameters(self._provider, given)
                yield self._told(TokenResponse.parse(params), given)


def body(provider: Provider) -> str:
    """The argument of requests by which the parameters of a request become its body."""
    as_json = provider.token_request == "json"  # noqa: S105 (no password)
    return "json" if as_json else "data"


def own_parameters(provider: Provider, form: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a token request as this provider names them."""
    return named(provider, form) | dict(provider.token_params)


def named(provider: Provider, form: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a request as this provider names them."""
    return {provider.param_names.get(name, name): value for name, value in form.items()}


def failure(party: Party, grant_type: str, error: OAuth2Error, *sent: object) -> AuthError:
    """The exception for a provider's error, without the secrets among ``sent``."""
    text, host = error_text(party, error, *sent), urlsplit(party.provider.address).netloc
    if party.registered and client_authentication.is_refused(error):
        forgotten = RefreshRejected if grant_type == REFRESH else ClientForgotten
        return forgotten(f"{host} no longer knows the client of this sign-in ({text}).")
    if grant_type == REFRESH and error.error not in {"invalid_client", *BUSY}:
        final = error.error == "invalid_grant"
        said = f"{host} refused to renew this sign-in ({text})."
        return RefreshRejected(
            f"{host} ended this sign-in ({text})." if final else said, final=final, said=text
        )
    return _failure(party, grant_type, error, text, host)


def _failure(party: Party, grant_type: str, error: OAuth2Error, text: str, host: str) -> AuthError:
    match error.error:
        case "invalid_grant":
            kind, what = INVALID_GRANT[grant_type]
            return kind(f"{host} {what} ({text}).", hint="Sign in again.")
        case "invalid_client":
            return ConfigurationError(
                f"{host} rejected the client ID or secret ({text}).",
                hint=party.advice or other_credentials(party, text),
            )
        case "unauthorized_client" | "unsupported_grant_type":
            return ConfigurationError(
                f"{host} doesn't allow the grant {grant_type} for this application ({text}).",
                hint=other_grants(party, grant_type),
            )
        case code if code in BUSY:
            return ProviderUnavailable(
                f"{host} is not available ({text}).", hint="Try again in a while."
            )
        case code:
            kind, hint = ProviderError, demands.hint(party.endpoints, text) or REPORT
            if code == "invalid_target":  # RFC 8707 2
                hint = CHECK_RESOURCES
            of_person = grant_type not in {CLIENT, EXCHANGE}
            if of_person and refuses_scopes(code or "", error.description or ""):
                kind, hint = ScopesRefused, party.other_scopes
            return kind(f"{host} refused ({text}).", hint=hint)


def error_text(party: Party, error: OAuth2Error, *sent: object) -> str:
    """A provider's error in one line, without the secrets among ``sent``."""
    hidden = [each for each in (*sent, party.client.client_secret) if isinstance(each, Secret)]
    hidden += client_authentication.in_headers(party)
    params = {"error": error.error or "", "error_description": error.description or ""}
    return refusal(params, hidden)


def other_credentials(party: Party, said: str = "") -> str:
    """What to do if a provider rejects the client credentials, in these words."""
    if demanded := demands.hint(party.endpoints, said):
        return demanded
    provider = party.provider
    where = f"in the configuration of {provider.name!r}, against the registration there"
    if not provider.client_secret:
        return f"Check client_id {where}. If that has a client secret, give client_secret too."
    if provider.client_auth == "auto":  # all that may be meant was tried
        return f"Check client_id and client_secret {where}."
    other = "post" if provider.client_auth == "basic" else "basic"
    return (
        f"Check client_id and client_secret {where}. They were sent by client_auth"
        f" {provider.client_auth!r}; some registrations want {other!r}."
    )


def other_grants(party: Party, grant: str) -> str:
    """What to do if a registration does not allow ``grant``, with those that it may allow."""
    offered = party.endpoints.grant_types_supported or GRANTS
    others = [name.rpartition(":")[2] for name in offered if name in GRANTS and name != grant]
    instead = f" It seems to be registered for {' or '.join(others)}." if others else ""
    known = next((each for each in party.provider.grants if each in others), None)
    choose = f' If so, sign in with `grant="{known}"` (on a command line `--grant {known}`).'
    return (
        f"Allow {grant} in the registration of client {party.client_id!r}, or register an"
        f" application of its own for it.{instead}{choose if known else ''}"
    )


_quiet = ContextVar("_quiet", default=False)  # whether this is a request of ours


def _not_ours(record: logging.LogRecord) -> bool:  # noqa: ARG001 (a logging filter)
    return not _quiet.get()


# At debug requests-oauthlib logs codes, secrets and whole tokens, and urllib3 the query of a URL,
# where some providers want the secret. Other users' lines stay.
for _name in ("requests_oauthlib.oauth2_session", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_not_ours)
