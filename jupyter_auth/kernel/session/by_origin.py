"""Which account signs a request of a session that names no provider: by the URL's origin."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from requests.utils import default_headers

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.urls import reaching
from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError, NextStep
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.broker.watcher import watcher_of
from jupyter_auth.kernel.session.bound_account import BoundAccount, bound
from jupyter_auth.kernel.session.user_account import UserAccount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requests import PreparedRequest

    from jupyter_auth.core.models import AccountKey, Changes, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.kernel.session.sign_in import UserAccountOptions

SAFE = frozenset(
    {"GET", "HEAD"}
)  # what an API may make an account do at another one (RFC 9110 9.2.1)


class ByOrigin:
    """The accounts of one session, each chosen by the origin of a request's URL.

    ``options`` are the session's. Its ``session_key`` chooses among several accounts, but for the
    default one, which leaves the choice open. ``used``: the accounts that it has used already.

    As a ``TokenSource`` it is the account that is ``meant``.
    """

    def __init__(
        self,
        options: UserAccountOptions,
        used: Iterable[tuple[ProviderInfo, UserAccountOptions]] = (),
    ) -> None:
        self._options = options
        self._used: dict[AccountKey, BoundAccount[UserAccount]] = {}
        self._at: dict[str, BoundAccount[UserAccount]] = {}  # by the beginning of a URL
        self._pid = 0  # of the process that listens for changes
        for info, each in used:
            self._use(info, each)

    def __reduce__(self) -> tuple[Any, ...]:
        accounts = [each.account for each in self.used]
        used = [(x.info, x.options._replace(person=x.tokens.person)) for x in accounts]
        return ByOrigin, (self._options, used)

    @property
    def used(self) -> list[BoundAccount[UserAccount]]:
        """The accounts that it has used."""
        return list(self._used.values())

    def sign(self, request: PreparedRequest, *, redirected: bool) -> None:
        """Add the token of the account of its origin; asks for a sign-in if that is needed.

        A request that an API has ``redirected`` is signed only if it is a safe one, and for an
        account that is signed in: an API must not act in another one's name.

        Raises:
            ConfigurationError: there are several accounts for it.
            LoginRequired: a sign-in is needed, and cannot be asked for.
        """
        if redirected and request.method not in SAFE:
            return
        chosen = self._chosen(request.url or "", ask=not redirected)
        if chosen is None:
            return
        for name, value in chosen.account.info.api_headers.items():
            if request.headers.get(name) == _DEFAULTS.get(name):
                request.headers[name] = value
        chosen.auth.sign(request)

    def token(self, min_valid: float = 0.0) -> Token:
        """As ``TokenSource.token``."""
        return self.meant().account.tokens.token(min_valid)

    def rejected(self, token: Token, claims: str = "") -> Token:
        """As ``TokenSource.rejected``."""
        return self.meant().account.tokens.rejected(token, claims)

    def meant(self) -> BoundAccount[UserAccount]:
        """The account that a property is about: the only one used so far, else the only one there.

        Raises:
            ConfigurationError: there are several, or none.
        """
        if len(self._used) == 1:
            return self.used[0]
        known = {each.name: each for each in connect().providers() if each.source != "code"}
        keys = sorted(self._used) or [key for key in self._signed_in() if key.provider in known]
        if not keys:
            raise ConfigurationError(
                "This session has used no account yet, and you're not signed in anywhere.",
                next_step=NextStep("name_or_add_provider", "github"),
            )
        if len(keys) > 1:
            names = ", ".join(map(str, keys))
            raise ConfigurationError(
                f"This session has several accounts: {names}. Name the one you mean.",
                hint=_lines(keys),
            )
        return self._use(known[keys[0].provider], self._options_for(keys[0]))

    def no_account_at(self, url: str) -> str:
        """Why no token was sent there, and what to do."""
        try:
            known, signed_in = self._known(url)
            mine = ", ".join(map(str, self._signed_in()))
        except BrokerUnavailable as error:
            return f"It did not get a token. {error}"
        if len(signed_in) > 1:
            return f"It did not get a token: you have several accounts for it. {_lines(signed_in)}"
        if signed_in:
            return (
                "It did not get a token, since an API's response led there. If you trust"
                " that, send it there yourself."
            )
        none = f"none of your accounts ({mine}) is for it" if mine else "you're not signed in"
        if known:
            return f"It did not get a token: {none}. {_lines(map(_default_key, known))} signs in."
        place = _beginning(url).rstrip("/")
        return (
            f"It did not get a token: {none}. `UserSession({place!r})` signs in from the API's"
            " address alone; or add it to `api_origins` in a provider's configuration."
        )

    def _chosen(self, url: str, *, ask: bool) -> BoundAccount[UserAccount] | None:
        """The account for that URL. Unless it may ``ask``, only one that is signed in."""
        if self._pid != os.getpid():
            self._listen()
        before, beginning = self._at, _beginning(url)
        if beginning in before:
            return before[beginning]
        try:
            known, signed_in = self._known(url)
        except BrokerUnavailable:
            return None  # a page that needs no account is still there
        configured = [each for each in known if known[each].source != "preset"]
        keys = signed_in or [_default_key(each, self._options.session_key) for each in configured]
        if not keys or not (ask or signed_in):
            return None
        if len(keys) > 1:
            if not ask:
                return None
            origin = beginning.rstrip("/")
            several = "Several accounts are signed in for"
            if not signed_in:
                several = "Several providers are configured for"
            raise ConfigurationError(
                f"{several} {origin}: {', '.join(map(str, keys))}.", hint=_lines(keys)
            )
        chosen = self._use(known[keys[0].provider], self._options_for(keys[0]))
        if signed_in:
            before[beginning] = chosen  # of no effect if there was a change meanwhile
        return chosen

    def _known(self, url: str) -> tuple[dict[str, ProviderInfo], list[AccountKey]]:
        """The providers whose API is there, and their accounts that are signed in.

        One that was made in code has its own sessions: the code of another notebook does not choose
        what this one sends.
        """
        found = {
            each.name: each
            for each in connect().providers()
            if each.source != "code" and reaching(each.all_origins).match(url)
        }
        return found, [key for key in self._signed_in() if key.provider in found] if found else []

    def _signed_in(self) -> list[AccountKey]:
        wanted = self._options.session_key
        keys = (each.key for each in connect().accounts())
        return sorted(key for key in keys if wanted in {DEFAULT_KEY, key.session_key})

    def _options_for(self, key: AccountKey) -> UserAccountOptions:
        return self._options._replace(session_key=key.session_key)

    def _use(self, info: ProviderInfo, options: UserAccountOptions) -> BoundAccount[UserAccount]:
        key = _default_key(info.name, options.session_key)
        if key not in self._used:
            account = UserAccount(connect(), info, options)
            made = bound(account)
            account.moved = made.limits.move
            self._used.setdefault(key, made)  # another thread may have been faster
        return self._used[key]

    def _listen(self) -> None:
        """Choose again after each change of accounts, in this process."""
        self._pid, self._at = os.getpid(), {}
        me = weakref.ref(self)

        def hear(news: Changes) -> None:
            if (by_origin := me()) and (
                news.reset or any(each.kind in {"account", "removed"} for each in news.changes)
            ):
                by_origin._at = {}  # noqa: SLF001

        weakref.finalize(self, watcher_of(connect()).listen(hear)).atexit = False


_DEFAULTS = default_headers()


def _beginning(url: str) -> str:
    """Scheme, host and port of ``url``, with the slash after them."""
    return "/".join(url.split("/", 3)[:3]) + "/"


def _default_key(provider: str, session_key: str = DEFAULT_KEY) -> AccountKey:
    from jupyter_auth.core.models import AccountKey

    return AccountKey(provider, session_key)


def _lines(keys: Iterable[AccountKey]) -> str:
    return " or ".join(map(code_for, keys))


def code_for(key: AccountKey, more: str = "") -> str:
    """The code for a session of that account, with ``more`` arguments."""
    label = "" if key.session_key == DEFAULT_KEY else f"session_key={key.session_key!r}"
    return f"`UserSession({', '.join(filter(None, (repr(plain(key.provider)), label, more)))})`"
