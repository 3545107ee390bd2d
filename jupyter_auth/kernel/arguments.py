"""What callers give, looked at before anything is asked or sent."""

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


def _provider(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    from jupyter_auth.core.provider.provider import Provider  # not for whoever imports a session

    return isinstance(value, Provider)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _texts(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return True
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        return False
    return not isinstance(value, Collection) or all(map(_text, value))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _seconds(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def words(value: Iterable[str] | str | None) -> tuple[str, ...]:
    """The words of a string, or those of a list as they are."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())


BY_NAME = 'For example `UserSession("github", auth_force=True)`: all but the first go by name.'
KINDS = {
    "provider": Kind(
        _provider,
        "a provider's name or a Provider",
        BY_NAME,
    ),
    "source": Kind(
        lambda value: isinstance(value, str) or hasattr(value, "token"),
        "a provider's name or a source of tokens",
        'For example `TokenAuth("github")`.',
    ),
    "session_key": Kind(_text, "a string", "Leave it out for the default account."),
    "auth_force": Kind(_flag, "True or False"),
    "force": Kind(_flag, "True or False"),
    "username": Kind(_text_or_none, "a string"),
    "scopes": Kind(_texts, "a list of strings"),
    "api_origins": Kind(_texts, "a list of strings"),
    "base_url": Kind(_text_or_none, "a string"),
    "grant": Kind(_text_or_none, "a string"),
    "interactive": Kind(lambda value: value is None or _flag(value), "True, False or None"),
    "timeout": Kind(_seconds, "a number of seconds or None"),
    "client_id": Kind(_text_or_none, "a string"),
}


def check_arguments(**given: Any) -> None:
    """Whether each is of its kind.

    Raises:
        ConfigurationError: it names the first that is not, and shows no text that was given.
    """
    for name, value in given.items():
        kind = KINDS[name]
        if not kind.fits(value):
            shown = repr(value) if value is None or isinstance(value, bool) else _type(value)
            raise ConfigurationError(f"{name} must be {kind.words}, not {shown}.", hint=kind.hint)


def _type(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
