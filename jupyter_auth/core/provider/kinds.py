"""Kinds of values that a provider's fields hold, and what is said of each field (``described``).

A kind takes a value as a file, a notebook or a mapping gives it, and returns it as the field holds
it: a tuple for a list, a ``Secret`` for a string. Its ConfigurationError says what the value must
be, and does not show it.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias
from urllib.parse import urlsplit

from jupyter_auth.core.common import times
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import api_origin, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import dates
from jupyter_auth.core.record import MISSING, Field, field, fields, record
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection

# Parameters that this package sets in an authorization or token request, never a configuration.
RESERVED_PARAMS = frozenset(
    {"client_id", "client_secret", "code", "code_challenge", "code_challenge_method"}
    | {"code_verifier", "grant_type", "nonce", "redirect_uri", "refresh_token", "response_type"}
    | {"scope", "state"}
)
GRANTS = ("authorization_code", "device_code", "password", "paste", "api_key")
# Patterns, compiled where they are used: most definitions need none of them.
KEY_PART = r"[a-z][a-z0-9_]*"
RESOURCE = r"[A-Za-z][A-Za-z0-9+.-]*:[!\"$-~]+"  # a URI without a fragment (RFC 8707 2)
MAX_RESOURCE = 500  # characters
HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 5.1
HEADER_TEMPLATE = r"[ -z|~]*\{token\}[ -z|~]*"
FIELD = r"\{([\w.-]+)\}"  # of a token response, by its name or the way to it
OUTSIDE = r"^[/\\]|:|(^|[/\\])\.\.($|[/\\])"  # a path that leaves its folder
MAX_TITLE = 100  # characters
MOST_NAMED = 16  # names in one sentence


class FieldPath(NamedTuple):
    """A field of a provider; ``name`` is dotted within a table: ``endpoints.token_endpoint``."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"The field {self.name!r} of provider {self.provider!r}"

    def key(self, name: str) -> FieldPath:
        """A key of this field, which is a table."""
        return FieldPath(self.provider, f"{self.name}.{name}")

    def must_be(self, what: str, hint: str = "") -> ConfigurationError:
        """The error for a value that is not ``what`` it must be."""
        return ConfigurationError(f"{self} must be {what}.", hint=hint)


Kind: TypeAlias = "Callable[[Any, FieldPath], Any] | type[FieldTable]"


def described(
    kind: Kind,
    meaning: str = "",
    *,
    default: Any = None,
    harmless: str = "",
    tokens_only: bool = False,
) -> Any:
    """A dataclass field with all that is said of it in its ``metadata``.

    ``meaning`` is what the documentation says. ``default`` may be a function that makes one; with
    ``MISSING`` the field is required. Accounts and stored secrets are bound to all fields (see
    ``binding``) but those that are ``harmless`` for the reason given. ``tokens_only``: the field
    says where tokens go, and not where a client secret goes.
    """
    about = {"kind": kind, "meaning": meaning, "harmless": harmless, "tokens_only": tokens_only}
    if callable(default):
        return field(default_factory=default, metadata=about)
    return field(default=default, metadata=about)


tokens_only = functools.partial(described, tokens_only=True)


def read_field(of: Field[Any], value: Any, path: FieldPath) -> Any:
    """``value`` as that field holds it; None stands for its default, as in a file without it."""
    kind = of.metadata["kind"]
    if value is None or (value is of.default and value is not MISSING):
        return default_of(of)
    return getattr(kind, "read", kind)(value, path)


def default_of(of: Field[Any]) -> Any:
    """The default of a field; ``MISSING`` for one that is required."""
    return of.default if of.default_factory is MISSING else of.default_factory()


@record(frozen=True, kw_only=True)
class FieldTable:
    """A table within a provider's: frozen, and made from a plain mapping too, as in TOML."""

    def __post_init__(self) -> None:
        for each in fields(self):
            # The provider reports what is wrong, as it knows where the table stands.
            with contextlib.suppress(ConfigurationError):
                path = FieldPath("", each.name)
                vars(self)[each.name] = read_field(each, getattr(self, each.name), path)

    @classmethod
    def read(cls, value: Any, path: FieldPath) -> Self:
        """The table that ``value`` is or describes.

        Raises:
            ConfigurationError: names what is wrong, and the key that may have been meant.
        """
        known = {each.name: each for each in fields(cls)}
        given = vars(value) if isinstance(value, cls) else value
        required = [name for name, each in known.items() if default_of(each) is MISSING]
        if not isinstance(given, Mapping):
            others = ", ".join(f"`{name}`" for name in known if name not in required)
            named = f"{', '.join(f'`{name}`' for name in required)} and optionally {others}"
            raise path.must_be(f"a table with {named if required else f'any of {others}'}")
        if unknown := [key for key in given if key not in known]:
            hint = nearest(unknown[0], known)
            raise ConfigurationError(f"{path} has an unknown key {unknown[0]!r}.", hint=hint)
        given = {key: each for key, each in given.items() if each is not None}
        if missing := [key for key in required if key not in given]:
            raise ConfigurationError(f"{path} needs the key {missing[0]!r}.")
        return cls(**{key: read_field(known[key], given[key], path.key(key)) for key in given})


