"""Asks the person to sign in, once for all threads that ask for the same."""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.errors import (
    AuthError,
    ConsentRequired,
    LoginCancelled,
    LoginExpired,
    LoginFailed,
    LoginRequired,
)
from jupyter_auth.core.record import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.login.loopback.logins import LoopbackLogins
    from jupyter_auth.core.models import AccountKey, Login, LoginRequest
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.kernel.prompt.prompt import Prompt

_under_way: dict[Hashable, Future[None]] = {}


class UserAccountOptions(NamedTuple):
    """The arguments of ``UserSession`` that choose the account and how to sign in."""

    session_key: str = "default"
    username: str | None = None
    scopes: tuple[str, ...] = ()
    grant: str | None = None
    interactive: bool | None = None
    timeout: float | None = 300
    person: str = ""  # whose it has to be (``Account.person``), in an unpickled session
    password: Callable[[], str] | None = None
    resource: str = ""  # as the provider calls it


class SignIn:
    """One session's way to ask, by link, code or typed input. ``options`` are the session's."""

    def __init__(self, accounts: Accounts, info: ProviderInfo, options: UserAccountOptions) -> None:
        self._accounts = accounts
        self._info = info
        self._options = options
        self._pending: tuple[Login, Prompt] | None = None  # that is waited for
        self.refused: ConsentRequired | None = None  # the person's no to this notebook

    def run(self, request: LoginRequest, *, done: Callable[[], bool]) -> None:
        """Return once that sign-in is complete, or another thread's; not asked for if ``done``.

        Raises what ``UserSession`` does.
        """
        from jupyter_auth.kernel.prompt import interrupts

        options = self._options
        who = (options.password, options.timeout, os.getpid())  # a fork has none of the threads
        key = (self._accounts, request, *who)
        mine: Future[None] = Future()
        flight = _under_way.setdefault(key, mine)
        if flight is not mine:
            with interrupts.raised():
                flight.result()
            return
        try:
            if not done():
                self._ask(request)
        except Exception as error:
            mine.set_exception(error)
            raise
        except BaseException:  # an interrupt is of this thread alone
            mine.set_exception(
                LoginRequired(
                    f"The sign-in to {self._info.title} was interrupted.", hint="Run this again."
                )
            )
            raise
        else:
            mine.set_result(None)
        finally:
            del _under_way[key]

    def ask_consent(self, reason: ConsentRequired, key: AccountKey) -> None:
        """Ask whether this notebook may use the account. After a no, requests do not ask again.

        Raises:
            ConsentRequired: the answer is no.
        """
        from jupyter_auth.core.consent.consents import GRANT
        from jupyter_auth.core.models import LoginRequest
        from jupyter_auth.kernel.prompt.front_end import in_voila

        if self.refused or in_voila():  # Voila shows nothing while a cell waits
            raise self.refused or reason
        asked = LoginRequest(key.provider, key.session_key, scopes=reason.scopes, grant=GRANT)
        try:
            self.run(asked, done=lambda: False)
        except ConsentRequired as error:
            self.refused = error
            raise

    def leave(self) -> bool:
        """Give up the sign-in that is waited for; returns whether there is one."""
        pending, self._pending = self._pending, None
        if pending:
            login, prompt = pending
            prompt.interrupted()  # before the waiting thread finds it cancelled
            with suppress(AuthError):
                self._accounts.leave(login.id)
        return bool(pending)

    def _ask(self, request: LoginRequest) -> None:
        from jupyter_auth.core.login.grants import TYPED
        from jupyter_auth.kernel.prompt import terminal_forms

        self._agree(request)
        login = self._begin(request)
        info = self._info
        if login.provider != request.provider:  # whose tokens are exchanged
            info = self._accounts.provider(login.provider)
        local = None if login.has_page else self._accounts.local
        if local and self._options.password:
            username = self._options.username or ""
            terminal_forms.sign_in_as(local, login, username, self._options.password)
        elif local and login.grant in TYPED:
            terminal_forms.sign_in(self._accounts, local, login, info)
        else:
            self._wait(login, local, info)

    def _agree(self, request: LoginRequest) -> None:
        """Ask first whether to go where an API's address led, if no page on this machine does.

        Raises:
            LoginCancelled: the person does not agree.
        """
        from jupyter_auth.core.models import AccountKey

        key = AccountKey(request.provider, request.session_key)
        local = self._accounts.local if self._info.found_at else None
        if local is None or not self._is_answered() or not local.first(key):
            return
        from jupyter_auth.kernel.prompt.prompt import agrees, browser_here

        by_page = browser_here() and request.grant != "device_code"
        if not by_page and not agrees(self._info, request.scopes):
            raise LoginCancelled(
                f"You did not sign in to {self._info.title}. Nothing was sent.",
                hint="If you know both, try again and answer `y`, where you can type.",
            )

    def _is_answered(self) -> bool:
        """Whether what is asked for is typed by a person, or by a program through a pipe."""
        from jupyter_auth.kernel.prompt.front_end import in_notebook, takes_input

        return bool((self._options.interactive and not in_notebook()) or takes_input())

    def _begin(self, request: LoginRequest) -> Login:
        """Begin that login, or one by a device's code where nothing can be typed or pasted."""
        from jupyter_auth.core.models import AccountKey
        from jupyter_auth.core.tokens.next_steps import how_to_sign_in
        from jupyter_auth.kernel.prompt.prompt import begin_by_link

        if self._options.password or self._is_answered():
            return self._accounts.begin(request)
        step = how_to_sign_in(AccountKey(request.provider, request.session_key))
        return begin_by_link(self._accounts, request, next_step=step)

    def _wait(self, login: Login, local: LoopbackLogins | None, info: ProviderInfo) -> None:
        """Show the login, and wait until it is finished in a browser."""
        from jupyter_auth.kernel.prompt.prompt import (
            browser_here,
            comes_back,
            redirect_words,
            show_prompt,
        )
        from jupyter_auth.kernel.prompt.wait import wait_for_login

        elsewhere, redirect, link = False, "", None
        if local:
            if comes_back(login):
                elsewhere = not browser_here() or local.is_pasted(login)
                uri, provider = local.redirect_uri(login.id), local.configured(login.provider)
                if provider.client_id:  # else it has registered itself
                    fixed = uri == provider.redirect_uri
                    redirect = redirect_words(uri, info.title, fixed=fixed)
            if elsewhere:  # it cannot reach a page of ours: straight to the provider
                login = replace(login, url=local.authorization_url(login.id))
                link = login.url
            else:
                link = local.another_link(login)
        try:
            prompt = show_prompt(login, info, paste=elsewhere, redirect=redirect, link=link)
            if local and elsewhere:
                _take_address(local, login)
        except BaseException:  # an interrupt that came early
            self._accounts.leave(login.id)
            raise
        self._pending = login, prompt
        try:
            wait_for_login(self._accounts, login, self._options.timeout, prompt)
            if local and not elsewhere:
                local.show_outcome(login)
        finally:
            self._pending = None


def _take_address(local: LoopbackLogins, login: Login) -> None:
    """Ask for the redirect URL of a browser on another machine."""
    from jupyter_auth.core.wire import error_from_wire
    from jupyter_auth.kernel.prompt.person import tell
    from jupyter_auth.kernel.prompt.prompt import ask_for_address

    while address := ask_for_address():
        try:
            pasted = local.paste(login.id, address)
        except (LoginFailed, LoginExpired) as error:
            tell(error)
        else:
            if pasted.status != "pending":
                return
            if pasted.error:
                tell(error_from_wire(pasted.error))
            else:  # it goes on with fewer scopes
                tell(f"Open this too: {local.authorization_url(login.id)}")
