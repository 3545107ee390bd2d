"""A provider: an authorization server with one client registration, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_auth.core.common.blocked_addresses import Trust
from jupyter_auth.core.common.handles import NAME
from jupyter_auth.core.common.rate_limits import Throttle
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import (
    host_of,
    hostname_of,
    origin_of,
    require_secure,
    same_place,
)
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding
from jupyter_auth.core.provider.field_types import (
    ApiKey,
    ClientAuth,
    CredentialsFrom,
    Endpoints,
    Header,
    OtherCache,
    Paste,
    Service,
    taken,
    words,
)
from jupyter_auth.core.provider.validation import URLS, check_provider
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_TITLE = 100  # characters
MAPPINGS = (
    "authorize_params",
    "token_params",
    "param_names",
    "token_response",
    "api_headers",
    "scope_aliases",
)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An authorization server with one client registration. Data, never a subclass.

    Give ``issuer`` and everything else is discovered (OIDC Discovery, RFC 8414), or ``endpoints``.
    Strings, lists and plain mappings are taken where secrets, tuples and parts (``Header``,
    ``Throttle`` ...) rest. ConfigurationError: cannot work.
    ``grants``: the ways in, the preferred one first; none: those that its endpoints offer.
    ``paste`` says how that looks there.

    Where a token endpoint has words of its own: ``param_names`` renames what is sent to it,
    ``token_params`` are added last, and win; ``token_response`` says where in its answer a field of
    RFC 6749 5.1 is (``"details.accessToken"``), and ``expires_format`` how ``expires_at`` reads
    there (see ``dates``); ``scope_separator`` and ``scope_aliases`` are for scopes in other words
    than were asked for. ``client_auth="query"``: all of it goes in the query. ``api_headers`` go
    with each request of a session.
    """

    name: str
    title: str = ""
    issuer: str | None = None
    endpoints: Endpoints | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    client_auth: ClientAuth | None = None
    grants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    redirect_uri: str | None = None
    base_url: str | None = None
    api_origins: tuple[str, ...] = ()
    header: Header = field(default_factory=Header)
    username_claim: str | None = None
    username_url: str | None = None
    ca_bundle: str | None = None
    leeway: float | None = None
    refresh_on: tuple[int, ...] = (401,)
    revoke: bool = True
    param_names: Mapping[str, str] = field(default_factory=dict)
    token_response: Mapping[str, str] = field(default_factory=dict)
    expires_format: str | None = None
    scope_separator: str | None = None
    scope_aliases: Mapping[str, str] = field(default_factory=dict)
    api_headers: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    service: Service | None = None
    credentials_from: CredentialsFrom | None = None
    import_from: OtherCache | None = None
    paste: Paste | None = None
    api_key: ApiKey | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot name a provider.",
                hint="Use up to 64 lower-case letters, digits, dots, dashes or underscores.",
            )
        put = object.__setattr__
        for each in fields(self):
            put(self, each.name, taken(self.name, each, getattr(self, each.name)))
        if not self.issuer and not (self.endpoints and self.endpoints.token_endpoint):
            raise ConfigurationError(
                f"Provider {self.name!r} has no address.",
                hint="Give its issuer URL, or its endpoints with a token_endpoint.",
            )
        check_provider(self)
        secret: Secret | str | None = self.client_secret
        put(self, "client_secret", Secret(secret) if isinstance(secret, str) else secret)
        put(self, "title", plain_text(self.title, MAX_TITLE) or self.name)
        put(self, "scopes", words(self.scopes))
        put(self, "grants", words(self.grants))
        put(self, "refresh_on", tuple(self.refresh_on))
        for name in MAPPINGS:
            put(self, name, MappingProxyType(dict(getattr(self, name))))
        put(self, "client_auth", self.client_auth or ("basic" if self.client_secret else "none"))
        put(self, "api_origins", tuple(map(origin_of, self._origins())))

    def _origins(self) -> tuple[str, ...]:
        if declared := words(self.api_origins):
            for origin in declared:
                require_secure(origin, "API origin")
            return declared
        return (self.base_url or self.address,)

    @property
    def address(self) -> str:
        """The issuer, or the token endpoint of a server that has none."""
        if self.issuer:
            return self.issuer
        assert self.endpoints and self.endpoints.token_endpoint  # noqa: S101, PT018 (post_init)
        return self.endpoints.token_endpoint

    @property
    def trust(self) -> Trust:
        """What may be believed when it is asked, and which hosts it names itself."""
        given = (getattr(self.endpoints, name, None) for name in URLS)
        urls = [url for url in (self.issuer, self.username_url, *given) if url and url[0] != "/"]
        return Trust(self.ca_bundle, frozenset(map(hostname_of, urls)))

    def is_answered_at(self, redirect_uri: str) -> bool:
        """Whether its answers may arrive there: at the one of its own, or a path with its name."""
        if self.redirect_uri:
            return same_place(self.redirect_uri, redirect_uri)
        return urlsplit(redirect_uri).path.endswith(f"/callback/{self.name}")

    @property
    def fingerprint(self) -> str:
        """What accounts and secrets are bound to: another configuration never reads them."""
        return binding.digest(self)

    @property
    def vouches(self) -> bool:
        """Whether its user names say who people are: the administrator says where they stand."""
        return bool(self.username_claim or self.username_url)

    def as_service(self) -> Provider:
        """The same for a service account: with what ``service`` says in the place of its own.

        Public credentials of an application (``credentials_from``) are none of a service account.
        """
        given = {k: v for k, v in vars(self.service or Service()).items() if v is not None}
        if self.credentials_from:
            nobody = {"client_id": None, "client_secret": None, "credentials_from": None}
            given = {**nobody, **given}
        if url := given.pop("token_endpoint", None):
            given |= {"endpoints": Endpoints(token_endpoint=url), "issuer": None}
        if self.client_auth == "none":  # said for people's sign-ins; a service account has a secret
            given.setdefault("client_auth", None)
        return replace(self, service=None, **given)

    def info(self, source: str = "code", handle: str | None = None) -> ProviderInfo:
        """What a kernel may know of this provider; ``handle``: what calls name it by."""
        given = self.endpoints.authorization_endpoint if self.endpoints else None
        return ProviderInfo(
            name=handle or self.name,
            title=self.title,
            host=host_of(given if given and not given.startswith("/") else self.address),
            scopes=self.scopes,
            base_url=self.base_url,
            api_origins=self.api_origins,
            refresh_on=self.refresh_on,
            api_headers=dict(self.api_headers),
            throttle=self.throttle,
            source=source,
            reach=binding.reach(self),
        )


@dataclass(frozen=True, kw_only=True)
class ProviderInfo:
    """What a kernel may know of a provider. ``source``: configured, broken, code, user or preset.

    ``name`` is what calls name it by: the handle of one that was made in code.
    ``host`` is where people sign in as far as the configuration says: see ``Login`` for the rest.
    ``unattended``: whoever keeps the accounts can sign in there with nobody there. ``reach``: see
    ``binding``.
    """

    name: str
    title: str
    host: str
    scopes: tuple[str, ...] = ()
    base_url: str | None = None
    api_origins: tuple[str, ...] = ()
    refresh_on: tuple[int, ...] = (401,)
    api_headers: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    source: str = "configured"
    unattended: bool = False
    reach: str = ""


def configured_names(known: Iterable[ProviderInfo]) -> list[str]:
    """Those that somebody configured: no preset, and none of a notebook's own."""
    return [info.name for info in known if info.source not in {"preset", "code"}]