class TablesByName:
    """The kind of tables of one kind, by name; ``most`` of them."""

    def __init__(self, table: type[FieldTable], most: int) -> None:
        self.table = table
        self._most = most

    def __call__(self, value: Any, path: FieldPath) -> Mapping[str, Any]:
        """The tables, read."""
        if not isinstance(value, Mapping) or len(value) > self._most:
            raise path.must_be(f"a table of at most {self._most} tables")
        read = {name: self.table.read(each, path.key(name)) for name, each in value.items()}
        return MappingProxyType(read)


def nearest(name: Any, known: Collection[str], most: int = 1) -> str:
    """A hint with the names that may have been meant by a wrong one, or else the first of all."""
    import difflib

    near = difflib.get_close_matches(str(name), known, most)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    named = known if isinstance(known, list) else sorted(known)
    others = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"Known are: {', '.join(named[:MOST_NAMED]) or 'none'}{others}."


# -- values that are kept as they are given ------------------------------------------------------


def checked(fits: Callable[[Any], Any], must_be: str) -> Callable[[Any, FieldPath], Any]:
    """The kind of all values that ``fits`` is true of."""

    def read(value: Any, path: FieldPath) -> Any:
        if not fits(value):
            raise path.must_be(must_be)
        return value

    return read


def one_of(*names: str) -> Kind:
    """One of these strings."""
    return checked(lambda value: value in names, f"one of {', '.join(names)}")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def is_resource(value: str) -> bool:
    """Whether it can name an API (RFC 8707 2): an absolute URI without a fragment."""
    return len(value) <= MAX_RESOURCE and re.fullmatch(RESOURCE, value) is not None


string = checked(_text, "a string")
date_format = checked(
    lambda value: _text(value) and dates.is_format(value),
    "a date format with year, month and day, such as '%Y-%m-%d', or 'milliseconds'",
)
package_path = checked(
    lambda value: _text(value) and not re.search(OUTSIDE, value), "a path in that package"
)
header_name = checked(
    lambda value: _text(value) and re.fullmatch(HEADER_NAME, value), "the name of an HTTP header"
)
template = checked(
    lambda value: _text(value) and re.search(FIELD, value), "a URL with a {field} of the response"
)
header_template = checked(
    lambda value: _text(value) and re.fullmatch(HEADER_TEMPLATE, value),
    "a header's value with one {token} in it, like 'Bearer {token}'",
)
resource = checked(
    lambda value: _text(value) and is_resource(value), "an absolute URI without a fragment"
)
flag = checked(lambda value: isinstance(value, bool), "true or false")
seconds = checked(
    lambda value: times.is_number(value) and value <= times.LAST, "a number of seconds"
)
MAX_TIMEOUT = 600.0  # seconds: a request holds a thread, and its account's lock
timeout = checked(
    lambda value: times.is_number(value) and value <= MAX_TIMEOUT,
    f"a number of seconds, {MAX_TIMEOUT:.0f} at most",
)
count = checked(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "a whole number from 1 up",
)


# -- strings -------------------------------------------------------------------------------------


def secret(value: Any, path: FieldPath) -> Secret:
    """A string that is never shown."""
    return value if isinstance(value, Secret) else Secret(string(value, path))


def title(value: Any, path: FieldPath) -> str:
    """One short line of visible characters."""
    return plain_text(string(value, path), MAX_TITLE)


def url(value: Any, path: FieldPath) -> str:
    """A URL that a token may be sent to: https, or http to this machine."""
    return require_secure(string(value, path), path.name)


def url_or_empty(value: Any, path: FieldPath) -> str:
    """The same; an empty string stands for none."""
    return url(value, path) if value != "" else ""


