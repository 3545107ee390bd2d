"""Reads request bodies and queries. All functions raise ConfigurationError, which is HTTP 400."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common import times
from jupyter_auth.core.common.rate_limits import Limits, Quota
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import NO_CHALLENGE, Challenge, LoginRequest
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import Need

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 64 * 1024  # bytes; the longest is a provider with its parameters
MAX_TEXT = 1024  # characters of a name, a key, a path
MAX_CLAIMS = 8 * 1024  # characters of the claims that an API demands
MAX_SCOPES = 200
MAX_CALLS = 10_000  # in one report
MAX_VALID = 86400.0  # seconds


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; ``{}`` if it is empty."""
    if len(body) > MAX_BODY:
        raise ConfigurationError("The request is too large.")
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ConfigurationError("The request is not JSON.") from None
    if not isinstance(data, dict):
        raise ConfigurationError("The request is not a JSON object.")
    return data


def text(data: Mapping[str, Any], name: str, most: int = MAX_TEXT) -> str | None:
    """An optional string; "" counts as None."""
    value = data.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise ConfigurationError(f"{name!r} must be one line of at most {most} characters.")
    return value


def shown(data: Mapping[str, Any], name: str) -> str | None:
    """An optional string that is only displayed, without its control characters."""
    value = data.get(name)
    return text({name: plain_text(value, MAX_TEXT) if isinstance(value, str) else value}, name)


def required(data: Mapping[str, Any], name: str) -> str:
    """A required string."""
    value = text(data, name)
    if value is None:
        raise ConfigurationError(f"{name!r} is missing.")
    return value


def table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A required JSON object."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name!r} is missing.")
    return value


def secret(data: Mapping[str, Any], name: str) -> Secret:
    """A required string that is never shown; as long as a body may be."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{name!r} is missing.")
    return Secret(value)


def session_key(data: Mapping[str, Any]) -> str:
    """The session key, or the default one."""
    return text(data, "session_key") or DEFAULT_KEY


def flag(data: Mapping[str, Any], name: str) -> bool:
    """A boolean; False if missing."""
    value = data.get(name, False)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ConfigurationError(f"{name!r} must be true or false.")


def words(data: Mapping[str, Any], name: str) -> list[str] | None:
    """An optional list of strings, without control characters."""
    value = data.get(name)
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) > MAX_SCOPES
        or not all(isinstance(each, str) and len(each) <= MAX_TEXT for each in value)
    ):
        raise ConfigurationError(f"{name!r} must be a list of strings.")
    return [plain_text(each, MAX_TEXT) for each in value]


def login(data: Mapping[str, Any]) -> LoginRequest:
    """The body of ``POST logins``."""
    return LoginRequest(
        required(data, "provider"),
        session_key(data),
        username=text(data, "username"),
        scopes=words(data, "scopes") or (),
        force=flag(data, "force"),
        grant=text(data, "grant"),
        kernel=shown(data, "kernel"),
        notebook=shown(data, "notebook"),
        shared=flag(data, "shared"),
        resource=text(data, "resource") or "",
        challenge=_challenge(data.get("challenge")),
    )


def _challenge(data: Any) -> Challenge:
    if data is None:
        return NO_CHALLENGE
    if not isinstance(data, dict):
        raise ConfigurationError("'challenge' must be an object.")
    names = vars(NO_CHALLENGE).keys() - {"scopes"}
    given = {name: text(data, name, MAX_CLAIMS) or "" for name in names}
    if not re.fullmatch("[0-9]{0,10}", given["max_age"]):
        raise ConfigurationError("'max_age' must be a number of seconds.")
    return Challenge(**given | {"claims": _claims(data)}, scopes=tuple(words(data, "scopes") or ()))


def _claims(data: Mapping[str, Any]) -> str:
    """The claims that an API demands: a JSON object, as it was written."""
    given = text(data, "claims", MAX_CLAIMS) or ""
    try:
        known = isinstance(json.loads(given or "{}"), dict)
    except (ValueError, RecursionError):
        known = False
    if not known:
        raise ConfigurationError("'claims' must be a JSON object.")
    return given


def need(data: Mapping[str, Any]) -> Need:
    """What a kernel needs of a token."""
    seconds = number(data.get("min_valid"), "min_valid", MAX_VALID)
    return Need(
        min_valid=seconds,
        rejected=text(data, "rejected"),
        resource=text(data, "resource") or "",
        claims=_claims(data),
    )


def limits(data: Mapping[str, Any]) -> Limits:
    """A kernel's report of an API's limits."""
    return Limits(
        provider=required(data, "provider"),
        session_key=session_key(data),
        client_id=text(data, "client_id"),
        calls=int(number(data.get("calls"), "calls", MAX_CALLS)),
        quota=_quota(data.get("quota")),
        throttled_until=_moment(data, "throttled_until"),
        notebooks=tuple(words(data, "notebooks") or ()),
    )


def _quota(data: Any) -> Quota | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ConfigurationError("'quota' must be an object.")
    counts = {name: _count(data, name) for name in ("limit", "remaining")}
    return Quota(**counts, reset_at=_moment(data, "reset_at"))


def _count(data: Mapping[str, Any], name: str) -> int | None:
    return None if data.get(name) is None else int(number(data[name], name, 2**53))


def _moment(data: Mapping[str, Any], name: str) -> float | None:
    if data.get(name) is None:
        return None
    if (found := times.clipped(data[name])) is None:
        raise ConfigurationError(f"{name!r} must be a time in seconds since 1970.")
    return found


def number(value: Any, name: str, most: float) -> float:
    """A number from 0, clipped at ``most``; 0 if missing."""
    found = times.number(0 if value in (None, "") else value, sys.float_info.max)
    if found is None:
        raise ConfigurationError(f"{name!r} must be a number of at least 0.")
    return min(found, most)
