"""Refreshes of one token that failed in a row, but not for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.errors import LoginRequired, ProviderError, Unavailable
from jupyter_auth.core.tokens.lifetimes import AT_ONCE, RETRY, growing_pause
from jupyter_auth.core.tokens.next_steps import how_to_sign_in

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.models import AccountKey

MANY = 5  # failures in a row,
LONG = 120.0  # over at least so many seconds, and a new sign-in is offered


class Failures(NamedTuple):
    """How many there were ``since`` when, and the ``last``; none is made before ``until``.

    ``wire``: the last error (``AuthError.to_wire``). An exception would hold on to its stack.
    ``passes``: it may pass by itself, or with a new sign-in; a wrong configuration does not.
    ``of``: the digest of the access token.
    """

    times: int = 0
    since: float = 0.0
    last: float = 0.0
    until: float = 0.0
    wire: dict[str, object] | None = None
    passes: bool = False
    of: str | None = None

    def and_another(self, error: AuthError, now: float, of: str | None) -> Failures:
        """These and one more, or the first of another token."""
        from jupyter_auth.core.common.backoff import requested_pause

        times, since = (self.times + 1, self.since) if self.times and self.of == of else (1, now)
        pause = max(growing_pause(times - AT_ONCE, RETRY), requested_pause(error, lambda: now))
        passes = isinstance(error, (Unavailable, ProviderError))
        return Failures(times, since, now, now + pause, error.to_wire(), passes, of)

    @property
    def lasting(self) -> bool:
        """Whether it has gone on for so long that a new sign-in may be quicker."""
        return self.passes and self.times >= MANY and self.last - self.since >= LONG

    @property
    def says(self) -> str:
        """What happened last."""
        return str(self.wire["message"]) if self.wire else ""

    def error(self, key: AccountKey) -> AuthError:
        """The last one, to raise; once it is ``lasting``, that a sign-in is needed."""
        from jupyter_auth.core.wire import error_from_wire

        if self.lasting:
            since = f"{self.times} refreshes of {key} have failed. The last time: {self.says}"
            return LoginRequired(since, next_step=how_to_sign_in(key))
        return error_from_wire(self.wire)
