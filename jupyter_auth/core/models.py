"""The plain values of this package; the protocols between its parts are in ``interfaces``.

They are frozen, and their reprs show no secret. All times are in seconds since 1970, UTC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from jupyter_auth.core.common.codec import ALWAYS, NEVER
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.record import field, fields, record
from jupyter_auth.core.secret import Secret

Kind = Literal["bearer", "api_key"]
LoginStatus = Literal["pending", "complete", "denied", "expired", "cancelled", "failed"]


@record(frozen=True, kw_only=True)
class Token:
    """An access token as an API takes it.

    From ``refresh_at`` on a new one should be fetched, while this one works until ``expires_at``;
    both are None without a known lifetime. ``headers_at``: other headers at these origins.
    ``fields``: what else the provider said with it. ``resource``: the API that it is for (see
    ``Account.resources``); empty for the account's own.
    ``person``: as in ``Account``, empty for a service account. ``reach``: as in ``Provider``.
    """

    access_token: Secret
    headers: Mapping[str, Secret]
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None
    refresh_at: float | None = None
    kind: Kind = "bearer"
    headers_at: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)
    person: str = ""
    reach: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the access token in hex, by which a kernel names the one an API refused."""
        return self.access_token.digest

    @property
    def bearer(self) -> Secret:
        """The access token, for other HTTP clients. Raises ConfigurationError for an API key."""
        if self.kind == "api_key":
            raise ConfigurationError(
                "This is an API key, not an access token.", hint="See `session.api_keys`."
            )
        return self.access_token

    @property
    def key_parts(self) -> dict[str, str]:
        """The parts of the API key that this is (see ``ApiKeyAccount``)."""
        return dict(json.loads(self.access_token.reveal()))

    def valid(self, now: float) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


@record(frozen=True, kw_only=True)
class Refusal:
    """A provider's refusal to renew an account: what it ``says`` in a sentence, and when.

    ``final``: for good. ``times``: how many came in a row.
    """

    says: str
    at: float
    final: bool
    times: int


@record(frozen=True, kw_only=True)
class ResourceToken:
    """An account's access token for one more API, got with the same sign-in.

    ``refresh_token``: its own, at providers that give one for each API; None: the account's.
    """

    access_token: Secret
    refresh_token: Secret | None = None
    scopes: tuple[str, ...] = ()
    issued_at: float
    expires_at: float | None = None
    token_fields: Mapping[str, Any] = field(default_factory=dict)


