"""Responses in a provider's own words, in those of the RFCs: names, formats and errors."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.provider import dates
from jupyter_auth.core.provider.kinds import secret_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.provider.provider import Provider

# Facebook called its form text/plain. One of another type has a parameter that is expected.
FORMS = ("application/x-www-form-urlencoded", "text/plain")
EXPECTED = frozenset({"access_token", "device_code", "error"})
ABSENT = (None, "", "null")
# The first that can be read counts: a lifetime is right whatever either clock shows. The last two
# are those of Entra's first version and of Facebook.
EXPIRY = ("expires_in", "expires_at", "expires_on", "expires")
# What kernels get of a token response, in a token or in a message.
FOR_KERNELS = ("access_token", "id_token", "scope", "token_type", "error", "error_description")
# Where errors have a code and a text, besides RFC 6749 5.2.
# By their letters: `error_code` is `errorCode` too, as Apigee has it `ErrorCode`.
CODES = ("error", "errortype", "code", "errorcode", "errcode", "status", "type", "reason")
TEXTS = ("errordescription", "message", "errormessage", "errmsg", "detail", "msg", "title")
CODE = re.compile(r"[a-z]+(_[a-z]+)+")
HTTP_ERROR = 400  # and above (RFC 9110 15.5)
STATUSES = {428: "authorization_pending", 429: "slow_down"}  # of polls, where nothing is said
# Letters in other words for errors of RFC 8628 3.5: those of Entra, GitHub, OpenAI and others.
DEVICE_ERRORS = {
    "authorization_pending": ("pending",),
    "slow_down": ("slowdown",),
    "access_denied": ("denied", "declined", "cancel"),
    "expired_token": ("expired", "badverificationcode"),
}


def decoded(response: requests.Response, endpoint: str) -> Json:
    """The parameters in a body. RFC 6749 5.1 requires JSON; some send a form, and either with any
    Content-Type.

    What is not quite JSON is read too: a refresh token that it has may be the only one.

    Raises:
        ProviderError: it is neither.
    """
    try:
        return http.json_object(response, endpoint)
    except ProviderError:
        with contextlib.suppress(ValueError):
            text = response.content.decode("utf-8-sig").strip()
            form = http.no_duplicates(parse_qsl(text, strict_parsing=True))
            if http.media_type(response) in FORMS or form.keys() & EXPECTED:
                return form
        if isinstance(found := _nearly_json(response.content), dict):
            return found
        raise


def words(response: requests.Response) -> Json:
    """What a refusal says that is not an object: a list of errors, or a text."""
    if found := _nearly_json(response.content):
        return {"errors": found if isinstance(found, list) else [found]}
    # Users of a shared service are not told what else answers at an internal address.
    shown = http.media_type(response) == "text/plain" and not blocked_addresses.shared()
    return {"message": response.text} if shown else {}


def _nearly_json(content: bytes) -> Any:
    """JSON, or what has bytes that are no UTF-8, line breaks in strings, numbers of any length, or
    repeated names, which are left out if their values differ. None if it is neither.
    """
    with contextlib.suppress(ValueError, RecursionError):
        text = content.decode("utf-8-sig", "replace")
        return json.loads(text, strict=False, parse_int=float, object_pairs_hook=_agreed)
    return None


def _agreed(pairs: list[tuple[str, Any]]) -> Json:
    found: Json = {}
    differ = {name for name, value in pairs if found.setdefault(name, value) != value}
    return {name: value for name, value in found.items() if name not in differ}


def standard_parameters(provider: Provider, params: Json) -> Json:
    """A token response by the names of RFC 6749 5.1; what is empty there is None.

    It has ``expires_in`` in seconds, or ``expires_at`` in seconds since 1970, or none that can be
    read. A parameter that ``token_response`` does not find at its path is looked for under its
    own name: some providers nest the tokens of a sign-in, and not those of a refresh.

    Raises:
        ProviderError: a parameter that kernels get holds a refresh token (SECURITY 11).
    """
    found = by_their_names(provider, params)
    if paths := provider.token_response:
        found = {name: parameter(provider, params, name) for name in paths}
    found = {name: None if value in ABSENT else value for name, value in found.items()}
    _read_expiry(found, provider.expires_format)
    if "scope" in found or "scopes" in found:
        found["scope"] = _either(found.get("scope"), found.get("scopes"))
    if found.get("token_type") in provider.token_types:
        found["token_type"] = "Bearer"  # noqa: S105 (no password)
    _check_for_kernels(params, found)  # before anything is written in another way
    if "scope" in found:
        found["scope"] = _scope(provider, found["scope"])
    return found


def by_their_names(provider: Provider, params: Json) -> Json:
    """The parameters, those that the provider has other names for (``param_names``) renamed."""
    own = {name: _at(params, path) for name, path in provider.param_names.items()}
    return params | {name: value for name, value in own.items() if value not in ABSENT}


def parameter(provider: Provider, params: Json, name: str) -> Any:
    """One parameter of a token response: at its path, or under its name."""
    at_path = _at(params, provider.token_response.get(name, name))
    return _either(at_path, by_their_names(provider, params).get(name))


def error(provider: Provider | None, params: Json, status: int) -> tuple[str, str] | None:
    """Code and text of an error response (RFC 6749 5.2), wherever the provider puts them.

    None: it is not one, or it says nothing. ``params`` have an error, or the HTTP status is one.

    Raises:
        ProviderError: as ``standard_parameters``.
    """
    paths = provider.token_response if provider else {}
    named = {name: _at(params, paths.get(name, name)) for name in ("error", "error_description")}
    stated = _either(named["error"], params.get("error"))
    refused = status >= HTTP_ERROR or _only_delays(provider, params)
    if (not stated or stated in ABSENT) and not refused:
        return None
    _check_for_kernels(params, named)
    listed = params.get("errors")
    first = listed[0] if isinstance(listed, list) and listed else None
    first = {"message": first} if isinstance(first, str) else first
    within = next(each for each in (stated, first, params) if isinstance(each, dict))
    text = _text(named, TEXTS[:1]) or _text({**params, **within}, TEXTS)
    if stated and isinstance(stated, str):
        return stated, text
    code = _text(within, CODES) or (text if CODE.fullmatch(text) else "")
    return (code, text) if code or text else None


def meant(provider: Provider, code: str, text: str, status: int) -> str:
    """The RFC's word for an error, where the provider has another for it; else ""."""
    words = (code, text) if code else (text, str(status))
    known = (provider.error_names.get(word, "") for word in words)
    return next(filter(None, known), "" if code else STATUSES.get(status, ""))


