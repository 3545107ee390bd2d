"""One account's token in memory, for requests."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginRequired,
    NextStep,
    UserMismatch,
)
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.single_flight import SingleFlight
from jupyter_auth.kernel.broker.connect import check_resource, connect
from jupyter_auth.kernel.broker.watcher import watcher_of
from jupyter_auth.kernel.http.warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Challenge, Changes, Token

PAUSE = 30.0  # seconds between tries to get a new token while the old one still works

_log = logging.getLogger("jupyter_auth")


class CachedTokens:
    """``TokenSource`` for one account, which keeps the token until the account changes.

    ``resource``: the API that the tokens are for; empty for the provider's own.

    A token near its expiry is still returned, while one thread fetches the next.

    ``sign_in`` is called when a new sign-in is needed, and raises or returns after it;
    ``step_up`` when an API demands one; ``leave`` when the caller is interrupted meanwhile.
    ``get`` replaces ``accounts.token``, for service
    accounts. ``person`` is whose tokens these are (``Account.person``), by default the first
    one's. ``reach`` is the provider's, as the caller knows it (``Provider.reach``).

    Raises:
        UserMismatch: the account is another person's now.
        ConfigurationError: the provider's ``reach`` has changed.
    """

    def __init__(
        self,
        accounts: Accounts,
        provider: str,
        session_key: str = "default",
        *,
        clock: Callable[[], float] = time.time,
        sign_in: Callable[[AuthError], None] | None = None,
        step_up: Callable[[Token, Challenge], None] | None = None,
        leave: Callable[[], None] | None = None,
        get: Callable[[str, str, Need], Token] | None = None,
        person: str = "",
        reach: str = "",
        resource: str = "",
    ) -> None:
        self.resource = resource
        self._common = _Common(person)
        self._common.of[resource] = self
        self._reach = reach
        self._asks = accounts.token if get is None else get
        self._made_by_name = get is None
        self._watcher = watcher_of(accounts)
        self._key = (provider, session_key)
        self._clock = clock
        self._sign_in = None if sign_in is None else weakref.WeakMethod(sign_in)
        self._step_up = None if step_up is None else weakref.WeakMethod(step_up)
        self._leave = None if leave is None else weakref.WeakMethod(leave)
        self.used = False  # whether there was a token since the last interrupted sign-in
        self.reset()
        _all.add(self)

    def __repr__(self) -> str:
        return f"<AccountTokens of {plain(self._key[0])!r}, {self._key[1]!r}>"

    @property
    def account(self) -> tuple[str, str]:
        """Its provider and session key."""
        return self._key

    def __reduce__(self) -> tuple[object, ...]:
        if not self._made_by_name:
            raise TypeError("These tokens are not pickled: pickle their session.")
        return _reconnected, (*self._key, self.person, self._reach, self.resource)

    def of(self, resource: str) -> CachedTokens:
        """The same account's tokens for another API: they are of one person."""
        if found := self._common.of.get(resource):
            return found
        other = CachedTokens.__new__(CachedTokens)
        vars(other).update(vars(self), resource=resource)
        other.reset()
        _all.add(other)
        return self._common.of.setdefault(resource, other)

    @property
    def person(self) -> str:
        """Whose they are (``Account.person``); empty before the first one."""
        return self._common.person

    def reset(self) -> None:
        """Start empty, also in a forked child, which has none of its parent's threads."""
        self._lock = threading.Lock()
        self._flights: SingleFlight[Token] = SingleFlight()
        self._held: tuple[Token, float, float] | None = None  # refresh from, expires at
        self._drops = 0
        self._futile: set[Challenge] = set()  # demands that a sign-in did not meet
        self._listening = self._renewing = False
        self._renew_from = -math.inf

    @property
    def held(self) -> Token | None:
        """The token in memory, valid or expired."""
        return self._held[0] if self._held else None

    def token(self, min_valid: float = 0.0) -> Token:
        """As ``TokenSource.token``, from memory while that is valid."""
        held = self._held
        if held is not None:
            now = self._clock()
            if now + min_valid < held[2]:
                if now >= held[1]:
                    self._renew_behind(now, held[2] - held[1])
                return held[0]
        return self._fetch(Need(min_valid, resource=self.resource), ask=True)

    def rejected(self, token: Token, claims: str = "") -> Token:
        """As ``TokenSource.rejected``; the token is not returned again."""
        need = Need(rejected=token.digest, resource=self.resource, claims=claims)
        return self._fetch(need, ask=True)

    def meeting(self, token: Token, demand: Challenge) -> Iterator[Token]:
        """Tokens that may meet what an API demands, each tried once it refused the one before.

        The first is of another thread's sign-in, if there was one; for claims, the next is renewed
        without asking; the last comes after a sign-in. A sign-in that did not help is not asked for
        again, and neither is one for scopes that there are.

        Raises:
            InsufficientScope, LoginRequired: a person has to sign in, and cannot be asked.
        """
        if fresh := self.newer(token, demand):
            yield (token := fresh)
        if demand.claims:
            fresh = self._renewed_with(demand.claims, token)
            if fresh and fresh.digest != token.digest:
                yield (token := fresh)
        kind = replace(demand, claims="…" if demand.claims else "")  # they may have a time in them
        lacking = {*demand.scopes} - {*token.scopes}
        more = lacking or demand.claims or demand.acr_values or demand.max_age
        if self._made_by_name and more and kind not in self._futile:
            yield self._shared(kind, lambda: self._stepped_up(token, demand))
            self._futile.add(kind)

    def newer(self, token: Token, demand: Challenge) -> Token | None:
        """Another token than the refused one, with the scopes that are demanded; else None."""
        fresh = self._get(Need(resource=self.resource))
        enough = {*demand.scopes} <= {*fresh.scopes}
        return fresh if enough and fresh.digest != token.digest else None

    def _renewed_with(self, claims: str, token: Token) -> Token | None:
        """A token that is renewed with those claims; None if a person has to sign in for them."""
        need = Need(rejected=token.digest, resource=self.resource, claims=claims)
        try:
            return self._fetch(need, ask=False)
        except LoginRequired:
            return None

    def _stepped_up(self, token: Token, demand: Challenge) -> Token:
        step_up = self._step_up and self._step_up()
        if not step_up:
            from jupyter_auth.core.models import AccountKey
            from jupyter_auth.core.tokens.next_steps import sign_in_demanded

            scopes = dict.fromkeys((*token.scopes, *demand.scopes))
            raise sign_in_demanded(AccountKey(*self._key), demand, tuple(scopes))
        step_up(token, demand)
        return self._get(Need(resource=self.resource))

    def bind(self, session_key: str, person: str) -> None:
        """From now on use this person's account, under that key."""
        if (session_key, person) != (self._key[1], self.person):
            self._common.person = person
            for each in list(self._common.of.values()):
                each._key = (self._key[0], session_key)  # noqa: SLF001
            self.drop()

    def drop(self) -> None:
        """Forget the account's tokens, so that the next call asks for one."""
        for each in list(self._common.of.values()):
            each._drop()  # noqa: SLF001

    def _drop(self) -> None:
        with self._lock:
            self._drops += 1
            self._held = None
            self._renew_from = -math.inf

    def _fetch(self, need: Need, *, ask: bool) -> Token:
        self._listen()
        return self._shared((need, ask), lambda: self._ask(need, ask=ask))

    def _shared(self, key: Hashable, call: Callable[[], Token]) -> Token:
        """The result of ``call``, or of another thread's with that key."""
        try:
            return self._flights.run(key, call)[0]
        except KeyboardInterrupt:  # in this thread, while another one may wait for a sign-in
            if leave := self._leave and self._leave():
                leave()
            self._flights = SingleFlight()  # the next request does not join what is given up
            raise

    def _ask(self, need: Need, *, ask: bool) -> Token:
        held = self._held  # another thread may just have fetched it
        if held and need.rejected != held[0].digest and self._clock() + need.min_valid < held[2]:
            return held[0]
        try:
            return self._get(need)
        except (LoginRequired, UserMismatch) as error:
            sign_in = self._sign_in and self._sign_in()
            if not ask or not sign_in:
                raise
            reason = error
        sign_in(reason)
        return self._get(Need(resource=self.resource))

    def _get(self, need: Need) -> Token:
        drops = self._drops
        token = self._asks(*self._key, need)
        check_resource(token, self.resource)
        self._check_reach(token.reach)
        if self._made_by_name:
            self._check_person(token.person)
        expires = math.inf if token.expires_at is None else token.expires_at
        with self._lock:
            self.used = True
            if drops == self._drops:  # else it is from before a change
                self._held = (token, min(expires, token.refresh_at or expires), expires)
        return token

    def _check_reach(self, reach: str) -> None:
        """SECURITY 15: the account is bound to the provider as this process knows it."""
        if self._reach and reach and reach != self._reach:
            raise ConfigurationError(
                f"The addresses of {plain(self._key[0])!r} have changed. Nothing was sent.",
                next_step=NextStep("make_session"),
            )

    def _check_person(self, person: str) -> None:
        with self._lock:
            mine = self._common.person = self.person or person
            if one := may_be_one(mine, person):
                self._common.person = person
        name, key = plain(self._key[0]), self._key[1]
        if not one:
            raise UserMismatch(
                f"The account {key!r} at {name} belongs to another person now. Nothing was sent.",
                hint="A new session, auth or credential uses that person's account.",
            )
        if person != mine:
            warn(f"There was a new sign-in to {name}, which does not say whose. Check the data.")

    def _renew_behind(self, now: float, margin: float) -> None:
        with self._lock:
            if self._renewing or now < self._renew_from:
                return
            self._renewing, self._renew_from = True, now + min(PAUSE, margin)
        # No daemon: the process waits for it at exit, so that a rotated refresh token is saved.
        thread = threading.Thread(
            target=self._renew, args=(margin,), name="jupyter_auth refresh", daemon=False
        )
        with suppress(RuntimeError):  # the interpreter is about to end
            thread.start()

    def _renew(self, margin: float) -> None:
        try:
            self._fetch(Need(margin, resource=self.resource), ask=False)
        except Exception as error:  # noqa: BLE001 (the old token works, and this is tried again)
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


class _Common:
    """What one account's tokens for several APIs have in common: its person, and each other."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.of: weakref.WeakValueDictionary[str, CachedTokens] = weakref.WeakValueDictionary()


_all: weakref.WeakSet[CachedTokens] = weakref.WeakSet()


def may_be_one(person: str, other: str) -> bool:
    """Whether two sign-ins (``Account.person``) may be of one person: of some providers, nobody
    can tell who signed in.
    """
    return person == other or person[:1] == other[:1] == "?"


def _reconnected(
    provider: str, session_key: str, person: str, reach: str, resource: str = ""
) -> CachedTokens:
    names = (provider, session_key)
    return CachedTokens(connect(), *names, person=person, reach=reach, resource=resource)


def _after_fork() -> None:
    for tokens in list(_all):
        tokens.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
