"""Logins under way: who asked, which browsers opened them, and how they ended.

A login is pending for ten minutes at most. What a browser does is in ``openings``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import secrets
from typing import TYPE_CHECKING

from jupyter_auth.core import wire
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import (
    AuthError,
    LoginCancelled,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    LoginRequired,
)
from jupyter_auth.core.login import openings
from jupyter_auth.core.login.login_store import (
    AuthorizationResponse,
    DevicePolls,
    LoginPurpose,
    LoginStore,
    MemoryLoginStore,
    Opening,
    StoredLogin,
)
from jupyter_auth.core.models import AccountKey, ApiKeyAccount, Login

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.models import Account, LoginRequest, LoginStatus
    from jupyter_auth.core.protocol.oauth_response import DeviceAuthorizationResponse

LIFETIME = 600.0  # seconds that a login is pending at most, and that its outcome is remembered
MAX_PENDING = 50
MAX_ENDED = 200  # outcomes that are remembered


def outcome(login: Login) -> AuthError:
    """The error that an ended, not completed login means."""
    if login.error:
        return wire.error_from_wire(login.error)
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
    """One person's logins. ``changed`` is told of each step, also of those made elsewhere.

    ``dropped`` gets each account that was held and is not any more, but for those stored.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        changed: Callable[[Login], None],
        dropped: Callable[[Account], None],
        lifetime: float = LIFETIME,
        register: LoginStore | None = None,
    ) -> None:
        self._lifetime = min(lifetime, LIFETIME)
        self._clock = clock
        self._listener = changed
        self._dropped = dropped
        self._register = register or MemoryLoginStore()
        self._told: dict[str, LoginStatus] = {}

    def begin(self, asked: LoginRequest, grant: str, host: str) -> Login:
        """The pending login for this request, made where there is none.

        LoginRequired: too many are pending already; no flood pushes out a valid one.
        """
        request = LoginPurpose(
            key=AccountKey(asked.provider, asked.session_key),
            username=asked.username,
            scopes=tuple(asked.scopes),
            force=asked.force,
            grant=grant,
            host=host,
        )
        self.expire()
        with self._register.change() as entries:
            pending = [e for e in entries.values() if e.login.status == "pending"]
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
                provider=asked.provider,
                session_key=asked.session_key,
                grant=grant,
                host=host,
                expires_at=self._clock() + self._lifetime,
                kernel=asked.kernel,
                notebook=asked.notebook,
                shared=asked.shared,
            )
            entries[login.id] = StoredLogin(request, login)
        self._changed(login)
        return login

    def get(self, login_id: str) -> Login:
        """How it stands. LoginExpired: not known (any more)."""
        self.expire()
        return _entry(self._register.read(), login_id).login

    def pending(self) -> list[Login]:
        """Those that somebody may still finish."""
        self.expire()
        found = self._register.read().values()
        return [e.login for e in found if e.login.status == "pending"]

    def request(self, login_id: str) -> LoginPurpose:
        """What a pending login is for. Raises its outcome where it has ended."""
        self.expire()
        entry = _entry(self._register.read(), login_id)
        if entry.login.status != "pending":
            raise outcome(entry.login)
        return entry.request

    def add_opening(self, login_id: str, state: str, opening: Opening) -> None:
        """Remember a browser's try; see ``openings.add``."""
        with self._register.change() as entries:
            openings.add(entries, _entry(entries, login_id), state, opening)

    def take_opening(self, response: AuthorizationResponse) -> tuple[Login, Opening]:
        """The opening that a response belongs to; see ``openings.take`` for what is raised."""
        self.expire()
        with self._register.change() as entries:
            return openings.take(entries, response)

    def provider_of(self, state: str) -> str | None:
        """Which provider a callback's state is for. None: not known (any more)."""
        entry = openings.entry_of(self._register.read(), state)
        return entry.login.provider if entry else None

    def change_grant(self, login_id: str, grant: str, host: str) -> Login:
        """The login by another grant, which leads to ``host``.

        What was opened of it for the old one counts no more.
        """
        held = None
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            if entry.login.status == "pending" and not entry.claimed:
                entry.request = dataclasses.replace(entry.request, grant=grant, host=host)
                entry.login = dataclasses.replace(
                    _bare(entry.login), grant=grant, host=host, error=None
                )
                held, entry.polling, entry.held = entry.held, None, None
                entry.openings.clear()
            login = entry.login
        self._drop(held)
        self._changed(login)
        return login

    def add_device(
        self,
        login_id: str,
        answer: DeviceAuthorizationResponse,
        fingerprint: str,
        confirm_by: str | None,
    ) -> Login:
        """The login with a device's code; where two asked for one, the first has been shown."""
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            if entry.polling is None and entry.login.status == "pending":
                now = self._clock()
                entry.polling = DevicePolls(
                    device_code=answer.device_code,
                    fingerprint=fingerprint,
                    interval=answer.interval,
                    confirm_by=confirm_by,
                )
                entry.login = dataclasses.replace(
                    entry.login,
                    user_code=answer.user_code,
                    host=host_of(answer.verification_uri),
                    verification_uri=answer.verification_uri,
                    verification_uri_complete=answer.verification_uri_complete,
                    expires_at=min(entry.login.expires_at, now + answer.expires_in),
                    next_poll_at=now + answer.interval,
                )
            return entry.login

    def due(self) -> list[Login]:
        """The device logins that somebody should ask the provider about now."""
        self.expire()
        return [entry.login for entry in self._register.read().values() if self._is_due(entry)]

    def _is_due(self, entry: StoredLogin) -> bool:
        at = entry.login.next_poll_at
        free = entry.polling is not None and not entry.polling.taken
        return free and at is not None and at <= self._clock()

    def take_poll(self, login_id: str) -> DevicePolls | None:
        """What to ask a device login's provider with, if it is time to and nobody else does."""
        self.expire()
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            if entry.polling is None or not self._is_due(entry):
                return None
            entry.polling.taken = True
            return entry.polling

    def put_back(self, login_id: str, polling: DevicePolls) -> None:
        """The provider was asked; the next time is set by what it said."""
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            if entry.polling:
                entry.polling = dataclasses.replace(polling, taken=False)
                entry.login = dataclasses.replace(
                    entry.login,
                    next_poll_at=self._clock() + polling.delay,
                    error=polling.error,
                )

    def hold(self, login_id: str, account: Account, confirm_by: str | None) -> Login:
        """Keep an account in mind until its person has said yes to it; the last one counts."""
        left: Account | None = account
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            if entry.login.status == "pending" and not entry.claimed:
                left, entry.held, entry.confirm_by = entry.held, account, confirm_by
                entry.login = dataclasses.replace(_bare(entry.login), candidate=account.info())
                entry.polling = None
            login = entry.login
        self._drop(left)
        return login

    def asks(self, login_id: str, confirm_by: str) -> bool:
        """Whether the proof of that digest is asked for, now or once the device has signed in."""
        entry = _entry(self._register.read(), login_id)
        return confirm_by in (entry.confirm_by, entry.polling and entry.polling.confirm_by)

    def take_held(self, login_id: str, proof: str) -> Account:
        """The account that was held, once. LoginFailed: none is, or not for this ``proof``."""
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            account, wanted = entry.held, entry.confirm_by
            if account is None or entry.login.candidate is None:
                raise LoginFailed("No account waits for confirmation.", hint="Sign in first.")
            if wanted is not None and not hmac.compare_digest(openings.digest(proof), wanted):
                raise LoginFailed(
                    "Only the browser that signed in at the provider can say yes.",
                    hint="Go on there, or cancel this sign-in and start again.",
                )
            entry.login = dataclasses.replace(entry.login, candidate=None)
        return account

    def held(self) -> list[Account]:
        """Those that wait for a yes, and those that are being stored."""
        return [entry.held for entry in self._register.read().values() if entry.held]

    def claim(self, login_id: str, account: Account) -> bool:
        """Whether the caller, who stores ``account``, is the first to complete it."""
        before = None
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            first = entry.login.status == "pending" and not entry.claimed
            if first:
                before, entry.claimed = entry.held, True
                is_key = isinstance(account, ApiKeyAccount)  # which rests nowhere
                entry.held = None if is_key else account
        self._drop(before)
        return first

    def end(
        self,
        login_id: str,
        status: LoginStatus,
        error: AuthError | None = None,
        *,
        claimed: bool = False,
    ) -> Login:
        """Put an end to a pending login; one that has ended stays as it is.

        ``claimed``: by whoever claimed it, and could not complete it.
        """
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            being_stored = entry.claimed and status != "complete" and not claimed
            if entry.login.status != "pending" or being_stored:
                return entry.login
            entry.login = dataclasses.replace(
                _bare(entry.login),
                status=status,
                error=error.to_wire() if error else None,
                expires_at=self._clock() + LIFETIME,
            )
            held, entry.polling, entry.held = entry.held, None, None
            if status != "complete":  # then the other openings see that, and nothing is exchanged
                entry.openings.clear()
            login = entry.login
        self._drop(None if status == "complete" else held)
        self._changed(login)
        return login

    def leave(self, login_id: str) -> Login:
        """One waits no more; the last one to leave cancels it."""
        with self._register.change() as entries:
            entry = _entry(entries, login_id)
            entry.waiters -= 1
            alone = entry.waiters <= 0
        return self.end(login_id, "cancelled") if alone else self.get(login_id)

    def expire(self) -> None:
        """End what is too old, forget what ended long ago."""
        now = self._clock()
        late, gone = _overdue(self._register.read(), now)
        if gone:
            with self._register.change() as entries:
                for login_id in gone:
                    entries.pop(login_id, None)
        for login_id in late:
            with contextlib.suppress(LoginExpired):  # somebody else forgot it meanwhile
                self.end(login_id, "expired")

    def poll(self) -> None:
        """Tell of what changed elsewhere, where the register is shared."""
        self.expire()
        found = self._register.read()
        for login_id in self._told.keys() - found.keys():
            self._told.pop(login_id, None)
        for login_id, entry in found.items():
            if self._told.get(login_id) != entry.login.status:
                self._changed(entry.login)

    def _drop(self, held: Account | None) -> None:
        if held:
            self._dropped(held)

    def _changed(self, login: Login) -> None:
        self._told[login.id] = login.status
        self._listener(login)


def _bare(login: Login) -> Login:
    """Without what belongs to one grant while it is pending."""
    return dataclasses.replace(
        login,
        user_code=None,
        verification_uri=None,
        verification_uri_complete=None,
        next_poll_at=None,
        candidate=None,
    )


def _entry(entries: Mapping[str, StoredLogin], login_id: str) -> StoredLogin:
    if entry := entries.get(login_id):
        return entry
    raise LoginExpired("This sign-in is not known here (any more).", hint="Start again.")


def _overdue(entries: Mapping[str, StoredLogin], now: float) -> tuple[list[str], set[str]]:
    """Those that nobody finished in time, and those that nobody has to remember."""
    old = [(i, e) for i, e in entries.items() if e.login.expires_at <= now]
    late = [i for i, e in old if e.login.status == "pending" and not e.claimed]
    ended = [i for i, e in entries.items() if e.login.status != "pending"]
    surplus = ended[: max(0, len(ended) - MAX_ENDED)]
    return late, {i for i, e in old if e.login.status != "pending"}.union(surplus)
