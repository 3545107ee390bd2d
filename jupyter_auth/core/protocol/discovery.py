"""Metadata of an issuer (OIDC Discovery 4, RFC 8414 3), and its keys (RFC 7517)."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.connections import Deadline
from jupyter_auth.core.provider.field_types import FLAGS, LISTS, URLS, Endpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.provider.provider import Provider

MAX_AGE = 3600.0  # seconds for which metadata and keys are cached
PAUSE = 60.0  # seconds between tries of an unavailable issuer
MOST = 256  # documents that are cached: users of a Hub's service define providers too
MAX_SHOWN = 300  # characters of a document in one sentence
_FIX = "Tell its operator, or give the right address in `endpoints` of the provider."
_A_DOCUMENT = (
    "This issuer is the address of a document: give it as `metadata_url` of the provider, or leave"
    " out all from `/.well-known/` on."
)
_ELSEWHERE = (
    "Check the issuer's address. If its metadata is at another one, give that as `metadata_url` of"
    " the provider; if it has none, give its `endpoints`."
)


class Discovery:
    """Metadata and signing keys by issuer and request rules, cached for an hour.

    ``clock`` is in seconds since 1970. While an issuer is unavailable, its last documents are used.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[Any, ...], tuple[float, Any]] = {}

    def endpoints(self, provider: Provider) -> Endpoints:
        """The provider's endpoints: configured ones first, the rest from its issuer.

        Raises:
            ProviderUnavailable: the issuer does not respond.
            ProviderError, ConfigurationError: it has no usable document.
        """
        if not (provider.issuer or provider.metadata_url):
            assert provider.endpoints  # noqa: S101 (Provider's post_init)
            return provider.endpoints
        rules = provider.request_rules
        asked = (provider.issuer, provider.metadata_url, provider.endpoints)
        found: Endpoints = self._remembered((*asked, rules), lambda: _discover(provider))
        if not provider.endpoints:
            return found
        defaults = vars(Endpoints())
        given = {k: v for k, v in vars(provider.endpoints).items() if v != defaults[k]}
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
        self, key: tuple[Any, ...], fetch: Callable[[], Any], *, fresh: bool = False
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
            self._known.pop(key, None)
            self._known[key] = (now, value)  # the newest is the last
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one address answered: a ``document`` and its ``endpoints``, or the ``error`` that it is.

    ``response`` is the one with the document.
    """

    url: str
    error: AuthError | None = None
    response: requests.Response | None = None
    document: http.Json = dataclasses.field(default_factory=dict)
    endpoints: Endpoints | None = None


def addresses(provider: Provider) -> list[str]:
    """Where its metadata may be: at the address that is configured, or else at each that OIDC
    Discovery 4 and RFC 8414 3 and 5 name, the usual ones first.
    """
    if provider.metadata_url:
        return [provider.metadata_url]
    base = (provider.issuer or "").rstrip("/")
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    openid, oauth = ".well-known/openid-configuration", ".well-known/oauth-authorization-server"
    appended, inserted = f"{base}/{openid}", f"{origin}/{oauth}{parts.path}"
    others = (f"{origin}/{openid}{parts.path}", f"{base}/{oauth}")
    return list(dict.fromkeys((appended, inserted, *others)))


def search(provider: Provider) -> Iterator[Answer]:
    """What each of its addresses answers, up to the first document that can be used.

    All of it within ``http.TOTAL_TIMEOUT``; a host that cannot be reached is asked once.
    """
    deadline = Deadline(http.TOTAL_TIMEOUT)
    for url in addresses(provider):
        answer = _answer(provider, url, deadline)
        yield answer
        if answer.endpoints or isinstance(answer.error, http.Unreachable):
            return


def _answer(provider: Provider, url: str, deadline: Deadline) -> Answer:
    try:
        response = http.document(url, "metadata", provider.request_rules, deadline)
        if response.status_code != requests.codes.ok:
            raise _NoDocumentError(f"HTTP {response.status_code}.", hint=_ELSEWHERE)
        document = http.json_object(response, "metadata")
        endpoints = checked(provider, url, document)
    except AuthError as error:
        return Answer(url=url, error=error)
    return Answer(url=url, response=response, document=document, endpoints=endpoints)


def no_metadata(provider: Provider, answers: Iterable[Answer]) -> AuthError:
    """The error if none of its addresses has a document that can be used: of the kind and with the
    hint of the most telling one, and with what each of them answered.
    """
    said: dict[str, list[str]] = {}
    errors = [each.error for each in answers if each.error]
    for each in answers:
        if each.error:
            said.setdefault(each.error.message.rstrip("."), []).append(urlsplit(each.url).path)
    kinds = (_OtherIssuerError, ProviderUnavailable, ProviderError, ConfigurationError)
    worst = next(error for kind in kinds for error in errors if isinstance(error, kind))
    if len(said) == 1 and not isinstance(worst, _NoDocumentError):
        message = worst.message
    else:
        parts = [f"{what} at {' and '.join(paths)}." for what, paths in said.items()]
        none = f"{provider.address} publishes no OpenID Connect or OAuth metadata that can be used."
        message = f"{none} {' '.join(parts)}"
    public = next(kind for kind in kinds[1:] if isinstance(worst, kind))
    hint = _A_DOCUMENT if "/.well-known/" in (provider.issuer or "") else worst.own_hint
    return public(message, hint=hint, next_step=worst.next_step)


class _NoDocumentError(ConfigurationError):
    """There is none at that address."""


class _OtherIssuerError(ConfigurationError):
    """A document that names another issuer."""


def checked(provider: Provider, url: str, document: http.Json) -> Endpoints:
    """The endpoints in a metadata document, which was found at ``url``; configured ones first.

    The issuer is the document's: that of the provider but for a slash at the end; or any, where the
    configuration names the document itself (``metadata_url``).

    Raises:
        ConfigurationError: it names another issuer (RFC 8414 3.3).
        ProviderError: it lacks an endpoint, or has a blocked one, as on this machine.
    """
    issuer, named = _issuer(provider, url, document), provider.address
    rules = provider.request_rules
    given = {name: getattr(provider.endpoints, name, None) for name in URLS}
    own = {name: url for name, url in given.items() if url}
    urls = {name: document[name] for name in URLS if document.get(name) and name not in own}
    for name, each in urls.items():
        try:
            rules.check_spelled(name, require_secure(str(each), name))
        except ConfigurationError as error:
            why = plain_text(error.message, MAX_SHOWN)
            raise ProviderError(f"{named} names an unusable {name}: {why}", hint=_FIX) from None
    starts = {"authorization_endpoint", "device_authorization_endpoint"}
    urls |= own
    if "token_endpoint" not in urls or not starts & urls.keys():
        raise ProviderError(
            f"The metadata of {named} lacks an authorization or token endpoint.", hint=_FIX
        )
    lists: dict[str, Any] = {name: _strings(document.get(name)) for name in LISTS}
    flags: dict[str, Any] = {name: document.get(name) is True for name in FLAGS}
    return Endpoints(
        issuer=issuer,
        **urls,
        **lists,
        **flags,
    )


def _issuer(provider: Provider, url: str, document: http.Json) -> str:
    """The document's issuer. Raises as ``checked``."""
    issuer = document.get("issuer")
    shown = f"The metadata of {provider.address} names another issuer: {issuer!r:.200}."
    if not isinstance(issuer, str) or not _is_url(issuer):
        raise ConfigurationError(shown, hint=_ELSEWHERE)
    asked = provider.issuer or ""
    if not provider.metadata_url and issuer.removesuffix("/") != asked.removesuffix("/"):
        raise _OtherIssuerError(
            shown,
            hint="Check the issuer's address. If the provider names another one on purpose, as for"
            f' many tenants, add metadata_url = "{url}" to it: then its document is believed.',
        )
    return issuer


def _is_url(issuer: str) -> bool:
    try:
        return bool(origin_of(issuer))
    except ConfigurationError:
        return False


def _discover(provider: Provider) -> Endpoints:
    answers = list(search(provider))
    if endpoints := answers[-1].endpoints:
        return endpoints
    raise no_metadata(provider, answers)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def fetch_keys(uri: str, rules: RequestRules) -> http.Json:
    """A JWK Set (RFC 7517 5). Raises ProviderError, or as ``http.document``."""
    status, keys = http.get_json(uri, "key set", rules)
    if not isinstance(keys.get("keys"), list):
        shown = plain_text(uri, MAX_SHOWN)
        raise ProviderError(f"{shown} answered {status} and no key set.", hint=_FIX)
    return keys
