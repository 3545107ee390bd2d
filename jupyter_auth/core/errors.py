"""Everything that can go wrong, as one tree.

AuthError
├── ConfigurationError      what is configured cannot work; says what to change
│   └── ProviderNotFound    no provider of that name; names those near it
├── LoginRequired           nobody is signed in, and nobody is there to ask
│   ├── RefreshRejected     the provider ended the sign-in (``invalid_grant``)
│   └── InsufficientScope   signed in, but with fewer scopes than asked for
├── LoginDenied             the person or the provider said no
├── LoginExpired            nobody finished the login in time
├── LoginCancelled          somebody cancelled it
├── LoginFailed             it came back wrong; nothing was stored
│   ├── LoginOvertaken      one to another provider took its redirect URI over
│   └── UserMismatch        the account is another person's than was asked for
├── Unavailable             no answer; try again, nothing is lost
│   └── ProviderUnavailable of a provider (in ``common.request_errors``)
├── ProviderError           it answered, but not what its protocol says
├── Throttled               a call was not sent: too early, see ``retry_at`` (as above)
├── BrokerUnavailable       the Jupyter server's token broker does not answer
└── StoreError              tokens cannot be read or written here

Each class has a stable ``code``: it is what travels between broker and kernel.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AuthError(Exception):
    """Whatever jupyter_auth raises. ``message`` says what happened, ``hint`` what to do next."""

    code: ClassVar[str] = "auth_error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint

    def to_wire(self) -> dict[str, Any]:
        """The JSON object that travels from broker to kernel: code, message, hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class ConfigurationError(AuthError):
    """What is configured cannot work."""

    code = "configuration_error"


class ProviderNotFound(ConfigurationError):
    """No provider is known by that name."""

    code = "provider_not_found"


class LoginRequired(AuthError):
    """Nobody is signed in, and nobody is there to ask."""

    code = "login_required"


class RefreshRejected(LoginRequired):
    """The provider refused the refresh token for good (RFC 6749 5.2, ``invalid_grant``)."""

    code = "refresh_rejected"


class InsufficientScope(LoginRequired):
    """The account was granted fewer scopes than are needed; ``scopes`` are those asked for."""

    code = "insufficient_scope"

    def __init__(self, message: str, *, hint: str = "", scopes: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.scopes = tuple(scopes)

    def to_wire(self) -> dict[str, Any]:
        """As everywhere, and the scopes."""
        return super().to_wire() | {"scopes": list(self.scopes)}


class LoginDenied(AuthError, ConnectionError):
    """The person or the provider said no (RFC 6749 4.1.2.1, ``access_denied``)."""

    code = "login_denied"


class LoginExpired(AuthError, ConnectionError):
    """Nobody finished the login while it was open."""

    code = "login_expired"


class LoginCancelled(AuthError):
    """Somebody cancelled the login."""

    code = "login_cancelled"


class LoginFailed(AuthError):
    """The login came back wrong. Nothing was stored."""

    code = "login_failed"


class LoginOvertaken(LoginFailed):
    """A sign-in to another provider has begun since that comes back to the same address."""

    code = "login_overtaken"


class UserMismatch(LoginFailed, AssertionError):
    """The account is another person's than was asked for. Nothing was stored, nothing was sent."""

    code = "user_mismatch"


class Unavailable(AuthError):
    """Somebody does not answer. Try again: nothing is lost."""

    code = "unavailable"


class ProviderError(AuthError):
    """The provider answered, but not what its protocol says. Nothing is lost."""

    code = "provider_error"


class BrokerUnavailable(AuthError):
    """The Jupyter server's token broker does not answer, or speaks another version.

    ``retry_after``: the seconds after which the same call may do; 0: not by waiting alone.
    """

    code = "broker_unavailable"

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after

    def to_wire(self) -> dict[str, Any]:
        """As everywhere, and when to try again."""
        wait = {"retry_after": self.retry_after} if self.retry_after else {}
        return super().to_wire() | wait


class StoreError(AuthError):
    """Tokens cannot be read or written where they should rest."""

    code = "store_error"
