"""How OAuth responses are read: ``parameters`` raises an error response; two classes validate
token responses and device authorization responses.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import requests
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from jupyter_auth.core.common import times
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, ProviderError
from jupyter_auth.core.protocol import dialect, http
from jupyter_auth.core.provider import dates
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_auth.core.provider.provider import Provider

TOKEN_ENDPOINT = "token endpoint"  # noqa: S105 (as messages call it)
DEVICE_ENDPOINT = "device authorization endpoint"
BEARER = ("bearer", "bearertoken", "bearer_token")  # RFC 6750; and as Apigee has it
MAX_SCOPE = 10_000  # characters
VISIBLE = re.compile(r"[ -~]*")  # RFC 6749 A.12, A.17: a line break would end a header

# The parameters that a refresh can do without, and how their values are written.
ANY_TEXT = re.compile(r".*", re.DOTALL)
OPTIONAL = {
    "token_type": ANY_TEXT,
    "scope": ANY_TEXT,
    "refresh_token": VISIBLE,
    "id_token": VISIBLE,
}

LIFETIME = 900.0  # seconds that a code is good for where the provider does not say
INTERVAL = 5.0  # seconds between polls where the provider does not say (RFC 8628 3.2)
MAX_INTERVAL = 60.0
MAX_CODE = 64  # characters that a person can be asked to type
MAX_URI = 2000
GRAPHIC = re.compile(r"[!-~]+")

REPORT = "Try again; if it fails again, report this to the provider's operator."


class ErrorResponse(CustomOAuth2Error):
    """An error response. ``interval``: seconds between polls, if it says so, as GitHub does."""

    def __init__(self, code: str, text: str, interval: float, status: int) -> None:
        super().__init__(code, text, status_code=status)
        self.interval = min(interval, MAX_INTERVAL)


class ScopesRefused(LoginFailed):
    """The provider refuses the scopes that were asked for, maybe ``offline_access`` alone."""


def refuses_scopes(code: str, text: str) -> bool:
    """Whether an error is about scopes; Keycloak's ``not_allowed`` is about offline tokens.

    ``prompt=consent`` goes with ``offline_access``, so a refusal of it is about that scope too.
    """
    said = f"{code} {text}".lower()
    prompt = code == "invalid_request" and "prompt" in said and "consent" in said
    return code == "invalid_scope" or "offline" in said or prompt


@dataclass(frozen=True, kw_only=True)
class TokenResponse:
    """A successful token response (RFC 6749 5.1), with ``expires_in`` in seconds; or
    ``expires_at``, which some providers return instead, in seconds since 1970. ``fields``: see
    ``token_fields``. ``redirect_fields``: those of the redirect, which the browser could change.
    ``name`` says which API it is for, and ``others`` are for others (``Provider.other_tokens``).
    ``issued_token_type``: what an exchange issued (RFC 8693 2.2.1), "" if it does not say.
    """

    access_token: Secret
    refresh_token: Secret | None
    id_token: Secret | None
    scopes: tuple[str, ...] | None
    expires_in: float | None
    expires_at: float | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    redirect_fields: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    issued_token_type: str = ""
    others: tuple[TokenResponse, ...] = ()

    @classmethod
    def parse(cls, params: http.Json) -> TokenResponse:
        """The response with these ``standard_parameters``. Raises ProviderError for a malformed
        one. An invalid ``expires_in`` is ignored: an error would lose the only refresh token left.
        """
        kind = _string(params, "token_type") or BEARER[0]  # many leave it out
        # RFC 6749 7.1: tokens of an unknown type must not be used.
        if kind.strip().lower() not in BEARER:
            raise ProviderError(
                f"The token endpoint answered with a token of type {plain_text(kind, 40)!r}, which"
                " can't be used here.",
                hint="Have the application registered for bearer tokens there (RFC 6750).",
            )
        if (access_token := _token(params, "access_token")) is None:
            raise _malformed(TOKEN_ENDPOINT, "it has no `access_token`")
        if scope := params.get("scope"):
            scope = plain_text(scope, MAX_SCOPE)  # it is shown
        return cls(
            access_token=access_token,
            refresh_token=_token(params, "refresh_token"),
            id_token=_token(params, "id_token"),
            scopes=tuple(scope.split()) if scope else None,
            expires_in=times.number(params.get("expires_in"), dates.MAX_LIFETIME) or None,
            expires_at=params.get("expires_at"),
        )

    def ends(self, now: float) -> float | None:
        """When the access token expires, if the provider says. One that it just issued has not
        expired yet: if that is what it says, one of the clocks is wrong.
        """
        ends = now + self.expires_in if self.expires_in else self.expires_at
        return ends if ends and ends > now else None


@dataclass(frozen=True, kw_only=True)
class DeviceAuthorizationResponse:
    """What a person is shown, and what polls need. Times are in seconds."""

    device_code: Secret
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str | None = field(default=None, repr=False)
    expires_in: float
    interval: float

    @classmethod
    def parse(cls, params: http.Json) -> DeviceAuthorizationResponse:
        """The response with these parameters (RFC 8628 3.2). Raises ProviderError."""
        device_code, user_code = params.get("device_code"), params.get("user_code")
        if not isinstance(device_code, str) or not GRAPHIC.fullmatch(device_code):
            raise _malformed(DEVICE_ENDPOINT, "it has no `device_code`")
        if type(user_code) is int and user_code > 0:  # some send digits without quotes
            user_code = str(user_code)
        shown = user_code if isinstance(user_code, str) and user_code.isprintable() else ""
        if not shown.strip() or len(shown) > MAX_CODE:
            raise _malformed(DEVICE_ENDPOINT, "it has no `user_code` that can be shown")
        uri = _uri(params.get("verification_uri") or params.get("verification_url"))
        if uri is None:
            raise _malformed(DEVICE_ENDPOINT, "it has no `verification_uri` to go to")
        complete = _uri(params.get("verification_uri_complete"))
        # A person is shown the host of one, and sent to the other.
        same = complete and origin_of(complete) == origin_of(uri)
        return cls(
            device_code=Secret(device_code),
            user_code=shown.strip(),
            verification_uri=uri,
            verification_uri_complete=complete if same else None,
            expires_in=times.clipped(params.get("expires_in")) or LIFETIME,
            interval=min(times.clipped(params.get("interval")) or INTERVAL, MAX_INTERVAL),
        )


def parameters(
    response: requests.Response, endpoint: str, provider: Provider, *, refreshing: bool = False
) -> http.Json:
    """The parameters of a successful response of that endpoint, as they came.

    Raises:
        ErrorResponse: it is an error (RFC 6749 5.2), in whatever words.
        ProviderError: it is neither.
    """
    try:
        params, problem = dialect.decoded(response, endpoint), None
    except ProviderError as error:
        params, problem = {}, error
    status = response.status_code
    found = dialect.error(provider, params, status)
    code, text = found or ("", "")
    # RFC 6749 5.2: 401 is about the client, whatever words a provider uses.
    # But that of a refresh may be about the refresh token: a new sign-in shows which.
    unauthorized = status == requests.codes.unauthorized and not refreshing
    refused = unauthorized and (provider.token_response or not found)
    if meant := dialect.meant(provider, code, text, status) or (refused and "invalid_client"):
        # Whole: what is cut is a secret no more, and would not be hidden (``refusal``).
        code, text = meant, ": ".join(filter(None, (code, text))) or f"HTTP {status}"
    if meant or found:
        raise ErrorResponse(code, text, times.clipped(params.get("interval")) or 0.0, status)
    if problem:
        raise problem
    if not response.ok:
        raise ProviderError(f"The {endpoint} answered {response.status_code}.", hint=REPORT)
    return params


def without_odd_fields(params: http.Json) -> http.Json:
    """The parameters of a response to a refresh, without optional ones in a malformed shape: they
    must not cost its tokens, since the old refresh token may be used up.
    """
    return {
        name: value
        for name, value in params.items()
        if name not in OPTIONAL or (isinstance(value, str) and OPTIONAL[name].fullmatch(value))
    }


def refresh_token_of(response: requests.Response, provider: Provider) -> Secret | None:
    """The refresh token in a response that is malformed otherwise."""
    try:
        params = dialect.decoded(response, TOKEN_ENDPOINT)
        found = dialect.parameter(provider, params, "refresh_token")
        return _token({"refresh_token": found}, "refresh_token")
    except ProviderError:
        return None


def error_code(response: requests.Response) -> str:
    """The ``error`` of an error response (RFC 6749 5.2, RFC 7009 2.2.1), else ""."""
    with contextlib.suppress(ProviderError):
        found = dialect.error(None, dialect.decoded(response, ""), response.status_code)
        return found[0] if found else ""
    return ""


def answers_poll(response: requests.Response) -> bool:
    """Whether it says how a device login stands (RFC 8628 3.5), whatever its status."""
    known = dialect.device_error(error_code(response)) in dialect.DEVICE_ERRORS
    return known or response.status_code == requests.codes.too_many


def other_refusal(response: requests.Response, provider: Provider) -> ErrorResponse | None:
    """The error in a refusal that is not written as one, if it is one.

    So is any 4xx, as 408 and 429 have been dealt with; and a success without a token that explains
    itself.
    """
    try:
        params = dialect.decoded(response, "")
    except ProviderError:
        params = dialect.words(response)
    code, text = dialect.error(provider, params, dialect.HTTP_ERROR) or ("", "")
    if response.ok and (not text or dialect.parameter(provider, params, "access_token")):
        return None
    status = response.status_code
    return ErrorResponse(code or ("" if response.ok else f"HTTP {status}"), text, 0.0, status)


def refusal(params: Mapping[str, str], hidden: Sequence[Secret] = ()) -> str:
    """An OAuth error in one short line, without secrets (RFC 6749 4.1.2.1, 5.2)."""
    code = plain_text(without(hidden, params.get("error") or "error"), 60)
    text = plain_text(without(hidden, params.get("error_description") or ""), 300).rstrip(".")
    return f"{code}: {text}" if text else code


def without(hidden: Sequence[Secret], text: str) -> str:
    """The text without these secrets, as they are or as a URL has them."""
    for secret in hidden:
        for form in spellings(secret):
            text = text.replace(form, "…")
    return text


def spellings(secret: Secret) -> set[str]:
    """The secret as it is, and as a URL has it."""
    value, odd = secret.reveal(), "surrogatepass"  # JSON can hold what UTF-8 cannot
    quoted = {quote(value, safe, errors=odd) for safe in ("/", "")}
    return {value, *quoted, quote_plus(value, errors=odd)}


# -- one parameter -------------------------------------------------------------------------------


def _malformed(endpoint: str, what: str) -> ProviderError:
    return ProviderError(f"The {endpoint} returned a malformed response: {what}.", hint=REPORT)


def _string(params: http.Json, name: str) -> str | None:
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise _malformed(TOKEN_ENDPOINT, f"`{name}` is not a string")
    return value


def _token(params: http.Json, name: str) -> Secret | None:
    value = _string(params, name)
    if value and not VISIBLE.fullmatch(value):
        raise _malformed(TOKEN_ENDPOINT, f"`{name}` has invisible characters")
    return Secret(value) if value else None


def _uri(value: Any) -> str | None:
    """A URI that people are sent to, or type (RFC 3986 2: ASCII): https, or this machine."""
    if not isinstance(value, str) or len(value) > MAX_URI or not GRAPHIC.fullmatch(value):
        return None
    try:
        return require_secure(value, "verification URI")
    except ConfigurationError:
        return None
