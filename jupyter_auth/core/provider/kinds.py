"""What a field of a provider may hold, and what it says of itself (``described``).

A kind takes a value as a file, a notebook or a mapping gives it, and returns it as it rests in the
field: a tuple for a list, a ``Secret`` for a string. ConfigurationError says what it must be, and
shows no value.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

from jupyter_auth.core.common import times
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import dates
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection

# Parameters that are ours to set in an authorization or token request, not a configuration's.
RESERVED_PARAMS = frozenset(
    {"client_id", "client_secret", "code", "code_challenge", "code_challenge_method"}
    | {"code_verifier", "grant_type", "nonce", "redirect_uri", "refresh_token", "response_type"}
    | {"scope", "state"}
)
GRANTS = ("authorization_code", "device_code", "password", "paste", "api_key")
KEY_PART = re.compile(r"[a-z][a-z0-9_]*")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.1
HEADER_TEMPLATE = re.compile(r"[ -z|~]*\{token\}[ -z|~]*")
OUTSIDE = re.compile(r"^[/\\]|:|(^|[/\\])\.\.($|[/\\])")  # a path that leaves its folder
MAX_TITLE = 100  # characters


class FieldPath(NamedTuple):
    """Where in a definition a value stands: ``endpoints.token_endpoint`` of a provider."""

    provider: str
    path: str

    def __str__(self) -> str:
        return f"The field {self.path!r} of provider {self.provider!r}"

    def must_be(self, what: str, hint: str = "") -> ConfigurationError:
        """The error that says so."""
        return ConfigurationError(f"{self} must be {what}.", hint=hint)


Kind: TypeAlias = "Callable[[Any, FieldPath], Any] | type[FieldTable]"


def described(
    kind: Kind, meaning: str = "", *, harmless: str = "", tokens_only: bool = False
) -> dict[str, Any]:
    """The ``metadata`` of a field: all that is said of it, for whatever asks.

    ``meaning`` is for the README. What accounts and kept secrets are bound to (see ``binding``) is
    each field but those that are ``harmless`` for the reason given; ``tokens_only``: it says where
    tokens go, and no client secret.
    """
    return {"kind": kind, "meaning": meaning, "harmless": harmless, "tokens_only": tokens_only}


def optional(kind: Kind, meaning: str = "", *, default: Any = None, **more: Any) -> Any:
    """A field with that default, or with what makes one; ``more`` as for ``described``."""
    metadata = described(kind, meaning, **more)
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def taken(of: Field[Any], value: Any, place: FieldPath) -> Any:
    """``value`` as it rests in that field. None is its default, as where a file has no such key."""
    if value is None:
        return default_of(of)
    kind = of.metadata["kind"]
    return getattr(kind, "read", kind)(value, place)


def default_of(of: Field[Any]) -> Any:
    """What a field is where nothing is given; MISSING: something has to be."""
    return of.default if of.default_factory is MISSING else of.default_factory()


@dataclass(frozen=True, kw_only=True)
class FieldTable:
    """A table within a provider's: frozen, and taken from a plain mapping too, as in TOML."""

    def __post_init__(self) -> None:
        for each in fields(self):
            # What is wrong is for the provider to say, which knows where the table stands.
            with contextlib.suppress(ConfigurationError):
                value = taken(each, getattr(self, each.name), FieldPath("", each.name))
                object.__setattr__(self, each.name, value)

    @classmethod
    def read(cls, value: Any, place: FieldPath) -> Self:
        """The table that ``value`` is or describes.

        Raises:
            ConfigurationError: names what is wrong, and the key that may have been meant.
        """
        known = {each.name: each for each in fields(cls)}
        given = vars(value) if isinstance(value, cls) else value
        if not isinstance(given, Mapping):
            raise place.must_be(_table_of(known))
        if unknown := [key for key in given if key not in known]:
            hint = nearest(unknown[0], known)
            raise ConfigurationError(f"{place} has an unknown key {unknown[0]!r}.", hint=hint)
        given = {key: each for key, each in given.items() if each is not None}
        if lacking := [key for key in _needed(known) if key not in given]:
            raise ConfigurationError(f"{place} needs the key {lacking[0]!r}.")
        within = {key: FieldPath(place.provider, f"{place.path}.{key}") for key in given}
        return cls(**{key: taken(known[key], each, within[key]) for key, each in given.items()})


def _needed(known: Mapping[str, Field[Any]]) -> list[str]:
    return [name for name, each in known.items() if default_of(each) is MISSING]


def _table_of(known: Mapping[str, Field[Any]]) -> str:
    needed = _needed(known)
    others = ", ".join(f"`{name}`" for name in known if name not in needed)
    if not needed:
        return f"a table with any of {others}"
    return f"a table with {', '.join(f'`{name}`' for name in needed)} and optionally {others}"


def nearest(name: Any, known: Collection[str], most: int = 1) -> str:
    """The hint of an error: the names that may have been meant by a wrong one, else all of them."""
    import difflib

    near = difflib.get_close_matches(str(name), known, most)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known are: {', '.join(sorted(known)) or 'none'}."


# -- what rests as it is given -------------------------------------------------------------------


def checked(fits: Callable[[Any], Any], must_be: str) -> Callable[[Any, FieldPath], Any]:
    """The kind of all values that ``fits`` is true of."""

    def read(value: Any, place: FieldPath) -> Any:
        if not fits(value):
            raise place.must_be(must_be)
        return value

    return read


