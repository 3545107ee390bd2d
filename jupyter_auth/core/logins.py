"""Logins under way: who asked, which browsers opened them, and how they ended.

A login is pending for ten minutes at most. Each time a browser opens it there is a fresh state,
verifier, nonce and binding; a state is taken once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import (
    AuthError,
    LoginCancelled,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    LoginRequired,
    from_wire,
)
from jupyter_auth.core.models import AccountKey, Login, LoginStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.device_answer import DeviceAnswer
    from jupyter_auth.core.secret import Secret

LIFETIME = 600.0  # seconds that a login is pending at most, and that its outcome is remembered
MAX_PENDING = 50
MAX_OPENINGS = 8
MAX_DELAY = 60.0  # seconds between polls of a provider that is away
MAX_ENDED = 200  # outcomes that are remembered
COOKIE_PREFIX = "jupyter-auth-"


@dataclass(frozen=True)
class Binding:
    """The cookie that binds one browser to one opening."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One browser's try at a login. ``fingerprint`` is that of the provider as it was then."""

    verifier: Secret
    nonce: str = field(repr=False)
    binding: str = field(repr=False)  # SHA-256 of the cookie's value
    redirect_uri: str
    user: str = field(repr=False)
    fingerprint: str
    issuer: str | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a login is for; logins that ask for the same are one."""

    key: AccountKey
    username: str | None = None
    scopes: tuple[str, ...] = ()
    force: bool = False
    grant: str = "authorization_code"


@dataclass(kw_only=True)
class Polling:
    """How a device login is asked about. Changed by the one who asks, between take and put back."""

    device_code: Secret
    fingerprint: str
    interval: float  # seconds
    failures: int = 0  # in a row
    taken: bool = False

    @property
    def delay(self) -> float:
        """Seconds until the next poll: doubled for each failure in a row (RFC 8628 3.5)."""
        return max(self.interval, min(self.interval * 2.0**self.failures, MAX_DELAY))


@dataclass
class _Entry:
    request: Request
    login: Login
    waiters: int = 1
    claimed: bool = False
    openings: dict[str, Opening] = field(default_factory=dict)  # by SHA-256 of the state
    polling: Polling | None = None


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def binding_name(state: str) -> str:
    """The name of the cookie that belongs to a state."""
    return COOKIE_PREFIX + _digest(state)[:16]


def outcome(login: Login) -> AuthError:
    """The error that an ended, not completed login means."""
    if login.error:
        return from_wire(login.error)
    where = str(login.key)
    match login.status:
        case "denied":
            return LoginDenied(f"The sign-in to {where} was denied.", hint="Run the cell again.")
        case "cancelled":
            return LoginCancelled(f"The sign-in to {where} was cancelled.")
        case "expired":
            return LoginExpired(
                f"Nobody finished the sign-in to {where} in time.", hint="Run the cell again."
            )
        case _:
            return LoginFailed(f"The sign-in to {where} is {login.status}.")


class Logins:
    """The register of one person's logins, in memory. ``changed`` is told of each step."""

    def __init__(
        self,
        clock: Callable[[], float],
        changed: Callable[[Login], None],
        lifetime: float = LIFETIME,
    ) -> None:
        self._lifetime = min(lifetime, LIFETIME)
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def begin(self, request: Request, *, kernel: str | None, notebook: str | None) -> Login:
        """The pending login for this request, made where there is none.

        LoginRequired: too many are pending already; no flood pushes out a valid one.
        """
        self.expire()
        with self._lock:
            pending = [e for e in self._entries.values() if e.login.status == "pending"]
            for entry in pending:
                if entry.request == request and not entry.claimed:
                    entry.waiters += 1
                    return entry.login
            if len(pending) >= MAX_PENDING:
                raise LoginRequired(
                    f"{MAX_PENDING} sign-ins are waiting already.", hint="Finish or cancel some."
                )
            login = Login(
                id=secrets.token_urlsafe(24),
                provider=request.key.provider,
                session_key=request.key.session_key,
                grant=request.grant,
                expires_at=self._clock() + self._lifetime,
                kernel=kernel,
                notebook=notebook,
            )
            self._entries[login.id] = _Entry(request, login)
        self._changed(login)
        return login

    def get(self, login_id: str) -> Login:
        """How it stands. LoginExpired: not known (any more)."""
        self.expire()
        return self._entry(login_id).login

    def pending(self) -> list[Login]:
        """Those that somebody may still finish."""
        self.expire()
        with self._lock:
            return [e.login for e in self._entries.values() if e.login.status == "pending"]

    def request(self, login_id: str) -> Request:
        """What a pending login is for. Raises its outcome where it has ended."""
        login = self.get(login_id)
        if login.status != "pending":
            raise outcome(login)
        return self._entry(login_id).request

    def add_opening(self, login_id: str, state: str, opening: Opening) -> None:
        """Remember a browser's try; the oldest of too many is forgotten."""
        entry = self._entry(login_id)
        with self._lock:
            entry.openings[_digest(state)] = opening
            while len(entry.openings) > MAX_OPENINGS:
                del entry.openings[next(iter(entry.openings))]

    def take_opening(
        self, provider: str, state: str, bindings: Mapping[str, str], user: str
    ) -> tuple[Login, Opening]:
        """The opening that a callback belongs to; it can be taken once.

        LoginExpired: no such state (any more). LoginFailed: another browser's, another user's or
        another provider's; it can still be taken by the right one.
        """
        self.expire()
        digest = _digest(state)
        with self._lock:
            entry = next((e for e in self._entries.values() if digest in e.openings), None)
            if entry is None:
                raise LoginExpired(
                    "This sign-in is not known here, or was finished before.", hint="Start again."
                )
            opening = entry.openings[digest]
            value = _digest(bindings.get(binding_name(state), ""))
            ours = hmac.compare_digest(value, opening.binding)
            same_user = hmac.compare_digest(_digest(user), _digest(opening.user))
            if not (ours and same_user and entry.login.provider == provider):
                raise LoginFailed(
                    "This sign-in was begun in another browser, or by somebody else.",
                    hint="Start again from your own notebook.",
                )
            del entry.openings[digest]
            return entry.login, opening

    def add_device(self, login_id: str, answer: DeviceAnswer, fingerprint: str) -> Login:
        """The login with a device's code; where two asked for one, the first has been shown."""
        entry = self._entry(login_id)
        with self._lock:
            if entry.polling is None and entry.login.status == "pending":
                now = self._clock()
                entry.polling = Polling(
                    device_code=answer.device_code,
                    fingerprint=fingerprint,
                    interval=answer.interval,
                )
                entry.login = dataclasses.replace(
                    entry.login,
                    user_code=answer.user_code,
                    verification_uri=answer.verification_uri,
                    verification_uri_complete=answer.verification_uri_complete,
                    expires_at=min(entry.login.expires_at, now + answer.expires_in),
                    next_poll_at=now + answer.interval,
                )
            return entry.login

    def due(self) -> list[Login]:
        """The device logins that somebody should ask the provider about now."""
        self.expire()
        with self._lock:
            return [entry.login for entry in self._entries.values() if self._is_due(entry)]

    def _is_due(self, entry: _Entry) -> bool:
        at = entry.login.next_poll_at
        free = entry.polling is not None and not entry.polling.taken
        return free and at is not None and at <= self._clock()

    def take_poll(self, login_id: str) -> Polling | None:
        """What to ask a device login's provider with, if it is time to and nobody else does."""
        self.expire()
        entry = self._entry(login_id)
        with self._lock:
            if entry.polling is None or not self._is_due(entry):
                return None
            entry.polling.taken = True
            return entry.polling

    def put_back(self, login_id: str) -> None:
        """The provider was asked; the next time is set by what it said."""
        entry = self._entry(login_id)
        with self._lock:
            if entry.polling:
                entry.polling.taken = False
                entry.login = dataclasses.replace(
                    entry.login, next_poll_at=self._clock() + entry.polling.delay
                )

    def claim(self, login_id: str) -> bool:
        """Whether the caller is the first to complete it: others see that outcome."""
        entry = self._entry(login_id)
        with self._lock:
            first = entry.login.status == "pending" and not entry.claimed
            entry.claimed = entry.claimed or first
            return first

    def end(self, login_id: str, status: LoginStatus, error: AuthError | None = None) -> Login:
        """Put an end to a pending login; one that has ended stays as it is."""
        entry = self._entry(login_id)
        with self._lock:
            if entry.login.status != "pending" or (entry.claimed and status != "complete"):
                return entry.login
            entry.login = dataclasses.replace(
                entry.login,
                status=status,
                error=error.to_wire() if error else None,
                expires_at=self._clock() + LIFETIME,
                user_code=None,
                verification_uri=None,
                verification_uri_complete=None,
                next_poll_at=None,
            )
            entry.polling = None
            if status != "complete":  # then the other openings see that, and nothing is exchanged
                entry.openings.clear()
            login = entry.login
        self._changed(login)
        return login

    def leave(self, login_id: str) -> Login:
        """One waits no more; the last one to leave cancels it."""
        entry = self._entry(login_id)
        with self._lock:
            entry.waiters -= 1
            alone = entry.waiters <= 0
        return self.end(login_id, "cancelled") if alone else self.get(login_id)

    def expire(self) -> None:
        """End what is too old, forget what ended long ago."""
        now = self._clock()
        with self._lock:
            old = [(i, e) for i, e in self._entries.items() if e.login.expires_at <= now]
            late = [i for i, e in old if e.login.status == "pending" and not e.claimed]
            ended = [i for i, e in self._entries.items() if e.login.status != "pending"]
            surplus = ended[: max(0, len(ended) - MAX_ENDED)]
            for login_id in {i for i, e in old if e.login.status != "pending"}.union(surplus):
                del self._entries[login_id]
        for login_id in late:
            self.end(login_id, "expired")

    def _entry(self, login_id: str) -> _Entry:
        with self._lock:
            if entry := self._entries.get(login_id):
                return entry
        raise LoginExpired("This sign-in is not known here (any more).", hint="Start again.")