def device_error(code: str) -> str:
    """That of RFC 8628 3.5 for a provider's word, else the word itself."""
    said, known = letters(code), DEVICE_ERRORS.items()
    return next((name for name, words in known if any(w in said for w in words)), code)


def letters(name: str) -> str:
    """Its letters, small: how a name is known however it is written."""
    return re.sub("[^a-z]", "", name.lower())


def _only_delays(provider: Provider | None, params: Json) -> bool:
    """Whether a success has a word for how a device login stands, and no code or token."""
    if device_error(_text(params, (*CODES, "message"))) not in DEVICE_ERRORS:
        return False
    names = ("access_token", "device_code")
    found = (parameter(provider, params, name) if provider else params.get(name) for name in names)
    return all(value in ABSENT for value in found)


def _text(params: Json, names: Sequence[str]) -> str:
    known = {letters(name): value for name, value in params.items()}
    texts = (known.get(name) for name in names)
    return next((each for each in texts if isinstance(each, str) and each not in ABSENT), "")


def _check_for_kernels(params: Json, found: Json) -> None:
    refresh_tokens = {*_refresh_tokens(params), *_refresh_tokens(found)}
    for name in FOR_KERNELS:
        if _shows(found.get(name), refresh_tokens):
            raise ProviderError(
                f"The token endpoint returned a refresh token as `{name}`.",
                hint="Check token_response of the provider.",
            )


def _at(params: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(params, list):
            params = {str(index): each for index, each in enumerate(params)}
        params = params.get(name) if isinstance(params, dict) else None
    return params


def _either(value: Any, other: Any) -> Any:
    return other if value in ABSENT else value


def _read_expiry(found: Json, form: str | None) -> None:
    given = [dates.expiry(found.pop(name), form) for name in EXPIRY if name in found]
    if ends := next(filter(None, given), None):
        found["expires_in" if ends <= dates.MAX_LIFETIME else "expires_at"] = ends


def _scope(provider: Provider, value: Any) -> str | None:
    """The scopes by the names they were requested by, between spaces (RFC 6749 3.3)."""
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(each, str) for each in texts):
        return None
    between = (provider.scope_separator or ",").strip() or " "
    words = " ".join(texts).replace(between, " ").split()
    return " ".join(provider.scope_aliases.get(word, word) for word in words)


def _refresh_tokens(params: Any) -> Iterator[str]:
    for each in params if isinstance(params, list) else ():
        yield from _refresh_tokens(each)
    for name, value in params.items() if isinstance(params, dict) else ():
        if isinstance(value, str) and value and secret_field(name) == "refresh_token":
            yield value
        yield from _refresh_tokens(value)


def _shows(value: Any, secrets: set[str]) -> bool:
    """Whether ``value`` would show one of them; an error may show any value as a string."""
    if isinstance(value, str):
        return value in secrets
    text = str(value)  # once: there may be many secrets in a hostile response
    return any(each in text for each in secrets)
