"""The words of this package as plain values; the seams between its parts are in ``seams``.

Everything here is frozen and shows no secret. All times are seconds since 1970 in UTC, as floats.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from jupyter_auth.core.checks import check_provider
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.handles import NAME, plain
from jupyter_auth.core.limits import Limits, Throttle
from jupyter_auth.core.parts import (
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
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.urls import origin_of, require_secure

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_KEY = "default"

MAPPINGS = (
    "authorize_params",
    "token_params",
    "param_names",
    "token_response",
    "api_headers",
    "scope_aliases",
)

Kind = Literal["bearer", "api_key"]
LoginStatus = Literal["pending", "complete", "denied", "expired", "cancelled", "failed"]


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
        put(self, "title", self.title or self.name)
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
    def fingerprint(self) -> str:
        """What an account is bound to: another configuration of the same name never reads it."""
        given = self.endpoints or Endpoints()  # these two are sent the refresh token
        bound = [self.issuer, given.token_endpoint, given.revocation_endpoint]
        bound += [self.client_id, self.audience]
        return hashlib.sha256(json.dumps(bound).encode()).hexdigest()

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
        return ProviderInfo(
            name=handle or self.name,
            title=self.title,
            host=urlsplit(self.address).netloc,
            scopes=self.scopes,
            base_url=self.base_url,
            api_origins=self.api_origins,
            refresh_on=self.refresh_on,
            api_headers=dict(self.api_headers),
            throttle=self.throttle,
            source=source,
        )


@dataclass(frozen=True, kw_only=True)
class ProviderInfo:
    """What a kernel may know of a provider. ``source``: configured, broken, code, user or preset.

    ``name`` is what calls name it by: the handle of one that was made in code.
    ``unattended``: whoever keeps the accounts can sign in there with nobody there.
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


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access token as an API wants it.

    From ``refresh_at`` on a new one should be fetched while this one still works; from
    ``expires_at`` on it does not. None: the provider named no lifetime. ``headers_at``: other ones
    at these origins. ``person``: see ``Account.person``; empty: not a person's.
    """

    access_token: Secret
    headers: Mapping[str, Secret]
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None
    refresh_at: float | None = None
    kind: Kind = "bearer"
    headers_at: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)
    person: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the access token in hex: how a kernel says which one the API refused."""
        return self.access_token.digest

    @property
    def bearer(self) -> Secret:
        """The access token, for other clients. ConfigurationError: it is a key, which is none."""
        if self.kind == "api_key":
            raise ConfigurationError(
                "An API key is used here, and no access token.", hint="See `session.api_keys`."
            )
        return self.access_token

    def valid(self, now: float) -> bool:
        """Whether an API should still take it."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, kw_only=True)
class Account:
    """One signed-in identity, with all its tokens. Never leaves the engine that owns the store.

    ``asked`` are the scopes that its sign-in asked for, ``scopes`` those that were granted.
    """

    provider: str
    session_key: str
    fingerprint: str
    access_token: Secret
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    kind: Kind = "bearer"
    token_endpoint: str | None = None  # where it came from, if that is not the provider's own
    scopes: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    issued_at: float
    expires_at: float | None = None
    issuer: str | None = None
    subject: str | None = None
    username: str | None = None
    signed_in_at: float

    @property
    def key(self) -> AccountKey:
        """Which account this is."""
        return AccountKey(self.provider, self.session_key)

    @property
    def person(self) -> str:
        """Whose account it is, as an opaque text: two are equal where the person is the same.

        Made of issuer and subject (OIDC Core 5.7), of the user name where there is no subject.
        It begins with a question mark where the provider names nobody: it is that of one sign-in
        then, and of any API key.
        """
        if not self.subject and not self.username:
            return f"?{self.kind if self.kind == 'api_key' else self.signed_in_at}"
        who = (self.issuer, self.subject) if self.subject else (self.username,)
        return hashlib.sha256(json.dumps(who).encode()).hexdigest()

    def valid(self, now: float) -> bool:
        """Whether an API should still take its access token."""
        return self.expires_at is None or now < self.expires_at

    def info(self, warning: str = "") -> AccountInfo:
        """What a kernel, a widget and a log may know of it."""
        return AccountInfo(
            provider=self.provider,
            session_key=self.session_key,
            username=self.username or self.subject,
            subject=self.subject,
            person=self.person,
            scopes=self.scopes,
            asked=self.asked,
            expires_at=self.expires_at,
            refreshes=self.refresh_token is not None,
            signed_in_at=self.signed_in_at,
            warning=warning,
            kind=self.kind,
        )


@dataclass(frozen=True, order=True)
class AccountKey:
    """(provider, session_key): what names an account of one user."""

    provider: str
    session_key: str = DEFAULT_KEY

    def __str__(self) -> str:
        key = self.session_key
        name = plain(self.provider)
        return name if key == DEFAULT_KEY else f"{name} ({key[:40]})"


@dataclass(frozen=True, kw_only=True)
class AccountInfo:
    """The public side of an account. ``refreshes``: stays signed in by itself.

    ``subject`` is the provider's own id of the person, ``person`` as in ``Account``.
    """

    provider: str
    session_key: str = DEFAULT_KEY
    username: str | None = None
    subject: str | None = None
    person: str = ""
    scopes: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    expires_at: float | None = None
    refreshes: bool = False
    signed_in_at: float = 0.0
    warning: str = ""
    kind: Kind = "bearer"

    @property
    def key(self) -> AccountKey:
        """Which account this is."""
        return AccountKey(self.provider, self.session_key)

    def belongs_to(self, username: str) -> bool:
        """Whether it is that person's. A key that names nobody is whoever's set it."""
        nameless_key = self.kind == "api_key" and self.username is None
        return nameless_key or username in {self.username, self.subject}


@dataclass(frozen=True, kw_only=True)
class Login:
    """One attempt of a person to sign in.

    ``path`` is root-absolute on the user's own server, ``url`` absolute where that is known.
    ``error`` is what ``AuthError.to_wire()`` gives: of how it ended, or of a provider that does not
    say at the moment how a device login stands. ``kernel`` and ``notebook`` say who asked.
    ``grant`` is the way in. The user code and the verification URIs are a device login's (RFC 8628
    3.2), for the page or the terminal that shows them; ``next_poll_at``: when to ask how it stands.
    ``candidate``: whose account a pasted code is for, while the person has not said yes to it.
    ``shared``: the account will serve everybody on a server that several people use.
    """

    id: str
    provider: str
    session_key: str = DEFAULT_KEY
    grant: str = "authorization_code"
    status: LoginStatus = "pending"
    expires_at: float = 0.0
    user_code: str | None = None
    verification_uri: str | None = None
    verification_uri_complete: str | None = None
    next_poll_at: float | None = None
    candidate: AccountInfo | None = None
    error: Mapping[str, Any] | None = None
    path: str | None = None
    url: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    shared: bool = False

    @property
    def key(self) -> AccountKey:
        """The account that this login is for."""
        return AccountKey(self.provider, self.session_key)


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something to know: an account changed or is gone, a login moved on, an API takes no more
    calls for a while, or something else is known of the use of a token.
    """

    kind: Literal["account", "removed", "login", "throttled", "usage"]
    provider: str
    session_key: str = DEFAULT_KEY
    login: Login | None = None
    limits: Limits | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What happened after a sequence number. ``reset``: more than is remembered; look anew."""

    sequence: int
    changes: tuple[Change, ...] = ()
    reset: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of another package's sign-in: an account, or a ``problem`` in one sentence."""

    path: str
    session_key: str = DEFAULT_KEY
    username: str | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Logout:
    """The outcome of a sign-out: gone from here in any case. ``note`` says what could not be."""

    removed: bool
    revoked: bool
    note: str = ""
