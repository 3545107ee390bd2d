"""``LoginWidget``: the account that a widget shows, for the Python around it. For dashboards."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import traitlets
from ipywidgets import CallbackDispatcher

from jupyter_auth.kernel.prompt.widget import AccountWidget
from jupyter_auth.kernel.session.user_account import UserAccountOptions
from jupyter_auth.kernel.session.user_session import session_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from jupyter_auth.core.models import AccountInfo
    from jupyter_auth.kernel.session.user_session import UserSession

STATES = ("signed_out", "pending", "signed_in", "denied", "expired", "cancelled", "failed")


class LoginWidget(AccountWidget):
    """Shows one account, and Python can follow it: by ``observe``, or ``on_signed_in``.

    Its arguments are those of ``UserSession`` and ``layout``; ``force`` asks for a sign-in though
    somebody is signed in, and with ``begin`` False none begins before a person clicks.
    ``provider`` and ``session_key`` can be set: it shows that account then.

    ``signed_in``: whether ``session`` works. ``username``: who is signed in, as far as the provider
    says. ``expires_at``: when the access token ends, aware and in UTC; a sign-in that is renewed
    goes on after that. ``status``: ``"signed_in"``, ``"pending"`` while somebody is asked to sign
    in, else how that ended (``"denied"``, ``"expired"``, ``"cancelled"``, ``"failed"``; an account
    that was not renewed has ``"expired"`` too), or ``"signed_out"``.

    These are read-only, and not synced: nothing of them is saved with a notebook. They change, and
    callbacks run, when the kernel is idle (on the event loop on which the widget was made), like
    those of any widget; without a loop in the thread of whoever brings the news.

    Raises:
        ProviderNotFound: here, or where ``provider`` is set.
        ConfigurationError: as ``UserSession``.
    """

    signed_in = traitlets.Bool(read_only=True)
    username = traitlets.Unicode(None, allow_none=True, read_only=True)
    expires_at = traitlets.Instance(datetime, allow_none=True, read_only=True)
    status = traitlets.Enum(STATES, default_value="signed_out", read_only=True)
    _signed_in_handlers = traitlets.Instance(CallbackDispatcher, ())
    _sign_in: tuple[str, str, float] | None = None  # which the session is of
    _session: UserSession | None = None
    _person = ""
    _end: asyncio.TimerHandle | None = None

    @property
    def session(self) -> UserSession | None:
        """The session of whoever is signed in; None while nobody is.

        It asks nobody to sign in, since this widget does: once its sign-in has ended, requests
        raise LoginRequired. Whoever signs in next has a session of their own.
        """
        if not self.signed_in:
            return None
        if self._session is None:
            wish = UserAccountOptions(
                session_key=self._key.session_key,
                scopes=tuple(self._asked["scopes"]),
                interactive=False,
                person=self._person,
            )
            self._session = session_of(self._info, wish)
        return self._session

    def on_signed_in(self, callback: Callable[[LoginWidget], Any], remove: bool = False) -> None:  # noqa: FBT001, FBT002 (as ipywidgets)
        """Call ``callback(widget)`` whenever somebody has signed in; at once if somebody is.

        An exception in it is shown as one of any widget's callback, and ends nothing. ``remove``:
        call it no more.
        """
        self._signed_in_handlers.register_callback(callback, remove=remove)
        if self.signed_in and not remove:
            callback(self)

    def _apply(self) -> None:
        account, now, wished = self._account, time.time(), self._asked["username"]
        if account and wished and not account.belongs_to(wished):
            account = None
        lasts = account is not None and _lasts(account, now)
        sign_in = (*self._names, account.signed_in_at) if account and lasts else None
        fresh = sign_in not in {None, self._sign_in}
        if sign_in != self._sign_in:
            self._sign_in, self._session = sign_in, None
            self._person = account.person if account else ""
        self._wake_at_the_end(account if lasts else None, now)
        ends = account and account.expires_at
        try:
            with self.hold_trait_notifications():  # observers see all of them changed
                self.set_trait("username", account.username if account else None)
                self.set_trait("expires_at", datetime.fromtimestamp(ends, UTC) if ends else None)
                self.set_trait("status", self._status(account, lasts=lasts))
                self.set_trait("signed_in", lasts)
        finally:
            if fresh:
                self._signed_in_handlers(self)

    def _status(self, account: AccountInfo | None, *, lasts: bool) -> str:
        if lasts:
            return "signed_in"
        if self._pending:
            return "pending"
        if self._login and self._login.status != "complete":
            return self._login.status
        return "expired" if account else "signed_out"

    def _wake_at_the_end(self, account: AccountInfo | None, now: float) -> None:
        """Nobody tells of a sign-in that runs out; one that is renewed does not."""
        if self._end:
            self._end.cancel()
            self._end = None
        loop = self._loop
        if not (account and account.expires_at and loop) or account.refreshes or loop.is_closed():
            return
        self._end = loop.call_later(account.expires_at - now, self._apply)


def _lasts(account: AccountInfo, now: float) -> bool:
    return account.refreshes or account.expires_at is None or now < account.expires_at
