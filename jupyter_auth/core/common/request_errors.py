"""The errors that are also errors of requests, for code that catches only those.

They stand apart from ``errors`` so that reading a valid token does not import requests.
"""

from __future__ import annotations

from typing import ClassVar

from requests import RequestException

from jupyter_auth.core.errors import AuthError, NextStep, Unavailable


class _Later(AuthError, RequestException):
    """``retry_at``: when trying again may help, in seconds since 1970; 0 if that is not known."""

    carries: ClassVar = {"retry_at": float}

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_step: NextStep | None = None,
        retry_at: float = 0.0,
    ) -> None:
        super().__init__(message, hint=hint, next_step=next_step)
        self.retry_at = retry_at


class ProviderUnavailable(_Later, Unavailable):
    """The provider did not respond, or responded 5xx, 408 or 429. Trying again is safe."""

    code = "provider_unavailable"


class Throttled(_Later):
    """A call was not sent, as the API would refuse it before ``retry_at``."""

    code = "throttled"
