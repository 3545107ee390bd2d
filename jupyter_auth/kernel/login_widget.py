"""``LoginWidget``: a sign-in widget for dashboards, whose state Python can observe."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import traitlets
from ipywidgets import CallbackDispatcher

from jupyter_auth.kernel.prompt.widget import AccountWidget
from jupyter_auth.kernel.session.sign_in import UserAccountOptions
from jupyter_auth.kernel.session.user_session import session_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from jupyter_auth.core.models import AccountInfo
    from jupyter_auth.kernel.session.user_session import UserSession

STATES = ("signed_out", "pending", "signed_in", "denied", "expired", "cancelled", "failed")


class LoginWidget(AccountWidget):
    """A widget that shows one account, and follows it: see ``observe`` and ``on_signed_in``.

    Args:
        provider, session_key, username, scopes, grant: as ``UserSession``. The first two are
            traits: set one, and the widget shows that account.
        force: ask for a sign-in even if an account is signed in.
        begin: False to begin a sign-in at a click only.
        layout: as of any widget.

    Read-only traits, which are not synced, and so never saved with a notebook:

    - ``signed_in``: whether ``session`` works.
    - ``username``: the signed-in user, if the provider says.
    - ``expires_at``: when the access token expires, in UTC; a sign-in may be renewed after that.
    - ``status``: ``"signed_in"``, ``"pending"``, ``"signed_out"``, or how a sign-in ended:
      ``"denied"``, ``"expired"``, ``"cancelled"``, ``"failed"``. An account that was not renewed
      is ``"expired"`` too.

    They change, and callbacks run, while the kernel is idle, on the event loop on which the widget
    was made; without one, in any thread.

    Raises:
        ProviderNotFound: also when ``provider`` is set.
        ConfigurationError: as ``UserSession``.
    """

    signed_in = traitlets.Bool(read_only=True)
    username = traitlets.Unicode(None, allow_none=True, read_only=True)
    expires_at = traitlets.Instance(datetime, allow_none=True, read_only=True)
    status = traitlets.Enum(STATES, default_value="signed_out", read_only=True)
    _signed_in_handlers = traitlets.Instance(CallbackDispatcher, ())
    _sign_in: tuple[str, str, float] | None = None  # of the session
    _session: UserSession | None = None
    _person = ""
    _end: asyncio.TimerHandle | None = None

    @property
    def session(self) -> UserSession | None:
        """A ``UserSession`` of the signed-in account, or None.

        It asks for no sign-in, since the widget does: once the account has ended, its requests
        raise LoginRequired. The next sign-in has a new session.
        """
        if not self.signed_in:
            return None
        if self._session is None:
            options = UserAccountOptions(
                session_key=self._key.session_key,
                scopes=tuple(self._asked["scopes"]),
                interactive=False,
                person=self._person,
            )
            self._session = session_of(self._info, options)
        return self._session

    def on_signed_in(self, callback: Callable[[LoginWidget], Any], remove: bool = False) -> None:  # noqa: FBT001, FBT002 (as ipywidgets)
        """Call ``callback(widget)`` after each sign-in, and now if an account is signed in.

        Its exceptions are shown as those of any widget's callback. ``remove``: stop calling it.
        """
        self._signed_in_handlers.register_callback(callback, remove=remove)
        if self.signed_in and not remove:
            callback(self)

    def _apply(self) -> None:
        account, now, username = self._account, time.time(), self._asked["username"]
        if account and username and not account.belongs_to(username):
            account = None
        lasts = account is not None and not account.over(now)
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
        """Apply once more when an account that is not renewed expires: no change is reported."""
        if self._end:
            self._end.cancel()
            self._end = None
        loop = self._loop
        if not (account and account.expires_at and loop) or account.renewable or loop.is_closed():
            return
        self._end = loop.call_later(account.expires_at - now, self._apply)
