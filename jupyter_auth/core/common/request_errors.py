"""The errors that are also errors of requests, for code that catches only those.

They stand apart from ``errors`` so that reading a valid token does not import requests.
"""

from __future__ import annotations

from typing import Any

from requests import RequestException

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import AuthError, Unavailable


class ProviderUnavailable(Unavailable, RequestException):
    """The provider did not respond, or responded 5xx. Trying again is safe."""

    code = "provider_unavailable"


class Throttled(AuthError, RequestException):
    """A call was not sent, as the API would refuse it before ``retry_at`` (seconds since 1970)."""

    code = "throttled"

    def __init__(self, message: str, *, hint: str = "", retry_at: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at

    @override
    def to_wire(self) -> dict[str, Any]:
        return super().to_wire() | {"retry_at": self.retry_at}
