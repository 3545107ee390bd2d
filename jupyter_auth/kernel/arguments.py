"""Checks the arguments of public functions, before anything is asked or sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(NamedTuple):
    """What an argument may be, in code and in words, and what to write instead."""

    fits: Callable[[Any], bool]
    words: str
    hint: str = ""


def _is_provider(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    from jupyter_auth.core.provider.provider import Provider  # slow to import

    return isinstance(value, Provider)


def _are_strings(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        return False
    return not isinstance(value, Collection) or all(isinstance(each, str) for each in value)


def _are_seconds(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def words(value: Iterable[str] | str | None) -> tuple[str, ...]:
    """The words of a string, or the items of a list as they are."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())


BY_NAME = 'For example `UserSession("github", auth_force=True)`: all but the first go by name.'
FLAG = Kind(lambda value: isinstance(value, bool), "True or False")
STRING = Kind(lambda value: isinstance(value, str), "a string")
OPTIONAL_STRING = Kind(lambda value: value is None or isinstance(value, str), "a string")
STRINGS = Kind(_are_strings, "a list of strings")
KINDS = {
    "provider": Kind(_is_provider, "a provider's name or a Provider", BY_NAME),
    "source": Kind(
        lambda value: isinstance(value, str) or hasattr(value, "token"),
        "a provider's name or a source of tokens",
        'For example `TokenAuth("github")`.',
    ),
    "resource": STRING._replace(hint="For example `https://vault.azure.net`."),
    "session_key": STRING._replace(hint="Leave it out for the default account."),
    "interactive": Kind(lambda value: value is None or FLAG.fits(value), "True, False or None"),
    "timeout": Kind(_are_seconds, "a number of seconds or None"),
    **dict.fromkeys(("auth_force", "force"), FLAG),
    **dict.fromkeys(("username", "base_url", "grant", "client_id"), OPTIONAL_STRING),
    **dict.fromkeys(("scopes", "api_origins"), STRINGS),
}


def check_arguments(**given: Any) -> None:
    """Check that each argument, by its name, is of its kind.

    Raises:
        ConfigurationError: it names the first that is not, and shows no string that was passed.
    """
    for name, value in given.items():
        kind = KINDS[name]
        if not kind.fits(value):
            shown = repr(value) if value is None or isinstance(value, bool) else _type(value)
            raise ConfigurationError(f"{name} must be {kind.words}, not {shown}.", hint=kind.hint)


def _type(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