def _redirects(value: Any) -> bool:
    """Whether a browser may be sent there (RFC 6749 3.1.2); an empty string stands for none."""
    if not _text(value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return not value or (bool(parts.scheme) and port != 0 and "#" not in value)


redirect_uri = checked(_redirects, "a URL without a fragment")


def url_or_path(value: Any, path: FieldPath) -> str:
    """The same, or a path on the host of the browser: two slashes would name another host."""
    is_path = string(value, path).startswith("/") and not value.startswith(("//", "/\\"))
    return str(value) if is_path else url(value, path)


# -- lists, which are held as tuples -------------------------------------------------------------


def list_of(fits: Callable[[Any], bool], items: str) -> Callable[[Any, FieldPath], tuple[Any, ...]]:
    """The kind of lists of such ``items``."""

    def read(value: Any, path: FieldPath) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not all(map(fits, value)):
            raise path.must_be(f"a list of {items}")
        return tuple(value)

    return read


strings = list_of(_text, "strings")
MAX_SENTENCES, MAX_SENTENCE = 3, 300  # characters


def sentences(value: Any, path: FieldPath) -> tuple[str, ...]:
    """A few sentences for people."""
    if len(read := strings(value, path)) > MAX_SENTENCES:
        raise path.must_be(f"a list of {MAX_SENTENCES} sentences at most")
    return tuple(plain_text(each, MAX_SENTENCE) for each in read)


statuses = list_of(lambda value: isinstance(value, int), "HTTP status codes")


def words(value: Any, path: FieldPath) -> tuple[str, ...]:
    """A list of strings, or one string of several words."""
    return strings(value.split() if isinstance(value, str) else value, path)


def grants(value: Any, path: FieldPath) -> tuple[str, ...]:
    """Names of grants."""
    named = words(value, path)
    if not set(named) <= set(GRANTS):
        raise path.must_be(f"a list of these: {', '.join(GRANTS)}")
    return named


def origins(value: Any, path: FieldPath) -> tuple[str, ...]:
    """Origins that a token may be sent to; of a URL, its origin."""
    return tuple(map(api_origin, words(value, path)))


# -- tables of strings ---------------------------------------------------------------------------


def mapping(value: Any, path: FieldPath) -> Mapping[str, str]:
    """Strings by name."""
    if not isinstance(value, Mapping) or not all(map(_text, [*value, *value.values()])):
        raise path.must_be("a table of strings")
    return MappingProxyType(dict(value))


def parameters(value: Any, path: FieldPath) -> Mapping[str, str]:
    """Parameters of a request, without those of the protocol itself."""
    read = mapping(value, path)
    if reserved := RESERVED_PARAMS & read.keys():
        raise path.must_be(f"without {min(reserved)!r}, which is a parameter of the protocol")
    return read


def response_fields(value: Any, path: FieldPath) -> Mapping[str, str]:
    """Where in a token response its fields are, or what it calls them.

    SECURITY 11: kernels get access tokens, so no other token may be declared to be one.
    """
    read = mapping(value, path)
    for name, at in read.items():
        found = {secret_field(each) for each in at.split(".")} - {None, name}
        if found:
            raise ConfigurationError(
                f"{path} takes the {found.pop()} for {name!r:.60}.",
                hint=f"Give the path of the provider's own {name!r:.60}, or leave it out.",
            )
    return read


def secret_field(name: str) -> str | None:
    """The kind of token that a field of that name holds, if kernels do not get it."""
    letters = re.sub("[^a-z]", "", name.lower())
    if "refreshtoken" in letters:
        return "refresh_token"
    return "id_token" if letters == "idtoken" else None


def key_parts(value: Any, path: FieldPath) -> Mapping[str, str]:
    """The parts of a static key, with what people call them."""
    read = mapping(value, path)
    if not all(re.fullmatch(KEY_PART, each) for each in read):
        raise path.must_be("a table whose keys are lower-case words, such as `key_id`")
    return read


def headers_by_origin(value: Any, path: FieldPath) -> Mapping[str, Mapping[str, str]]:
    """Headers of a request, by the origin that it goes to; ``"*"`` stands for all others."""
    if not isinstance(value, Mapping):
        raise path.must_be("a table of tables of strings")
    read = {origin: mapping(headers, path) for origin, headers in value.items()}
    for origin, headers in read.items():
        if string(origin, path) != "*":
            require_secure(origin, "API origin")
        for name in headers:
            header_name(name, path)
    return MappingProxyType(read)
