"""Where one person's logins are kept, and what is kept of each."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.models import NO_CHALLENGE, Account, AccountKey, Challenge, Login
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

MAX_DELAY = 60.0  # seconds between polls of a provider that does not answer


@dataclass(frozen=True)
class Binding:
    """The cookie that binds one browser to one opening."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class AuthorizationResponse:
    """What a browser brings to a redirect URI (RFC 6749 4.1.2), and whose browser it is.

    ``provider`` is the plain name in the redirect URI's path, ``params`` are those of its query,
    ``bindings`` the browser's cookies. ``confirm_by`` is the digest of a proof that only this
    browser has: the login then stays pending with its ``candidate`` until ``confirm``. None: no
    confirmation is needed.
    """

    provider: str
    params: Mapping[str, str] = field(repr=False)
    bindings: Mapping[str, str] = field(repr=False)
    user: str = field(repr=False)
    confirm_by: str | None = field(repr=False)

    @property
    def state(self) -> str:
        """Empty: the response has none."""
        return self.params.get("state", "")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One browser's attempt at a login. ``fingerprint`` is that of the provider at that time.

    ``names_issuer``: the response must name its issuer. ``overtaken``: a login to another provider
    left later for the same redirect URI. ``client_id``: of the client that registered itself.
    """

    verifier: Secret
    nonce: str = field(repr=False)
    binding: str = field(repr=False)  # SHA-256 of the cookie's value
    redirect_uri: str
    user: str = field(repr=False)
    fingerprint: str
    issuer: str | None
    names_issuer: bool = False
    overtaken: bool = False
    client_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoginPurpose:
    """What a login is for, and where it leads; requests for the same purpose share one login.

    ``resource``, ``challenge``: as in ``LoginRequest``. ``asker``: who alone it is for, kernel and
    notebook, or a browser; empty: for all who ask. ``onward``: the path that a browser goes on to
    after a silent sign-in, which asks its person nothing; "": any other login.
    """

    key: AccountKey
    username: str | None = None
    scopes: tuple[str, ...] = ()
    force: bool = False
    grant: str = "authorization_code"
    host: str = ""
    resource: str = ""
    challenge: Challenge = NO_CHALLENGE
    asker: str = ""
    onward: str = ""


@dataclass(kw_only=True)
class DevicePolls:
    """The state of a device login's polling. Only the caller that took it changes it."""

    device_code: Secret
    verifier: Secret | None = None  # of PKCE (RFC 7636)
    fingerprint: str
    client_id: str | None = None  # as in Opening
    interval: float  # seconds
    confirm_by: str | None = None  # see StoredLogin
    failures: int = 0  # in a row
    error: Mapping[str, Any] | None = None  # of the last failure, as in Login
    taken: bool = False

    @property
    def delay(self) -> float:
        """Seconds until the next poll: doubled for each failure in a row (RFC 8628 3.5)."""
        return max(self.interval, min(self.interval * 2.0**self.failures, MAX_DELAY))


@dataclass
class StoredLogin:
    """A login with its secrets. The Hub service stores these fields by name.

    ``held`` is an account that waits for confirmation, ``confirm_by`` the SHA-256 of the proof that
    confirms it; None: no proof is needed.
    """

    request: LoginPurpose
    login: Login
    waiters: int = 1
    claimed: bool = False
    openings: dict[str, Opening] = field(default_factory=dict)  # by SHA-256 of the state
    polling: DevicePolls | None = None
    held: Account | None = None
    confirm_by: str | None = None


class LoginStore(Protocol):
    """One person's logins, by id."""

    def read(self) -> Mapping[str, StoredLogin]:
        """All of them, for reading only."""

    def change(self) -> AbstractContextManager[dict[str, StoredLogin]]:
        """Exclusive access to all of them; changes are saved if the block succeeds."""


class MemoryLoginStore:
    """Logins in memory, for one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, StoredLogin] = {}

    def read(self) -> Mapping[str, StoredLogin]:
        with self._lock:
            return dict(self._entries)

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, StoredLogin]]:
        with self._lock:
            yield self._entries
