"""What an issuer says about itself: metadata (OIDC Discovery 4, RFC 8414 3) and keys (RFC 7517)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.provider.field_types import URLS, Endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.provider.provider import Provider

MAX_AGE = 3600.0  # seconds that metadata and keys are believed
PAUSE = 60.0  # seconds between tries of an issuer that is away
MOST_SAID = 300  # characters of a document in one sentence
_MEND = "Tell whoever runs it, or give the right address in `endpoints` of the provider."


class Discovery:
    """Metadata and signing keys by issuer, remembered for an hour by whoever trusts the same.

    ``clock`` is seconds since 1970. Where an issuer is away, what it last said still holds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, RequestRules], tuple[float, Any]] = {}

    def endpoints(self, provider: Provider) -> Endpoints:
        """The provider's endpoints: given ones first, the rest from its issuer.

        ProviderUnavailable: no answer. ProviderError, ConfigurationError: no usable document.
        """
        if not provider.issuer:
            assert provider.endpoints  # noqa: S101 (Provider's post_init)
            return provider.endpoints
        issuer, rules = provider.issuer, provider.request_rules
        found: Endpoints = self._remembered((issuer, rules), lambda: _discover(issuer, rules))
        if not provider.endpoints:
            return found
        given = {k: v for k in URLS if (v := getattr(provider.endpoints, k))}
        return Endpoints(**(vars(found) | given))

    def keys(self, endpoints: Endpoints, rules: RequestRules, *, fresh: bool = False) -> http.Json:
        """The issuer's JWK Set; ``fresh`` asks again, for a key that is not among those known."""
        if not endpoints.jwks_uri:
            raise ProviderError(
                f"{endpoints.issuer} publishes no keys to check an ID token with.",
                hint="Give its jwks_uri in `endpoints`, or leave openid out of the scopes.",
            )
        uri = endpoints.jwks_uri
        return self._remembered((uri, rules), lambda: fetch_keys(uri, rules), fresh=fresh)  # type: ignore[no-any-return]

    def _remembered(
        self, place: tuple[str, RequestRules], fetch: Callable[[], Any], *, fresh: bool = False
    ) -> Any:
        now = self._clock()
        with self._lock:
            at, value = self._known.get(place, (None, None))
        if at is not None and now - at < MAX_AGE and not fresh:
            return value
        try:
            value = fetch()
        except (ProviderUnavailable, ProviderError, ConfigurationError):
            if at is None:
                raise
            now -= MAX_AGE - PAUSE  # ask again in a while
        with self._lock:
            self._known[place] = (now, value)
        return value


def documents(issuer: str) -> Iterator[str]:
    """Where an issuer may describe itself: OIDC Discovery 4 first, then RFC 8414 3."""
    base = issuer.rstrip("/")
    parts = urlsplit(base)
    yield f"{base}/.well-known/openid-configuration"
    yield f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"


def _discover(issuer: str, rules: RequestRules) -> Endpoints:
    for url in documents(issuer):
        status, document = http.get_json(url, "metadata", rules)
        if document:
            return checked(issuer, document, rules)
    raise no_metadata(issuer, status)


def no_metadata(issuer: str, status: int) -> ConfigurationError:
    """What to say where none of ``documents`` is there."""
    return ConfigurationError(
        f"{issuer} publishes no OpenID Connect or OAuth metadata (HTTP {status}).",
        hint="Check the issuer's address, or give the provider's endpoints instead.",
    )


def checked(issuer: str, document: http.Json, rules: RequestRules) -> Endpoints:
    """RFC 8414 3.3: a document that names another issuer is not believed.

    Nor is one that sends us, or a browser, to this machine.
    """
    if document.get("issuer") != issuer:
        raise ConfigurationError(
            f"The metadata of {issuer} names another issuer: {document.get('issuer')!r:.200}.",
            hint="If that is the right one, configure it as the issuer, to the letter.",
        )
    urls = {name: document[name] for name in URLS if document.get(name)}
    for name, url in urls.items():
        try:
            rules.check_spelled(name, require_secure(str(url), name))
        except ConfigurationError as error:
            said = plain_text(error.message, MOST_SAID)
            raise ProviderError(f"{issuer} names an unusable {name}: {said}", hint=_MEND) from None
    ways = {"authorization_endpoint", "device_authorization_endpoint"}
    if "token_endpoint" not in urls or not ways & urls.keys():
        raise ProviderError(
            f"The metadata of {issuer} lacks an authorization or token endpoint.", hint=_MEND
        )
    return Endpoints(
        issuer=issuer,
        scopes_supported=_strings(document.get("scopes_supported")),
        grant_types_supported=_strings(document.get("grant_types_supported")),
        id_token_signing_alg_values_supported=_strings(
            document.get("id_token_signing_alg_values_supported")
        )
        or ("RS256",),
        authorization_response_iss_parameter_supported=document.get(
            "authorization_response_iss_parameter_supported"
        )
        is True,
        **urls,
    )


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def fetch_keys(uri: str, rules: RequestRules) -> http.Json:
    """A JWK Set (RFC 7517 5). ProviderError: it is none; ProviderUnavailable."""
    status, keys = http.get_json(uri, "key set", rules)
    if not isinstance(keys.get("keys"), list):
        said = plain_text(uri, MOST_SAID)
        raise ProviderError(f"{said} answered {status} and no key set.", hint=_MEND)
    return keys
