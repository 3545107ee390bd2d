"""A user's account as a session sees it: when to sign in, and as whom."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import (
    ConsentRequired,
    InsufficientScope,
    LoginRequired,
    NextStep,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.next_steps import how_to_sign_in, sign_in_demanded
from jupyter_auth.kernel.broker.connect import account_key
from jupyter_auth.kernel.http.token_cache import CachedTokens, may_be_one
from jupyter_auth.kernel.session.sign_in import SignIn, UserAccountOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountInfo, Challenge, LoginRequest, Logout, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.kernel.prompt.widget import AccountWidget

_known: set[tuple[object, ...]] = set()  # accounts that the person here was told of


class UserAccount:
    """One session's account, signed in when that is needed.

    ``tokens`` is its ``TokenSource``, which also asks the user to sign in once the account has
    ended. From the sign-in on it belongs to one person: the account of another one who signs in
    under the same key is not used. ``moved`` is called with a new session key.
    """

    def __init__(self, accounts: Accounts, info: ProviderInfo, options: UserAccountOptions) -> None:
        self.info = info
        self.options = options
        self.key = account_key(accounts, info.name, options.session_key, options.username)
        self.moved: Callable[[str], None] | None = None
        self.tokens = CachedTokens(
            accounts,
            *(info.name, self.key.session_key),
            sign_in=self._account_ended,
            step_up=self._demanded,
            leave=self._interrupted,
            person=options.person,
            reach=info.reach,
            resource=options.resource,
        )
        self._accounts = accounts
        self._left = False  # whether this session signed out
        self._logins = 0
        self._sign_in = SignIn(accounts, info, options)
        self._pid, self._asking = os.getpid(), threading.RLock()

    @property
    def client_id(self) -> None:
        """None: only a service account's calls are counted by client."""

    def current(self) -> AccountInfo | None:
        """Who is signed in; None if that is another person than this session's."""
        account = self._stored()
        if account is None or not may_be_one(self.tokens.person or account.person, account.person):
            return None
        if (held := self.tokens.held) and held.resource:
            account = replace(account, scopes=held.scopes, expires_at=held.expires_at)
        if account.kind == "api_key" and account.username is None:  # taken at its word
            return replace(account, username=self.options.username)
        return account

    def _stored(self) -> AccountInfo | None:
        return self._accounts.account(self.key)

    def id_token(self) -> str | None:
        """The ID token of the last sign-in or refresh, if any."""
        if self.current() is None:
            return None
        found = self._accounts.id_token(self.key.provider, self.key.session_key)
        return found.reveal() if found else None

    def ensure(self, *, force: bool = False) -> None:
        """Return once the account is signed in. Raises what ``UserSession`` does."""
        self._left, self._sign_in.refused = False, None
        self._find_account()
        since = _when(self._stored())
        account, reason = (None, None) if force else self._signed_in()
        if account is None:
            # By force where another user is signed in there: the provider's session would sign
            # the same one in again.
            again = force or bool(self._others())
            self._ask(reason or self._not_signed_in(), since=since, force=again)
        elif not self._is_wanted(account):
            who = account.username or "Someone else"
            message = f"{who} is signed in to {self.info.title}, not {self.options.username}."
            reason = LoginRequired(message, next_step=how_to_sign_in(self.key))
            self._ask(reason, since=since, force=True)
        elif missing := self._missing(account):
            reason = self._insufficient(missing, next_step=how_to_sign_in(self.key))
            self._ask(reason, since=since, granted=account.scopes)
        else:
            logins = self._logins
            self.tokens.bind(self.key.session_key, account.person)
            self.tokens.token()
            if logins == self._logins:
                self._say_who(account)
            return
        if account := self._stored():
            if not self._is_wanted(account):  # another user was faster
                raise self._another_person(account)
            self.tokens.bind(self.key.session_key, account.person)

    def _signed_in(self) -> tuple[AccountInfo | None, LoginRequired | None]:
        """The account, signed in unattended where the broker can; or why that failed."""
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
        """Sign out, for every session of this account; never of another person's."""
        from jupyter_auth.core.models import Logout

        self._left = True
        if self.current() is None and (other := self._stored()):
            who = other.username or "Someone else"
            return Logout(removed=False, revoked=False, note=f"{who} stays signed in.")
        outcome = self._accounts.logout(self.key.provider, self.key.session_key, revoke=revoke)
        self.tokens.drop()
        return outcome

    def _find_account(self) -> None:
        """Use the key under which the user's account is kept now."""
        options = self.options
        key = account_key(self._accounts, self.key.provider, options.session_key, options.username)
        if key != self.key:
            self.key = key
            self.tokens.bind(key.session_key, self.tokens.person)
            if self.moved:
                self.moved(key.session_key)

    def _others(self) -> list[str]:
        """The other users who are signed in there, where ``username`` is given."""
        if self.options.username is None:
            return []
        found = [x for x in self._accounts.accounts() if x.provider == self.key.provider]
        return [x.username or "Someone" for x in found if not self._is_wanted(x)]

    def _is_wanted(self, account: AccountInfo) -> bool:
        return self.options.username is None or account.belongs_to(self.options.username)

    def _account_ended(self, error: AuthError) -> None:
        """On a request: ask as the constructor does, but not after a sign-out."""
        logins, since = self._logins, _when(self._stored())
        with self._one_at_a_time():
            if logins != self._logins:  # another thread asked meanwhile
                return
            self._check_not_left()
            if isinstance(error, UserMismatch):
                self._find_account()
                if self._stored() is None:
                    self._ask(error, since=since, force=True)
            else:
                ended = isinstance(error, RefreshRejected) or self.current() is not None
                if self.tokens.used and not ended:
                    raise error  # signed out elsewhere
                self._ask(error, since=since)
            if self.current() is None and (other := self._stored()):
                raise self._another_person(other)

    def _demanded(self, token: Token, demand: Challenge) -> None:
        """On a request: ask for the sign-in that an API demands, with the scopes there are."""
        since = _when(self._stored())
        with self._one_at_a_time():
            self._check_not_left()
            if self.tokens.of(token.resource).newer(token, demand):  # of another thread's
                return
            account = self._stored()
            there = (account.asked or account.scopes) if account else ()
            there = token.scopes if token.resource else there
            scopes = tuple(dict.fromkeys((*there, *demand.scopes)))
            reason = sign_in_demanded(self.key, demand, scopes)
            self._ask(reason, token.resource, since=since, granted=scopes, demand=demand)
            if self.current() is None and (other := self._stored()):
                raise self._another_person(other)

    def _check_not_left(self) -> None:
        if self._left:
            raise LoginRequired(
                f"You signed out of {self.info.title}.",
                hint="`session.authenticate()` signs in again.",
            )

    def _interrupted(self) -> None:
        """Give up the sign-in that an interrupted request waited for, perhaps in another thread."""
        if self._sign_in.leave():
            self.tokens.used = False  # the next request asks again: nobody has signed out

    def _ask(
        self,
        reason: AuthError,
        resource: str = "",
        *,
        since: float = 0.0,
        force: bool = False,
        granted: tuple[str, ...] = (),
        demand: Challenge | None = None,
    ) -> None:
        """Ask the user to sign in, and wait. Raises ``reason`` where that cannot be asked.

        Nothing is asked if another thread's sign-in has come ``since`` (UTC seconds) and will do.
        ``demand``: what an API wants of it; ``resource``: which, by default the session's.
        """
        from jupyter_auth.core.models import NO_CHALLENGE, LoginRequest
        from jupyter_auth.kernel.prompt.front_end import in_voila
        from jupyter_auth.kernel.prompt.person import tell

        password = self.options.password
        if not (password or self._is_attended()):
            raise reason
        if isinstance(reason, ConsentRequired):
            self._sign_in.ask_consent(reason, self.key)
            self.tokens.drop()
            self._logins += 1
            return
        if isinstance(reason, RefreshRejected):
            tell(reason.message)  # why there is a link again
        resource = resource or getattr(reason, "resource", "") or self.options.resource
        own = () if resource else self.info.scopes  # of the API that needs no name
        wanted = self.options.scopes or ((own or granted) if granted else ())
        if resource != self.options.resource:  # then they are another API's
            wanted = granted
        request = LoginRequest(
            self.key.provider,
            self.key.session_key,
            username=self.options.username,
            scopes=tuple(dict.fromkeys((*granted, *wanted))),
            force=force,
            grant="password" if password else self.options.grant,
            challenge=demand or NO_CHALLENGE,
            resource=resource,
        )
        if in_voila():
            self._show_button(reason, request)
        self._sign_in.run(request, done=lambda: self._has_come(since, request))
        self.tokens.drop()
        self._logins += 1
        account = self.current()
        if account and self.tokens.person:  # also where nobody can tell whose the new one is
            self.tokens.bind(self.key.session_key, account.person)
        if account and (missing := self._missing(account)):
            raise self._insufficient(missing, hint="The provider did not grant them.")
        if account:  # which the prompt has said
            self._note(account)

    def _is_attended(self) -> bool:
        """Whether a person is there to sign in, as far as the session does not say it."""
        from jupyter_auth.kernel.prompt.front_end import is_interactive

        interactive = self.options.interactive
        return is_interactive() if interactive is None else interactive

    def _note(self, account: AccountInfo) -> bool:
        """Note that the person knows who is signed in; returns whether that is new."""
        known = (self.key, account.person, account.username)
        new = known not in _known
        _known.add(known)
        return new

    def _has_come(self, since: float, request: LoginRequest) -> bool:
        account = self._stored()
        if account is None or account.signed_in_at <= since:
            return False
        if not (request.resource or {*request.challenge.scopes} <= {*account.scopes}):
            return False
        return self._is_wanted(account) and not self._missing(account)

    def _show_button(self, reason: AuthError, request: LoginRequest) -> NoReturn:
        """Show the widget and raise: Voila shows it once the cell is done."""
        from IPython.display import display

        from jupyter_auth.kernel.prompt.person import tell

        stored = self._stored()
        lasts = stored is not None and not stored.over(time.time())  # else it begins by itself
        asked = replace(request, force=request.force or lasts)
        display(self.widget(asked))  # type: ignore[no-untyped-call]
        hint = "Sign in with the button above, then reload this page."
        tell(hint)  # Voila shows no error's text
        raise LoginRequired(reason.message, hint=hint)

    def widget(self, request: LoginRequest | None = None) -> AccountWidget:
        """The account's widget, with this session's options. It begins ``request``, if any."""
        from jupyter_auth.kernel.prompt.widget import AccountWidget

        options = self.options
        return AccountWidget(
            self.key.provider,  # its name may mean another one by now
            self.key.session_key,
            username=options.username,
            scopes=(request.scopes if request else options.scopes) or None,
            grant=options.grant,
            force=request is not None and request.force,
            challenge=request.challenge if request else None,
            begin=request is not None,
        )

    def _one_at_a_time(self) -> threading.RLock:
        if self._pid != os.getpid():  # a fork: a thread of the parent may hold it for ever
            self._pid, self._asking = os.getpid(), threading.RLock()
        return self._asking

    def _missing(self, account: AccountInfo) -> tuple[str, ...]:
        """The scopes to ask for.

        The session's have to be granted, those of the provider's configuration only asked for: a
        provider may grant fewer.
        """
        if account.kind == "api_key" or self.options.resource:  # whose scopes are not listed
            return ()
        wanted = self.options.scopes
        if not wanted and account.asked:
            wanted = tuple(scope for scope in self.info.scopes if scope not in account.asked)
        return account.lacks(wanted)

    def _insufficient(
        self, missing: tuple[str, ...], *, hint: str = "", next_step: NextStep | None = None
    ) -> InsufficientScope:
        message = f"The sign-in to {self.info.title} lacks the scopes {' '.join(missing)}."
        return InsufficientScope(message, hint=hint, next_step=next_step, scopes=missing)

    def _not_signed_in(self) -> LoginRequired:
        message = f"You're not signed in to {self.info.title}."
        if others := ", ".join(self._others()):
            message = f"{self.options.username} is not signed in to {self.info.title}; {others} is."
        step = how_to_sign_in(self.key)
        if self.info.to_fill_in:
            step = step._replace(options=self.info.to_fill_in)
        return LoginRequired(message, next_step=step)

    def _another_person(self, account: AccountInfo) -> UserMismatch:
        who = account.username or "Someone else"
        return UserMismatch(
            f"{who} has signed in to {self.info.title} since this session was made for another"
            " person. Nothing was sent.",
            hint="`session.authenticate()` goes on with that account; a session with `username=`"
            " keeps to one person.",
        )

    def _say_who(self, account: AccountInfo) -> None:
        """Tell a person who is signed in, once for each account in this process."""
        from jupyter_auth.kernel.prompt.person import tell

        if not (self._is_attended() and self._note(account)):
            return
        who = f" as {account.username}" if account.username else ""
        default = self.options.session_key == "default"
        key = "" if default else f", session_key={self.key.session_key!r}"
        again = f"UserSession({plain(self.key.provider)!r}{key}, auth_force=True)"
        tell(f"Signed in to {self.info.title}{who}. Not you? {again}")


def _when(account: AccountInfo | None) -> float:
    """When it was signed in, in UTC seconds; 0 before any sign-in."""
    return account.signed_in_at if account else 0.0