def one_of(*names: str) -> Kind:
    """One of these strings."""
    return checked(lambda value: value in names, f"one of {', '.join(names)}")


def _text(value: Any) -> bool:
    return isinstance(value, str)


string = checked(_text, "a string")
date_format = checked(
    lambda value: _text(value) and dates.is_format(value),
    "a date format with year, month and day, such as '%Y-%m-%d'",
)
package_path = checked(
    lambda value: _text(value) and not OUTSIDE.search(value), "a path in that package"
)
header_name = checked(
    lambda value: _text(value) and HEADER_NAME.fullmatch(value), "the name of an HTTP header"
)
header_template = checked(
    lambda value: _text(value) and HEADER_TEMPLATE.fullmatch(value),
    "a header's value with one {token} in it, like 'Bearer {token}'",
)
flag = checked(lambda value: isinstance(value, bool), "true or false")
seconds = checked(
    lambda value: times.is_number(value) and value <= times.LAST, "a number of seconds"
)
count = checked(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "a whole number from 1 up",
)


# -- strings -------------------------------------------------------------------------------------


def secret(value: Any, place: FieldPath) -> Secret:
    """A string that nothing shows."""
    return value if isinstance(value, Secret) else Secret(string(value, place))


def title(value: Any, place: FieldPath) -> str:
    """One short line of what can be seen."""
    return plain_text(string(value, place), MAX_TITLE)


def url(value: Any, place: FieldPath) -> str:
    """One that a token may travel to: https, or http to this machine."""
    return require_secure(string(value, place), place.path)


def url_or_empty(value: Any, place: FieldPath) -> str:
    """The same; an empty one is none."""
    return url(value, place) if value != "" else ""


def url_or_path(value: Any, place: FieldPath) -> str:
    """The same, or a path where the browser is: two slashes would name a host."""
    is_path = string(value, place).startswith("/") and not value.startswith(("//", "/\\"))
    return str(value) if is_path else url(value, place)


# -- lists, which rest as tuples -----------------------------------------------------------------


def strings(value: Any, place: FieldPath) -> tuple[str, ...]:
    """Strings as they are."""
    if not isinstance(value, list | tuple) or not all(map(_text, value)):
        raise place.must_be("a list of strings")
    return tuple(value)


def words(value: Any, place: FieldPath) -> tuple[str, ...]:
    """Strings; of one string, its words."""
    return strings(value.split() if isinstance(value, str) else value, place)


def grants(value: Any, place: FieldPath) -> tuple[str, ...]:
    """Names of grants."""
    named = words(value, place)
    if not set(named) <= set(GRANTS):
        raise place.must_be(f"a list of these: {', '.join(GRANTS)}")
    return named


def origins(value: Any, place: FieldPath) -> tuple[str, ...]:
    """Origins that a token may travel to; of a URL, its origin."""
    return tuple(origin_of(require_secure(each, "API origin")) for each in words(value, place))


def statuses(value: Any, place: FieldPath) -> tuple[int, ...]:
    """Status codes of HTTP."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, int) for each in value):
        raise place.must_be("a list of HTTP status codes")
    return tuple(value)


# -- tables of strings ---------------------------------------------------------------------------


def mapping(value: Any, place: FieldPath) -> Mapping[str, str]:
    """Strings by name."""
    if not isinstance(value, Mapping) or not all(map(_text, [*value, *value.values()])):
        raise place.must_be("a table of strings")
    return MappingProxyType(dict(value))


def parameters(value: Any, place: FieldPath) -> Mapping[str, str]:
    """Parameters of a request, but for those of the protocol itself."""
    read = mapping(value, place)
    if reserved := RESERVED_PARAMS & read.keys():
        raise place.must_be(f"without {min(reserved)!r}, which is a parameter of the protocol")
    return read


def response_fields(value: Any, place: FieldPath) -> Mapping[str, str]:
    """Where in a token response its fields are.

    SECURITY 11: a kernel is given access tokens, so nothing else is taken for one.
    """
    read = mapping(value, place)
    for name, path in read.items():
        found = {secret_field(each) for each in path.split(".")} - {None, name}
        if found:
            raise ConfigurationError(
                f"{place} takes the {found.pop()} for {name!r:.60}.",
                hint=f"Say where the provider's own {name!r:.60} is, or leave it out.",
            )
    return read


def secret_field(name: str) -> str | None:
    """Which token that no kernel gets as an access token a field of that name holds."""
    letters = re.sub("[^a-z]", "", name.lower())
    if "refreshtoken" in letters:
        return "refresh_token"
    return "id_token" if letters == "idtoken" else None


def key_parts(value: Any, place: FieldPath) -> Mapping[str, str]:
    """What people call the parts of a static key."""
    read = mapping(value, place)
    if not all(map(KEY_PART.fullmatch, read)):
        raise place.must_be("a table whose keys are lower-case words, such as `key_id`")
    return read


def headers_by_origin(value: Any, place: FieldPath) -> Mapping[str, Mapping[str, str]]:
    """Headers of a request, by the origin that they go to; ``"*"``: each other one."""
    if not isinstance(value, Mapping):
        raise place.must_be("a table of tables of strings")
    read = {origin: mapping(headers, place) for origin, headers in value.items()}
    for origin, headers in read.items():
        if string(origin, place) != "*":
            require_secure(origin, "API origin")
        for name in headers:
            header_name(name, place)
    return MappingProxyType(read)