@record(frozen=True, kw_only=True)
class Account:
    """One signed-in identity, with all its tokens. Never leaves the engine that owns the store.

    ``asked`` are the requested scopes, ``scopes`` the granted ones. ``vouched``: the issuer, not
    the person, chose the user name; ``email`` is one that the issuer verified. ``token_fields``:
    what else was said with the tokens, without secrets (see ``protocol/token_fields``).
    ``refused``: the provider did not take this refresh token the last time. ``client_id``: the
    client that it was issued to, if that registered itself. ``resources``: tokens for other APIs.
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
    vouched: bool = False
    email: str | None = None
    token_fields: Mapping[str, Any] = field(default_factory=dict)
    signed_in_at: float
    refused: Refusal | None = None
    client_id: str | None = None
    resources: Mapping[str, ResourceToken] = field(default_factory=dict)
    adopted: str = ""  # the digest of the refresh token with which another program handed it over

    @property
    def key(self) -> AccountKey:
        """Which account this is."""
        return AccountKey(self.provider, self.session_key)

    @property
    def person(self) -> str:
        """An opaque text that is the same for all accounts of one person.

        It is made of issuer and subject (OIDC Core 5.7), else of the user name. Where the provider
        gives neither, it begins with a question mark and is that of one sign-in.
        """
        if not self.subject and not self.username:
            return f"?{self.signed_in_at}"
        who = (self.issuer, self.subject) if self.subject else (self.username,)
        return hashlib.sha256(json.dumps(who).encode()).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """What ``username=`` may call this person: nothing that people can choose themselves."""
        username = self.username if self.vouched else None
        return tuple(name for name in (self.subject, username, self.email) if name)

    def may_share_grant(self, other: Account | AccountInfo) -> bool:
        """Whether both may be of one person, and so of one grant to this client.

        They may if a provider does not say who signed in. An API key has no grant.
        """
        if "api_key" in {self.kind, other.kind}:
            return False
        unnamed = self.person.startswith("?") or other.person.startswith("?")
        return self.person == other.person or (unnamed and self.provider == other.provider)

    def valid(self, now: float) -> bool:
        """Whether its access token has not expired."""
        return self.expires_at is None or now < self.expires_at

    def info(self, warning: str = "") -> AccountInfo:
        """What kernels, widgets and logs may know of it."""
        own: dict[str, Any] = {"username": self.username or self.subject, "warning": warning}
        own["refreshes"] = self.refresh_token is not None
        own["trouble"] = self.refused.says if self.refused else ""
        names = [each.name for each in fields(AccountInfo) if each.name not in own]
        return AccountInfo(**own, **{name: getattr(self, name) for name in names})


@record(frozen=True, kw_only=True)
class ApiKeyAccount(Account):
    """A static API key as an account, in memory only. It is neither renewed nor revoked.

    Its access token is the ``parts`` by name, as JSON.
    """

    parts: Mapping[str, Secret]
    access_token: Secret = field(init=False)
    kind: Kind = field(default="api_key", init=False)

    def __post_init__(self) -> None:
        parts = {name: value.reveal() for name, value in self.parts.items()}
        object.__setattr__(self, "access_token", Secret(json.dumps(parts)))

    @property
    @override
    def person(self) -> str:
        # The user name is not verified; without one, all keys are of one unknown person.
        return super().person if self.username else "?api_key"


@record(frozen=True)
class AccountKey:
    """What identifies an account of one user."""

    provider: str
    session_key: str = DEFAULT_KEY

    def __lt__(self, other: AccountKey) -> bool:
        return (self.provider, self.session_key) < (other.provider, other.session_key)

    def __str__(self) -> str:
        name, key = plain(self.provider), self.session_key
        return name if key == DEFAULT_KEY else f"{name} ({key[:40]})"


@record(frozen=True, kw_only=True)
class AccountInfo:
    """The public side of an account. ``refreshes``: it has a refresh token. ``trouble``: why that
    is not renewed; a new sign-in ends it.

    ``subject`` is the provider's own id of the person, ``person`` and ``names`` are as in
    ``Account``. ``issuer`` and ``email`` are only known while a login is pending.
    """

    provider: str
    session_key: str = DEFAULT_KEY
    username: str | None = None
    subject: str | None = None
    names: tuple[str, ...] = ()
    issuer: str | None = field(default=None, metadata=NEVER)
    email: str | None = field(default=None, metadata=NEVER)
    person: str = ""
    scopes: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    expires_at: float | None = None
    refreshes: bool = False
    signed_in_at: float = 0.0
    warning: str = ""
    trouble: str = ""
    kind: Kind = "bearer"

    @property
    def key(self) -> AccountKey:
        """Which account this is."""
        return AccountKey(self.provider, self.session_key)

    @property
    def renewable(self) -> bool:
        """Whether new tokens come by themselves."""
        return self.refreshes and not self.trouble

    @property
    def ending(self) -> str:
        """When a sign-in without a refresh token ends, as a sentence; "" for any other."""
        if self.refreshes or self.expires_at is None or self.kind == "api_key":
            return ""
        end = datetime.fromtimestamp(self.expires_at, UTC)
        return f"This sign-in ends at {end:%Y-%m-%d %H:%M} UTC: there is no refresh token."

    def over(self, now: float) -> bool:
        """Whether its token has expired, and only a new sign-in brings another."""
        return self.expires_at is not None and now >= self.expires_at and not self.renewable

    def lacks(self, scopes: Sequence[str]) -> tuple[str, ...]:
        """Those that were not granted, as far as providers say so. An API key has none."""
        known = {*self.scopes, "offline_access"}
        return tuple(x for x in scopes if x not in known and self.kind != "api_key")

    def belongs_to(self, username: str) -> bool:
        """Whether it is that person's. An API key without a user name may be anyone's."""
        return username in self.names or (self.kind == "api_key" and self.username is None)


@record(frozen=True, kw_only=True)
class Challenge:
    """What an API, ``api`` is its host, demands of a sign-in: ``scopes``, ``claims`` as JSON (OIDC
    Core 5.5), ``acr_values`` and ``max_age`` in seconds (RFC 9470 3).
    """

    api: str = ""
    scopes: tuple[str, ...] = ()
    claims: str = ""
    acr_values: str = ""
    max_age: str = ""


NO_CHALLENGE = Challenge()


@record(frozen=True)
class LoginRequest:
    """What a person is asked to sign in to, and by which ``kernel`` and ``notebook``.

    ``username``: the account must be theirs. ``scopes``: empty for the provider's own. ``force``
    asks the provider to prompt. ``grant`` None: the preferred one. ``shared``: as in ``Login``.
    ``resource``: the API that it is for, if that is not the provider's own.
    """

    provider: str
    session_key: str = DEFAULT_KEY
    username: str | None = None
    scopes: Sequence[str] = ()
    force: bool = False
    grant: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    shared: bool = False
    resource: str = ""
    challenge: Challenge = NO_CHALLENGE


@record(frozen=True, kw_only=True)
class Login:
    """One attempt of a person to sign in, which ``kernel`` and ``notebook`` asked for.

    ``path`` is root-absolute on the user's own server, ``url`` absolute if that is known;
    ``inner``: a proxy or a container may hide it. ``error`` is ``AuthError.to_wire()`` of how it
    ended; while it is pending, of a failed poll or of what the provider sent the browser back with.
    ``host``: where the ``grant`` leads, to be shown to the person first (``grants.destination``).
    The user code and the verification URIs are a device login's (RFC 8628 3.2), for the page or the
    terminal that shows them; ``next_poll_at``: when to poll it. ``candidate``: the account that the
    person has yet to confirm. ``shared``: all users of a shared server will use the account.
    ``reason``: what an API demands, or which one it is for, in a sentence.
    """

    id: str
    provider: str
    session_key: str = DEFAULT_KEY
    grant: str = "authorization_code"
    host: str = ""
    status: LoginStatus = field(default="pending", metadata=ALWAYS)
    expires_at: float = field(default=0.0, metadata=ALWAYS)
    user_code: str | None = field(default=None, metadata=NEVER)
    verification_uri: str | None = field(default=None, metadata=NEVER)
    verification_uri_complete: str | None = field(default=None, metadata=NEVER)
    next_poll_at: float | None = field(default=None, metadata=NEVER)
    candidate: AccountInfo | None = field(default=None, metadata=NEVER)
    error: Mapping[str, Any] | None = None
    path: str | None = None
    url: str | None = None
    inner: bool = False
    kernel: str | None = None
    notebook: str | None = None
    shared: bool = False
    reason: str = ""

    @property
    def key(self) -> AccountKey:
        """Which account this login is for."""
        return AccountKey(self.provider, self.session_key)

    @property
    def has_page(self) -> bool:
        """Whether a server has a page for it; else the process that began it completes it."""
        return self.path is not None


@record(frozen=True, kw_only=True)
class Change:
    """An event: an account changed or was removed, a login changed its state, an API takes no more
    calls for a while, or the use of a token changed.
    """

    kind: Literal["account", "removed", "login", "throttled", "usage"]
    provider: str
    session_key: str = field(default=DEFAULT_KEY, metadata=ALWAYS)
    login: Login | None = None
    limits: Limits | None = None


@record(frozen=True, kw_only=True)
class Changes:
    """What happened after a sequence number. ``reset``: too much to list, so reload everything."""

    sequence: int
    changes: tuple[Change, ...] = ()
    reset: bool = False


@record(frozen=True, kw_only=True)
class Imported:
    """The result of importing another package's sign-in: an account or a ``problem``."""

    path: str
    session_key: str = field(default=DEFAULT_KEY, metadata=ALWAYS)
    username: str | None = None
    problem: str = ""


@record(frozen=True, kw_only=True)
class Logout:
    """The result of signing out, which always removes the account here; ``note``: what failed."""

    removed: bool
    revoked: bool
    note: str = ""
