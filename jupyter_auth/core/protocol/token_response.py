"""Where a token endpoint does not speak as RFC 6749 does: its own words, by the provider's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common import times
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.provider import dates
from jupyter_auth.core.provider.validation import secret_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_auth.core.provider.provider import Provider

# What a kernel gets of an answer, in a token or in a sentence about it.
TOLD = ("access_token", "id_token", "scope", "token_type", "error", "error_description")


def spoken(provider: Provider, form: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a token request as this provider names them."""
    named = {provider.param_names.get(name, name): value for name, value in form.items()}
    return named | dict(provider.token_params)


def understood(provider: Provider, answer: dict[str, Any]) -> dict[str, Any]:
    """Its answer with the fields of RFC 6749 5.1, and ``expires_at`` in seconds since 1970.

    An ``expires_at`` that the provider's data say nothing of is its own affair, and left out.
    ProviderError: a date in another spelling than the data say, or a refresh token in the place of
    something that a kernel gets (SECURITY 11).
    """
    found = _read(provider, answer)
    refresh_tokens = [*_refresh_tokens(answer), *_refresh_tokens(found)]
    for name in TOLD:
        if any(_has(found.get(name), each) for each in refresh_tokens):
            raise ProviderError(
                f"The token endpoint answered with a refresh token as its {name}.",
                hint="Check token_response of the provider. Nothing was stored.",
            )
    return found


def _refresh_tokens(answer: Any) -> Iterator[str]:
    for name, value in answer.items() if isinstance(answer, dict) else ():
        if isinstance(value, str) and value and secret_field(name) == "refresh_token":
            yield value
        yield from _refresh_tokens(value)


def _has(value: Any, secret: str) -> bool:
    """What is no text may be shown as one where it is said what is wrong with it."""
    return value == secret if isinstance(value, str) else secret in str(value)


def _read(provider: Provider, answer: dict[str, Any]) -> dict[str, Any]:
    if not provider.token_response:
        plain = {name: value for name, value in answer.items() if name != "expires_at"}
        return _with_scope(provider, plain)
    found = {name: _at(answer, path) for name, path in provider.token_response.items()}
    if found.get("expires_at") is not None:
        found["expires_at"] = _moment(provider, found["expires_at"])
    return _with_scope(provider, found)


def _with_scope(provider: Provider, answer: dict[str, Any]) -> dict[str, Any]:
    """Its scopes as they were asked for: words between spaces (RFC 6749 3.3)."""
    scope, separator = answer.get("scope"), provider.scope_separator
    if not isinstance(scope, str) or not (separator or provider.scope_aliases):
        return answer
    words = scope.replace(separator or " ", " ").split()
    return answer | {"scope": " ".join(provider.scope_aliases.get(word, word) for word in words)}


def _at(answer: Any, path: str) -> Any:
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _moment(provider: Provider, value: Any) -> float:
    try:
        if provider.expires_format:
            value = dates.timestamp(value, provider.expires_format)
    except (AttributeError, TypeError, ValueError, OverflowError):
        value = None
    if (found := times.clipped(value)) is None:
        raise ProviderError(
            "The token endpoint's date of expiry is not as configured.",
            hint="Check expires_format of the provider.",
        )
    return found
