"""The errors that are also errors of requests: code that catches those need know no others.

They stand apart from ``errors``: to read a token that is valid nothing of requests is loaded.
"""

from __future__ import annotations

from typing import Any

from requests import RequestException

from jupyter_auth.core.errors import AuthError, Unavailable


class ProviderUnavailable(Unavailable, RequestException):
    """The provider did not answer, or answered 5xx. Try again: nothing is lost."""

    code = "provider_unavailable"


class Throttled(AuthError, RequestException):
    """A call was not sent, it would be refused; ``retry_at`` is in seconds since 1970, UTC."""

    code = "throttled"

    def __init__(self, message: str, *, hint: str = "", retry_at: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at

    def to_wire(self) -> dict[str, Any]:
        """As everywhere, and when to try again."""
        return super().to_wire() | {"retry_at": self.retry_at}
