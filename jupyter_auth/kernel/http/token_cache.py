"""One account's token in memory: what a request uses without asking anybody."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginRequired,
    NextStep,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.tokens.need import ANY, Need
from jupyter_auth.core.tokens.single_flight import SingleFlight
from jupyter_auth.kernel.broker.watcher import watcher_of
from jupyter_auth.kernel.http.warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Changes, Token

PAUSE = 30.0  # seconds between tries to get a new token while the old one still works

_log = logging.getLogger("jupyter_auth")


class GetToken(Protocol):
    """``Accounts.token`` and its like."""

    def __call__(self, provider: str, session_key: str, need: Need) -> Token:
        """A token of that account."""


class CachedTokens:
    """``TokenSource`` for one account, with the token cached until somebody says it changed.

    While a token nears its end it is still given out, and one thread gets the next. ``sign_in`` is
    called where a person has to: it raises, or returns once somebody has signed in; ``leave`` where
    whoever wanted the token was interrupted meanwhile. ``get`` is where tokens come from in the
    place of ``accounts.token``: those are no person's.

    ``person`` is whose tokens these are (``Account.person``), by default that of the first one.
    Raises UserMismatch instead of giving out the token of another person. ``reach``: where they may
    go, by the definition that was read (``Provider.reach``); ConfigurationError: it is another now.
    """

    def __init__(
        self,
        accounts: Accounts,
        provider: str,
        session_key: str = "default",
        *,
        clock: Callable[[], float] = time.time,
        sign_in: Callable[[AuthError], None] | None = None,
        leave: Callable[[], None] | None = None,
        get: GetToken | None = None,
        person: str = "",
        reach: str = "",
    ) -> None:
        self.person = person
        self._reach = reach
        self._asks = accounts.token if get is None else get
        self._made_by_name = get is None
        self._watcher = watcher_of(accounts)
        self._key = (provider, session_key)
        self._clock = clock
        self._sign_in = None if sign_in is None else weakref.WeakMethod(sign_in)
        self._leave = None if leave is None else weakref.WeakMethod(leave)
        self.used = False  # whether there was a token, since the last interrupt of a sign-in
        self.start_anew()
        _all.add(self)

    def __repr__(self) -> str:
        return f"<AccountTokens of {plain(self._key[0])!r}, {self._key[1]!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        if not self._made_by_name:
            raise TypeError("These tokens are not pickled: pickle their session.")
        return _reconnected, (*self._key, self.person, self._reach)

    def start_anew(self) -> None:
        """Forget everything: also what threads of a parent process were about to do."""
        self._lock = threading.Lock()
        self._flights: SingleFlight[Token] = SingleFlight()
        self._held: tuple[Token, float, float] | None = None  # refresh from, expires at
        self._drops = 0
        self._listening = self._renewing = False
        self._renew_from = -math.inf
        self._rejection: RefreshRejected | None = None

    @property
    def held(self) -> Token | None:
        """The token in memory, whether it still works or not."""
        return self._held[0] if self._held else None

    def token(self, min_valid: float = 0.0) -> Token:
        """As ``TokenSource.token``; from memory where that will do."""
        held = self._held
        if held is not None:
            now = self._clock()
            if now + min_valid < held[2]:
                if now >= held[1]:
                    self._renew_behind(now, held[2] - held[1])
                return held[0]
        return self._fetch(Need(min_valid), ask=True)

    def rejected(self, token: Token) -> Token:
        """As ``TokenSource.rejected``; the token is not given out again."""
        return self._fetch(Need(rejected=token.digest), ask=True)

    def bind(self, session_key: str, person: str) -> None:
        """From now on they are this person's, from the account of that key."""
        if (session_key, person) != (self._key[1], self.person):
            self._key, self.person = (self._key[0], session_key), person
            self.drop()

    def drop(self) -> None:
        """Forget the token; the next call asks for it anew."""
        with self._lock:
            self._drops += 1
            self._held = None
            self._renew_from = -math.inf

    def _fetch(self, need: Need, *, ask: bool) -> Token:
        self._listen()
        try:
            return self._flights.run((need, ask), lambda: self._ask(need, ask=ask))[0]
        except KeyboardInterrupt:  # of this thread: that of the flight may wait for a person
            if leave := self._leave and self._leave():
                leave()
            raise

    def _ask(self, need: Need, *, ask: bool) -> Token:
        held = self._held  # whoever came a moment too late for a flight finds its outcome here
        if held and need.rejected != held[0].digest and self._clock() + need.min_valid < held[2]:
            return held[0]
        try:
            return self._get(need)
        except (LoginRequired, UserMismatch) as error:
            sign_in = self._sign_in and self._sign_in()
            if not ask or not sign_in:
                raise
            ended, self._rejection = self._rejection, None
            reason = error if isinstance(error, UserMismatch) else ended or error
        sign_in(reason)
        return self._get(ANY)

    def _get(self, need: Need) -> Token:
        drops = self._drops
        token = self._asks(*self._key, need)
        self._check_reach(token.reach)
        if self._made_by_name:
            self._check_person(token.person)
        expires = math.inf if token.expires_at is None else token.expires_at
        with self._lock:
            self.used, self._rejection = True, None
            if drops == self._drops:  # else it is from before a change
                self._held = (token, min(expires, token.refresh_at or expires), expires)
        return token

    def _check_reach(self, reach: str) -> None:
        """SECURITY 15: what this process knows of the provider is what the account is bound to."""
        if self._reach and reach and reach != self._reach:
            raise ConfigurationError(
                f"The addresses of {plain(self._key[0])!r} have changed. Nothing was sent.",
                next_step=NextStep("make_session"),
            )

    def _check_person(self, person: str) -> None:
        with self._lock:
            mine = self.person = self.person or person
            unnamed = mine.startswith("?") and person.startswith("?")
            if unnamed:
                self.person = person
        name, key = plain(self._key[0]), self._key[1]
        if person != mine and not unnamed:
            raise UserMismatch(
                f"The account {key!r} at {name} belongs to another person now. Nothing was sent.",
                hint="A new session, auth or credential uses that person's account.",
            )
        if person != mine:
            warn(f"Someone signed in to {name} again, and {name} does not say who. Check the data.")

    def _renew_behind(self, now: float, margin: float) -> None:
        with self._lock:
            if self._renewing or now < self._renew_from:
                return
            self._renewing, self._renew_from = True, now + min(PAUSE, margin)
        # No daemon: a process that ends waits for it, so that a rotated refresh token is saved.
        thread = threading.Thread(
            target=self._renew, args=(margin,), name="jupyter_auth refresh", daemon=False
        )
        with suppress(RuntimeError):  # the interpreter is about to end
            thread.start()

    def _renew(self, margin: float) -> None:
        try:
            self._fetch(Need(margin), ask=False)
        except RefreshRejected as error:
            self._rejection = error  # for the request that needs a token when this one has ended
        except Exception as error:  # noqa: BLE001 (the old token works: a later try may do better)
            _log.debug("No new token for %s yet: %s", self, type(error).__name__)
        finally:
            self._renewing = False

    def _listen(self) -> None:
        with self._lock:
            if self._listening:
                return
            self._listening = True
        me = weakref.ref(self)

        def hear(news: Changes) -> None:
            if (tokens := me()) is not None:
                tokens.hear(news)

        weakref.finalize(self, self._watcher.listen(hear)).atexit = False

    def hear(self, news: Changes) -> None:
        """Drop the token if ``news`` concerns this account."""
        if news.reset or any(
            each.kind != "login" and (each.provider, each.session_key) == self._key
            for each in news.changes
        ):
            self.drop()


_all: weakref.WeakSet[CachedTokens] = weakref.WeakSet()


def _reconnected(provider: str, session_key: str, person: str, reach: str) -> CachedTokens:
    from jupyter_auth.kernel.broker.connect import connect

    return CachedTokens(connect(), provider, session_key, person=person, reach=reach)


def _after_fork() -> None:
    for tokens in list(_all):
        tokens.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
