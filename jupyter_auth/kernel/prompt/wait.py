"""Waits for a sign-in: on the broker's word, never on the browser's."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, LoginExpired, LoginRequired
from jupyter_auth.core.wire import login_error
from jupyter_auth.kernel.prompt import interrupts

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Login, LoginStatus
    from jupyter_auth.kernel.prompt.prompt import Prompt

POLL = 25.0  # seconds
LOOK = 1.0  # seconds between polls where a long one is refused


def wait_for_login(accounts: Accounts, login: Login, timeout: float | None, prompt: Prompt) -> None:
    """Return once the login is complete; ``prompt`` shows how it ended. ``timeout`` in seconds.

    Raises:
        LoginRequired: it is still pending after ``timeout``, and stays so.
        LoginDenied, LoginExpired, LoginCancelled, LoginFailed: how it ended.
        BrokerUnavailable: the broker is gone, and the login with it.
    """
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    try:
        with interrupts.raised():
            ended = _ended(accounts, login.id, deadline, prompt.pending)
    except AuthError as error:
        status: LoginStatus = "expired" if isinstance(error, LoginExpired) else "failed"
        prompt.finish(dataclasses.replace(login, status=status, error=error.to_wire()))
        raise
    except BaseException:  # KeyboardInterrupt, as a rule
        with suppress(AuthError):
            accounts.leave(login.id)
        prompt.interrupted()
        raise
    if ended is None:
        prompt.timed_out()
        raise LoginRequired(
            f"The sign-in to {plain(login.provider)} was not finished in {timeout:.0f} seconds.",
            hint=prompt.said or "The link still works: sign in there, then run this again.",
        )
    prompt.finish(ended, accounts.account(login.key))
    if ended.status != "complete":
        raise login_error(ended)


def _ended(
    accounts: Accounts,
    login_id: str,
    deadline: float,
    pending: Callable[[Login], object] = lambda _: None,
) -> Login | None:
    """The login once it is not pending; None after ``deadline``. ``pending`` is called with it."""
    since: int | None = None
    while True:
        try:
            if since is None:  # before the first look, so that nothing is missed
                since = accounts.changes().sequence
            login = accounts.login(login_id)
            if login.status != "pending":
                return login
            pending(login)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            since = accounts.changes(since, min(POLL, left)).sequence
        except (Throttled, BrokerUnavailable) as error:
            # Too many wait at once, or the Hub service is restarting: poll now and then.
            passes = isinstance(error, Throttled) or error.retry_after
            if not passes or time.monotonic() > deadline:
                raise
            threading.Event().wait(LOOK)
