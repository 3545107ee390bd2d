"""The HTTP statuses and headers of errors, for both APIs."""

from __future__ import annotations

import math
from http.client import responses
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from jupyter_auth.core.common.backoff import requested_pause
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.server.broker.redirect.uri import ForeignOrigin

if TYPE_CHECKING:
    from types import TracebackType

    from tornado.web import RequestHandler

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

BAD_REQUEST = 400
FORBIDDEN = 403
UNSPECIFIC = 500
UNAVAILABLE = 503

_STATUS = {
    "provider_not_found": 404,
    "configuration_error": 400,
    "login_required": 401,
    "consent_required": 401,
    "refresh_rejected": 401,
    "insufficient_scope": 401,
    "broker_unavailable": FORBIDDEN,
    "login_expired": 410,
    "login_denied": 409,
    "login_cancelled": 409,
    "login_failed": 409,
    "login_overtaken": 409,
    "user_mismatch": 409,
    "throttled": 429,
    "provider_error": 502,
    "provider_unavailable": UNAVAILABLE,
    "store_error": UNAVAILABLE,
}


def status_of(error: AuthError, status: int = UNSPECIFIC) -> int:
    """The HTTP status of an error; ``status`` if its code has none."""
    if isinstance(error, ForeignOrigin):
        return FORBIDDEN
    if isinstance(error, BrokerUnavailable) and error.retry_after:
        return UNAVAILABLE
    return _STATUS.get(error.code, status)


def refuse(handler: RequestHandler, error: AuthError, status: int = UNSPECIFIC) -> None:
    """Set the status and headers of an error, Retry-After included (RFC 9110 10.2.3)."""
    handler.set_status(status_of(error, status))
    if wait := requested_pause(error):
        handler.set_header("Retry-After", str(math.ceil(wait)))
        handler.set_header("Connection", "close")  # none is kept open till then


def error_of(status: int, exc_info: ExcInfo | Any) -> AuthError:
    """The error to show for what a handler raised. A bug's own message stays in the log."""
    error = exc_info[1] if exc_info else None
    if isinstance(error, AuthError):
        return error
    if isinstance(error, HTTPError) and status < UNSPECIFIC:
        message = error.log_message or responses.get(status, "Refused")
        return AuthError(f"{message.rstrip('.')}.")
    return AuthError("The server failed unexpectedly.", hint="See its log.")
