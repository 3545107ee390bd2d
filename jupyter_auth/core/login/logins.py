"""One person's logins from begin to end; each is pending for at most ten minutes."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import secrets
from typing import TYPE_CHECKING

from jupyter_auth.core import wire
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import (
    START_AGAIN,
    AuthError,
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
from jupyter_auth.core.tokens.next_steps import demanded, for_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jupyter_auth.core.models import Account, LoginRequest, LoginStatus
    from jupyter_auth.core.protocol.oauth_response import DeviceAuthorizationResponse

LIFETIME = 600.0  # seconds that a login is pending at most, and that its outcome is kept
STORING = 60.0  # seconds after expiry for which an account may still be being stored
MAX_PENDING = 50
MAX_ENDED = 200  # outcomes that are kept


class Logins:
    """The logins. ``changed`` is called for each step, also for those of other processes.

    Of a silent login it hears only if that completes: no front end offers to finish one.

    ``dropped`` is called with each account that was held but is not going to be stored.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        changed: Callable[[Login], None],
        dropped: Callable[[Account], None],
        lifetime: float = LIFETIME,
        store: LoginStore | None = None,
    ) -> None:
        self._lifetime = min(lifetime, LIFETIME)
        self._clock = clock
        self._listener = changed
        self._dropped = dropped
        self._store = store or MemoryLoginStore()
        self._reported: dict[str, LoginStatus] = {}

    def begin(
        self,
        asked: LoginRequest,
        grant: str,
        host: str,
        asker: str = "",
        *,
        reason: str = "",
        onward: str = "",
    ) -> Login:
        """The pending login for this request: a new one if there is none.

        ``asker``, ``onward``: as in ``LoginPurpose``. ``reason``: as in ``Login``, if the request
        says none.

        Raises:
            LoginRequired: too many are pending; a flood does not push out valid ones.
        """
        purpose = LoginPurpose(
            key=AccountKey(asked.provider, asked.session_key),
            username=asked.username,
            scopes=tuple(asked.scopes),
            force=asked.force,
            grant=grant,
            host=host,
            resource=asked.resource,
            challenge=asked.challenge,
            asker=asker,
            onward=onward,
        )
        self.expire()
        with self._store.change() as entries:
            pending = [e for e in entries.values() if e.login.status == "pending"]
            for entry in pending:
                if entry.request == purpose and not entry.claimed:
                    entry.waiters += 1
                    return entry.login
            if len(pending) >= MAX_PENDING:
                raise LoginRequired(
                    f"{MAX_PENDING} sign-ins are already pending.", hint="Finish or cancel some."
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
                reason=reason or demanded(asked.challenge) or for_api(asked.resource),
            )
            entries[login.id] = entry = StoredLogin(purpose, login)
        self._changed(entry)
        return login

    def get(self, login_id: str) -> Login:
        """The login as it is now; ``LoginExpired`` if it is not known (any more)."""
        self.expire()
        return _entry(self._store.read(), login_id).login

    def pending(self) -> list[Login]:
        """Those that can still be finished; not silent ones."""
        self.expire()
        found = self._store.read().values()
        return [e.login for e in found if e.login.status == "pending" and not e.request.onward]

    def onward(self, login_id: str) -> str:
        """See ``LoginPurpose``; also of a login that has ended."""
        return _entry(self._store.read(), login_id).request.onward

    def purpose(self, login_id: str) -> LoginPurpose:
        """What a pending login is for; raises the outcome of one that has ended."""
        self.expire()
        entry = _entry(self._store.read(), login_id)
        if entry.login.status != "pending":
            raise wire.login_error(entry.login)
        return entry.request

    def add_opening(self, login_id: str, state: str, opening: Opening) -> None:
        """See ``openings.add``."""
        with self._store.change() as entries:
            entry = _entry(entries, login_id)
            openings.add(entries, entry, state, opening)
            if entry.login.error:  # of an earlier opening
                entry.login = dataclasses.replace(entry.login, error=None)

    def take_opening(self, response: AuthorizationResponse) -> tuple[Login, Opening]:
        """See ``openings.take``."""
        self.expire()
        with self._store.change() as entries:
            return openings.take(entries, response)

    def left_by(self, response: AuthorizationResponse) -> list[Login]:
        """See ``openings.left_by``."""
        self.expire()
        return openings.left_by(self._store.read(), response)

    def add_words(self, login_id: str, words: AuthError) -> Login:
        """Show ``words`` with a login while it is pending; they end nothing."""
        with self._changing(login_id) as entry:
            if entry.login.status == "pending":
                entry.login = dataclasses.replace(entry.login, error=words.to_wire())
        self._changed(entry)
        return entry.login

    def provider_of(self, state: str) -> str | None:
        """The provider that a state belongs to; None if the state is not known (any more)."""
        entry = openings.entry_of(self._store.read(), state)
        return entry.login.provider if entry else None

    def change_grant(self, login_id: str, grant: str, host: str) -> Login:
        """Go on by another grant, which leads to ``host``; openings for the old one end."""
        held = None
        with self._changing(login_id) as entry:
            if entry.login.status == "pending" and not entry.claimed:
                entry.request = dataclasses.replace(entry.request, grant=grant, host=host)
                bare = _bare(entry.login)
                entry.login = dataclasses.replace(bare, grant=grant, host=host)
                held, entry.polling, entry.held = entry.held, None, None
                entry.openings.clear()
        self._drop(held)
        self._changed(entry)
        return entry.login

    def narrow(self, login_id: str, scopes: tuple[str, ...]) -> Login:
        """Go on with other scopes than were asked for at first; openings for those end."""
        with self._changing(login_id) as entry:
            if entry.login.status == "pending" and not entry.claimed:
                entry.request = dataclasses.replace(entry.request, scopes=scopes)
                entry.openings.clear()
            return entry.login

    def add_device(
        self, login_id: str, answer: DeviceAuthorizationResponse, polls: DevicePolls
    ) -> Login:
        """Add a device code; if two callers asked for one, the first is shown and stays."""
        with self._changing(login_id) as entry:
            if entry.polling is None and entry.login.status == "pending":
                now = self._clock()
                entry.polling = polls
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
        """The device logins whose provider should be polled now."""
        self.expire()
        return [entry.login for entry in self._store.read().values() if self._is_due(entry)]

    def _is_due(self, entry: StoredLogin) -> bool:
        at = entry.login.next_poll_at
        free = entry.polling is not None and not entry.polling.taken
        return free and at is not None and at <= self._clock()

    def take_poll(self, login_id: str) -> DevicePolls | None:
        """Take a device login's poll, if it is due and no other caller has it."""
        self.expire()
        with self._changing(login_id) as entry:
            if entry.polling is None or not self._is_due(entry):
                return None
            entry.polling.taken = True
            return entry.polling

    def put_back(self, login_id: str, polls: DevicePolls) -> None:
        """End the poll of ``take_poll``; the next one follows from its result."""
        with self._changing(login_id) as entry:
            if entry.polling:
                entry.polling = dataclasses.replace(polls, taken=False)
                at = self._clock() + polls.delay
                entry.login = dataclasses.replace(entry.login, next_poll_at=at, error=polls.error)

    def hold(self, login_id: str, account: Account, confirm_by: str | None) -> Login:
        """Hold an account until its person confirms it; it replaces one that was held."""
        left: Account | None = account
        with self._changing(login_id) as entry:
            if entry.login.status == "pending" and not entry.claimed:
                left, entry.held, entry.confirm_by = entry.held, account, confirm_by
                entry.login = dataclasses.replace(_bare(entry.login), candidate=account.info())
                entry.polling = None
            login = entry.login
        self._drop(left)
        return login

    def asks(self, login_id: str, confirm_by: str) -> bool:
        """Whether the proof of that digest confirms it, now or once the device is signed in."""
        entry = _entry(self._store.read(), login_id)
        return confirm_by in (entry.confirm_by, entry.polling and entry.polling.confirm_by)

    def take_held(self, login_id: str, proof: str) -> Account:
        """The held account, once; ``LoginFailed`` if there is none, or with the wrong proof."""
        with self._changing(login_id) as entry:
            account, wanted = entry.held, entry.confirm_by
            if account is None or entry.login.candidate is None:
                raise LoginFailed("No account is waiting for confirmation.", hint="Sign in first.")
            if wanted is not None and not hmac.compare_digest(openings.digest(proof), wanted):
                raise LoginFailed(
                    "Only the browser that signed in at the provider can confirm the account.",
                    hint="Confirm it there, or cancel this sign-in and start again.",
                )
            entry.login = dataclasses.replace(entry.login, candidate=None)
        return account

    def held(self) -> list[Account]:
        """Accounts that wait for confirmation or are being stored."""
        return [entry.held for entry in self._store.read().values() if entry.held]

    def claim(self, login_id: str, account: Account) -> bool:
        """Whether the caller may store ``account``: the first one may."""
        before = None
        with self._changing(login_id) as entry:
            first = entry.login.status == "pending" and not entry.claimed
            if first:
                before, entry.claimed = entry.held, True
                is_key = isinstance(account, ApiKeyAccount)  # never written anywhere
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
        """End a pending login; one that has ended stays as it is.

        ``claimed``: the caller had claimed it, and could not store the account.
        """
        with self._changing(login_id) as entry:
            storing = _is_being_stored(entry, self._clock())
            being_stored = storing and status != "complete" and not claimed
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
        self._drop(None if status == "complete" else held)
        self._changed(entry)
        return entry.login

    def leave(self, login_id: str) -> Login:
        """One caller stops waiting; the last one cancels the login."""
        with self._changing(login_id) as entry:
            entry.waiters -= 1
            alone = entry.waiters <= 0
        return self.end(login_id, "cancelled") if alone else self.get(login_id)

    def expire(self) -> None:
        """End pending logins that are too old, forget old outcomes."""
        now = self._clock()
        late, gone = _overdue(self._store.read(), now)
        if gone:
            with self._store.change() as entries:
                for login_id in gone:
                    entries.pop(login_id, None)
        for login_id in late:
            with contextlib.suppress(LoginExpired):  # another process forgot it
                self.end(login_id, "expired")

    def poll(self) -> None:
        """Report what other processes changed in a shared store."""
        self.expire()
        found = self._store.read()
        for login_id in self._reported.keys() - found.keys():
            self._reported.pop(login_id, None)
        for login_id, entry in found.items():
            if self._reported.get(login_id) != entry.login.status:
                self._changed(entry)

    @contextlib.contextmanager
    def _changing(self, login_id: str) -> Iterator[StoredLogin]:
        with self._store.change() as entries:
            yield _entry(entries, login_id)

    def _drop(self, held: Account | None) -> None:
        if held:
            with contextlib.suppress(AuthError):  # then it is not revoked; the login goes on
                self._dropped(held)

    def _changed(self, entry: StoredLogin) -> None:
        login = entry.login
        self._reported[login.id] = login.status
        if not entry.request.onward or login.status == "complete":
            self._listener(login)


def _bare(login: Login) -> Login:
    """Without what a pending grant has added."""
    return dataclasses.replace(
        login,
        user_code=None,
        verification_uri=None,
        verification_uri_complete=None,
        next_poll_at=None,
        candidate=None,
        error=None,
    )


def _entry(entries: Mapping[str, StoredLogin], login_id: str) -> StoredLogin:
    if entry := entries.get(login_id):
        return entry
    raise LoginExpired("This sign-in is not known here (any more).", next_step=START_AGAIN)


def _is_being_stored(entry: StoredLogin, now: float) -> bool:
    return entry.claimed and now < entry.login.expires_at + STORING


def _overdue(entries: Mapping[str, StoredLogin], now: float) -> tuple[list[str], set[str]]:
    """Pending logins that have expired, and outcomes to forget."""
    old = [(i, e) for i, e in entries.items() if e.login.expires_at <= now]
    late = [i for i, e in old if e.login.status == "pending" and not _is_being_stored(e, now)]
    ended = [i for i, e in entries.items() if e.login.status != "pending"]
    surplus = ended[: max(0, len(ended) - MAX_ENDED)]
    return late, {i for i, e in old if e.login.status != "pending"}.union(surplus)
