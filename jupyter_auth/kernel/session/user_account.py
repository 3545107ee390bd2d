"""What a session asks of a person, and when: the decisions between it and its account."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import (
    AuthError,
    InsufficientScope,
    LoginExpired,
    LoginFailed,
    LoginRequired,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.tokens.next_steps import how_to_sign_in
from jupyter_auth.kernel.broker.connect import account_key
from jupyter_auth.kernel.http.token_cache import CachedTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.login.loopback_logins import LoopbackLogins
    from jupyter_auth.core.models import AccountInfo, Login, Logout
    from jupyter_auth.core.provider.provider import ProviderInfo
    from jupyter_auth.kernel.prompt.prompt import Prompt

NOT_REPORTED = frozenset({"offline_access"})  # some providers grant it without saying so


class UserAccountOptions(NamedTuple):
    """Which account a session wants, and how it may ask for it: arguments of ``UserSession``.

    ``person``: whose it has to be (``Account.person``), of a session that comes out of a pickle;
    ``password`` is in none.
    """

    session_key: str = "default"
    username: str | None = None
    scopes: tuple[str, ...] = ()
    grant: str | None = None
    interactive: bool | None = None
    timeout: float | None = 300
    person: str = ""
    password: Callable[[], str] | None = None


class UserAccount:
    """One session's account: signed in where it has to be, by whoever may be asked.

    ``tokens`` is its ``TokenSource``, which asks a person too where the account has ended. It is of
    one ``person`` from the sign-in on: another one's account is not used, whoever signs in under
    its key. ``moved`` is told of another session key.
    """

    def __init__(self, accounts: Accounts, info: ProviderInfo, wish: UserAccountOptions) -> None:
        self.info = info
        self.wish = wish
        self.key = account_key(accounts, info.name, wish.session_key, wish.username)
        self.moved: Callable[[str], None] | None = None
        self.tokens = CachedTokens(
            accounts,
            *(info.name, self.key.session_key),
            sign_in=self._account_ended,
            leave=self._interrupted,
            person=wish.person,
            reach=info.reach,
        )
        self._accounts = accounts
        self._left = False  # whether it was this session that signed out
        self._logins = 0
        self._pending: tuple[Login, Prompt] | None = None  # what a request waits for
        self._pid, self._asking = os.getpid(), threading.RLock()

    @property
    def client_id(self) -> None:
        """None: it is a person who signs in."""

    def account(self) -> AccountInfo | None:
        """Who is signed in; None also where it is another person than this session is for."""
        account = self._stored()
        if account is None or self.tokens.person not in {"", account.person}:
            return None
        if account.kind == "api_key" and account.username is None:  # it is whoever's set it
            from dataclasses import replace

            return replace(account, username=self.wish.username)
        return account

    def _stored(self) -> AccountInfo | None:
        return self._accounts.account(self.key)

    def id_token(self) -> str | None:
        """The ID token of the last login or refresh, where there is one."""
        if self.account() is None:
            return None
        found = self._accounts.id_token(self.key.provider, self.key.session_key)
        return found.reveal() if found else None

    def ensure(self, *, force: bool = False) -> None:
        """Return once the wished account is signed in. Raises what ``UserSession`` does."""
        self._left = False
        self._find_account()
        account, reason = (None, None) if force else self._signed_in()
        if account is None:
            # By force where somebody else is signed in there: the provider's own session would
            # sign the same one in again.
            self._ask(reason or self._nobody(), force=force or bool(self._others()))
        elif not self._is_wished(account):
            self._ask(self._somebody_else(account), force=True)
        elif missing := self._missing(account):
            self._ask(self._insufficient(missing, self._how()), granted=account.scopes)
        else:
            logins = self._logins
            self.tokens.bind(self.key.session_key, account.person)
            self.tokens.token()
            if logins == self._logins:
                self._say_who(account)
            return
        if account := self._stored():
            if not self._is_wished(account):  # who was faster than the one asked for
                raise self._another_person(account)
            self.tokens.bind(self.key.session_key, account.person)

    def _signed_in(self) -> tuple[AccountInfo | None, LoginRequired | None]:
        """The account, which may be signed in by whoever keeps it; or why that did not work."""
        account = self._stored()
        if account or not self.info.unattended:
            return account, None
        try:
            self._accounts.token(self.key.provider, self.key.session_key)
        except RefreshRejected as error:
            return None, error
        except LoginRequired:
            return None, None
        return self._stored(), None

    def log_out(self, *, revoke: bool) -> Logout:
        """Sign out, for every session of this account; another person's account is left alone."""
        from jupyter_auth.core.models import Logout

        self._left = True
        if self.account() is None and (other := self._stored()):
            who = other.username or "Someone else"
            return Logout(removed=False, revoked=False, note=f"{who} is signed in, and stays so.")
        outcome = self._accounts.logout(self.key.provider, self.key.session_key, revoke=revoke)
        self.tokens.drop()
        return outcome

    def _find_account(self) -> None:
        """The wished person's account may rest under another key by now."""
        wish = self.wish
        key = account_key(self._accounts, self.key.provider, wish.session_key, wish.username)
        if key != self.key:
            self.key = key
            self.tokens.bind(key.session_key, self.tokens.person)
            if self.moved:
                self.moved(key.session_key)

    def _others(self) -> list[str]:
        """Who else is signed in there, where somebody was wished for."""
        if self.wish.username is None:
            return []
        found = [x for x in self._accounts.accounts() if x.provider == self.key.provider]
        return [x.username or "Someone" for x in found if not self._is_wished(x)]

    def _is_wished(self, account: AccountInfo) -> bool:
        return self.wish.username is None or account.belongs_to(self.wish.username)

    def _account_ended(self, error: AuthError) -> None:
        """A request found it so: do as the constructor does, but not after a sign-out."""
        logins = self._logins
        with self._one_at_a_time():
            if logins != self._logins:  # while this thread waited for the one that asked
                return
            if self._left:
                raise LoginRequired(
                    f"You signed out of {self.info.title}.",
                    hint="`session.authenticate()` signs in again.",
                )
            if isinstance(error, UserMismatch):
                self._find_account()  # by now the person's own may be under another key
                if self._stored() is None:
                    self._ask(error, force=True)
            else:
                ended = isinstance(error, RefreshRejected) or self.account() is not None
                if self.tokens.used and not ended:
                    raise error  # somebody signed out elsewhere
                self._ask(error)
            if self.account() is None and (other := self._stored()):
                raise self._another_person(other)

    def _interrupted(self) -> None:
        """A request was, while another thread may wait for a person on its behalf."""
        pending, self._pending = self._pending, None
        if pending:
            login, prompt = pending
            self.tokens.used = False  # the next request asks again, nobody has signed out
            prompt.interrupted()  # before the thread that waits finds the login cancelled
            with suppress(AuthError):
                self._accounts.leave(login.id)

    def _ask(
        self, reason: AuthError, *, force: bool = False, granted: tuple[str, ...] = ()
    ) -> None:
        """Ask a person to sign in, and wait. Raises ``reason`` where nobody is to be asked."""
        from jupyter_auth.core.login.grants import TYPED
        from jupyter_auth.core.models import LoginRequest
        from jupyter_auth.kernel.prompt import terminal_forms
        from jupyter_auth.kernel.prompt.prompt import is_interactive

        interactive, password = self.wish.interactive, self.wish.password
        if not (password or (is_interactive() if interactive is None else interactive)):
            raise reason
        wanted = self.wish.scopes or (self.info.scopes if granted else ())
        request = LoginRequest(
            self.key.provider,
            self.key.session_key,
            username=self.wish.username,
            scopes=tuple(dict.fromkeys((*granted, *wanted))) if wanted else (),
            force=force,
            grant="password" if password else self.wish.grant,
        )
        login = self._accounts.begin(request)
        local = None if login.has_page else self._accounts.local
        if local and password:
            terminal_forms.sign_in_as(local, login, self.wish.username or "", password)
        elif local and login.grant in TYPED:
            terminal_forms.sign_in(self._accounts, local, login, self.info)
        else:
            self._wait(login, local)
        self.tokens.drop()
        self._logins += 1
        account = self._stored()
        if account and (missing := self._missing(account)):
            raise self._insufficient(missing, "The provider did not grant them.")

    def _wait(self, login: Login, local: LoopbackLogins | None) -> None:
        """Show the login, and wait until somebody has finished it elsewhere."""
        from dataclasses import replace

        from jupyter_auth.kernel.prompt.prompt import browser_here, comes_back, show_prompt
        from jupyter_auth.kernel.prompt.wait import wait_for_login

        elsewhere, redirect, link = False, "", None
        if local:
            if comes_back(login):
                elsewhere, redirect = not browser_here(), self._redirect(local, login)
            if elsewhere:  # no page of ours can be reached from there: straight to the provider
                login = replace(login, url=local.depart(login.id))
            else:
                link = local.another_link(login)
        try:
            prompt = show_prompt(login, self.info, paste=elsewhere, redirect=redirect, link=link)
            if local and elsewhere:
                _take_address(local, login)
        except BaseException:  # an interrupt that came early
            self._accounts.leave(login.id)
            raise
        self._pending = login, prompt
        try:
            wait_for_login(self._accounts, login, self.wish.timeout, prompt)
        finally:
            self._pending = None

    def _redirect(self, local: LoopbackLogins, login: Login) -> str:
        from jupyter_auth.kernel.prompt.prompt import redirect_words

        uri = local.redirect_uri(login.id)
        fixed = uri == local.configured(login.provider).redirect_uri
        return redirect_words(uri, self.info.title, fixed=fixed)

    def _one_at_a_time(self) -> threading.RLock:
        if self._pid != os.getpid():  # a thread of the parent process may hold it for ever here
            self._pid, self._asking = os.getpid(), threading.RLock()
        return self._asking

    def _missing(self, account: AccountInfo) -> tuple[str, ...]:
        """The scopes that it has to be asked for. A key has none.

        Those of the session have to be granted, those of the provider's configuration only asked
        for: a provider may grant fewer.
        """
        if account.kind == "api_key":
            return ()
        known = {*account.scopes, *NOT_REPORTED}
        wanted = self.wish.scopes
        if not wanted and account.asked:
            known.update(account.asked)
            wanted = self.info.scopes
        return tuple(scope for scope in wanted if scope not in known)

    def _insufficient(self, missing: tuple[str, ...], hint: str) -> InsufficientScope:
        message = f"The sign-in to {self.info.title} lacks the scopes {' '.join(missing)}."
        return InsufficientScope(message, hint=hint, scopes=missing)

    def _nobody(self) -> LoginRequired:
        if others := self._others():
            return LoginRequired(
                f"{self.wish.username} is not signed in to {self.info.title};"
                f" {', '.join(others)} is.",
                hint=self._how(),
            )
        return LoginRequired(f"Nobody is signed in to {self.info.title}.", hint=self._how())

    def _somebody_else(self, account: AccountInfo) -> LoginRequired:
        who = account.username or "Someone else"
        return LoginRequired(
            f"{who} is signed in to {self.info.title}, not {self.wish.username}.",
            hint=self._how(),
        )

    def _another_person(self, account: AccountInfo) -> UserMismatch:
        who = account.username or "Someone else"
        return UserMismatch(
            f"{who} has signed in to {self.info.title} since this session was made for another"
            " person. Nothing was sent.",
            hint="`session.authenticate()` goes on with that account; a session with `username=`"
            " keeps to one person.",
        )

    def _how(self) -> str:
        return how_to_sign_in(self.key)

    def _say_who(self, account: AccountInfo) -> None:
        who = f" as {account.username}" if account.username else ""
        since = datetime.fromtimestamp(account.signed_in_at, UTC).astimezone()
        key = (
            "" if self.wish.session_key == "default" else f", session_key={self.key.session_key!r}"
        )
        print(  # noqa: T201 (one line for the person: DESIGN 4)
            f"Signed in to {self.info.title}{who} since {since:%Y-%m-%d %H:%M}. "
            f"Somebody else: UserSession({plain(self.key.provider)!r}{key}, auth_force=True)"
        )


def _take_address(local: LoopbackLogins, login: Login) -> None:
    """The browser is on another machine: its last address is brought here by hand."""
    from jupyter_auth.kernel.prompt.prompt import ask_for_address

    while address := ask_for_address():
        try:
            local.paste(login.id, address)
        except (LoginFailed, LoginExpired) as error:
            print(error)  # noqa: T201 (for the person who pasted)
        else:
            return
