"""Metadata of an issuer (OIDC Discovery 4, RFC 8414 3), and its keys (RFC 7517)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.provider.field_types import FLAGS, LISTS, URLS, Endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.provider.provider import Provider

MAX_AGE = 3600.0  # seconds for which metadata and keys are cached
PAUSE = 60.0  # seconds between tries of an unavailable issuer
MAX_SHOWN = 300  # characters of a document in one sentence
_FIX = "Tell its operator, or give the right address in `endpoints` of the provider."


class Discovery:
    """Metadata and signing keys by issuer and request rules, cached for an hour.

    ``clock`` is in seconds since 1970. While an issuer is unavailable, its last documents are used.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, RequestRules], tuple[float, Any]] = {}

    def endpoints(self, provider: Provider) -> Endpoints:
        """The provider's endpoints: configured ones first, the rest from its issuer.

        Raises:
            ProviderUnavailable: the issuer does not respond.
            ProviderError, ConfigurationError: it has no usable document.
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
        """The issuer's JWK Set; ``fresh`` asks again, for a key that is not in the cached one."""
        if not (uri := endpoints.jwks_uri):
            raise ProviderError(
                f"{endpoints.issuer} publishes no keys to check an ID token with.",
                hint="Give its jwks_uri in `endpoints`, or leave openid out of the scopes.",
            )
        return self._remembered((uri, rules), lambda: fetch_keys(uri, rules), fresh=fresh)  # type: ignore[no-any-return]

    def _remembered(
        self, key: tuple[str, RequestRules], fetch: Callable[[], Any], *, fresh: bool = False
    ) -> Any:
        now = self._clock()
        with self._lock:
            at, value = self._known.get(key, (None, None))
        if at is not None and now - at < MAX_AGE and not fresh:
            return value
        try:
            value = fetch()
        except (ProviderUnavailable, ProviderError, ConfigurationError):
            if at is None:
                raise
            now -= MAX_AGE - PAUSE  # try again soon
        with self._lock:
            self._known[key] = (now, value)
        return value


def documents(issuer: str) -> Iterator[str]:
    """URLs of an issuer's metadata: OIDC Discovery 4 first, then RFC 8414 3."""
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
    """The error for an issuer without any of the ``documents``."""
    return ConfigurationError(
        f"{issuer} publishes no OpenID Connect or OAuth metadata (HTTP {status}).",
        hint="Check the issuer's address, or give the provider's endpoints instead.",
    )


def checked(issuer: str, document: http.Json, rules: RequestRules) -> Endpoints:
    """The endpoints in a metadata document.

    Raises:
        ConfigurationError: it names another issuer (RFC 8414 3.3).
        ProviderError: it lacks an endpoint, or has a blocked one, as on this machine.
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
            why = plain_text(error.message, MAX_SHOWN)
            raise ProviderError(f"{issuer} names an unusable {name}: {why}", hint=_FIX) from None
    starts = {"authorization_endpoint", "device_authorization_endpoint"}
    if "token_endpoint" not in urls or not starts & urls.keys():
        raise ProviderError(
            f"The metadata of {issuer} lacks an authorization or token endpoint.", hint=_FIX
        )
    lists: dict[str, Any] = {name: _strings(document.get(name)) for name in LISTS}
    flags: dict[str, Any] = {name: document.get(name) is True for name in FLAGS}
    return Endpoints(
        issuer=issuer,
        **urls,
        **lists,
        **flags,
    )


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def fetch_keys(uri: str, rules: RequestRules) -> http.Json:
    """A JWK Set (RFC 7517 5). Raises ProviderError, or as ``http.document``."""
    status, keys = http.get_json(uri, "key set", rules)
    if not isinstance(keys.get("keys"), list):
        shown = plain_text(uri, MAX_SHOWN)
        raise ProviderError(f"{shown} answered {status} and no key set.", hint=_FIX)
    return keys
