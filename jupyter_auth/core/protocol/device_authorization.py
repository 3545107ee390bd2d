"""A device authorization endpoint's answer (RFC 8628 3.2), checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from jupyter_auth.core.common import times
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.secret import Secret

INTERVAL = 5.0  # seconds between polls where the provider does not say (RFC 8628 3.2)
MAX_INTERVAL = 60.0
MAX_CODE = 64  # characters that a person can be asked to type
MAX_URI = 2000
VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class DeviceAnswer:
    """What a person is shown, and what the provider is polled with. Times are in seconds."""

    device_code: Secret
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str | None = field(default=None, repr=False)
    expires_in: float
    interval: float


def parse(answer: dict[str, Any]) -> DeviceAnswer:
    """The answer as a value. ProviderError: nobody could sign in with it."""
    device_code, user_code = answer.get("device_code"), answer.get("user_code")
    if not isinstance(device_code, str) or not VISIBLE.fullmatch(device_code):
        raise ProviderError("The device authorization endpoint gave no device_code.")
    if (
        not isinstance(user_code, str)
        or not user_code.strip()
        or len(user_code) > MAX_CODE
        or not user_code.isprintable()
    ):
        raise ProviderError("The device authorization endpoint gave no user_code to show.")
    uri = _uri(answer.get("verification_uri") or answer.get("verification_url"))
    if uri is None:
        raise ProviderError("The device authorization endpoint gave no verification_uri to go to.")
    complete = _uri(answer.get("verification_uri_complete"))
    # A person is shown where the one leads, and sent to the other.
    same = complete and origin_of(complete) == origin_of(uri)
    lifetime = _seconds(answer.get("expires_in"))
    if lifetime is None:
        raise ProviderError("The device authorization endpoint does not say how long it waits.")
    return DeviceAnswer(
        device_code=Secret(device_code),
        user_code=user_code.strip(),
        verification_uri=uri,
        verification_uri_complete=complete if same else None,
        expires_in=lifetime,
        interval=min(_seconds(answer.get("interval")) or INTERVAL, MAX_INTERVAL),
    )


def _uri(value: Any) -> str | None:
    """A person is sent there, or types it (RFC 3986 2: ASCII): https, or this machine."""
    if not isinstance(value, str) or len(value) > MAX_URI or not VISIBLE.fullmatch(value):
        return None
    try:
        return require_secure(value, "verification URI")
    except ConfigurationError:
        return None


def _seconds(value: Any) -> float | None:
    return times.clipped(value) or None
