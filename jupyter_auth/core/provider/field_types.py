"""What a provider is made of, where that is more than a text: frozen values, as in ``models``.

Each can be given as a table too (a plain mapping, as in TOML): ``taken`` makes it of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from jupyter_auth.core.common.rate_limits import Throttle
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from dataclasses import Field

ClientAuth = Literal["basic", "post", "none", "query"]


def words(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """The words of a text, or of a list as they are."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())


def _take_words(part: Any, *names: str) -> None:
    """A text or a list is taken where a tuple rests; what is neither is for ``checks`` to name."""
    for name in names:
        if isinstance(value := getattr(part, name), str | list):
            object.__setattr__(part, name, words(value))


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where an authorization server answers: the fields of RFC 8414 2 and OIDC Discovery 3."""

    issuer: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    jwks_uri: str | None = None
    scopes_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False

    def __post_init__(self) -> None:
        lists = ("scopes_supported", "grant_types_supported")
        _take_words(self, *lists, "id_token_signing_alg_values_supported")


@dataclass(frozen=True, kw_only=True)
class Header:
    """How an access token is sent to the API: the header's name, and a template for its value."""

    name: str = "Authorization"
    template: str = "Bearer {token}"


@dataclass(frozen=True, kw_only=True)
class Service:
    """What is different for service accounts (RFC 6749 4.4). A field of None is the provider's own.

    A broker issues tokens of service accounts for those providers alone that have one of these:
    the client secret of people's sign-ins is not lent out by accident.
    """

    token_endpoint: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    client_auth: ClientAuth | None = None
    scopes: tuple[str, ...] | None = None
    audience: str | None = None
    token_params: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        secret: Secret | str | None = self.client_secret
        if isinstance(secret, str):
            object.__setattr__(self, "client_secret", Secret(secret))
        _take_words(self, "scopes")


@dataclass(frozen=True, kw_only=True)
class CredentialsFrom:
    """Public client credentials in a JSON file of an installed package, read at run time.

    ``file`` is its path in that distribution, the other two are names in its JSON object.
    """

    package: str
    file: str
    client_id: str
    client_secret: str | None = None


@dataclass(frozen=True, kw_only=True)
class OtherCache:
    """Where another package keeps its sign-ins: JSON objects with a ``refresh_token``.

    ``paths`` may begin with ``~`` or a variable, and have a star where the package has a name of
    its own for a sign-in, unless that is among ``unnamed``. ``matches``: what has to stand in the
    file; ``token_endpoint``: the field with the URL that the token came from, if there is one.
    """

    paths: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    matches: Mapping[str, str] = field(default_factory=dict)
    token_endpoint: str | None = None

    def __post_init__(self) -> None:
        _take_words(self, "unnamed")


@dataclass(frozen=True, kw_only=True)
class Paste:
    """What a person pastes where no callback leads back to us.

    ``url`` is the page that shows it. A token endpoint that comes with the code is believed only on
    one of ``hosts`` (with the port, where there is one).
    """

    url: str
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _take_words(self, "hosts")


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A static key of one or more ``parts``: their names, and what people call them.

    ``headers`` are those of a request, by origin (``"*"``: each other one that a token may go to):
    ``{name}`` in a value stands for a part, ``{name:head}`` for what comes before its first colon.
    ``environment``: variables for the parts, besides ``JUPYTER_AUTH_<PROVIDER>_<PART>``;
    ``aliases``: other names for them, which another package's users know.
    """

    parts: Mapping[str, str]
    headers: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


PARTS: dict[str, type[Any]] = {
    "endpoints": Endpoints,
    "header": Header,
    "service": Service,
    "throttle": Throttle,
    "credentials_from": CredentialsFrom,
    "import_from": OtherCache,
    "paste": Paste,
    "api_key": ApiKey,
}


def taken(provider: str, field: Field[Any], value: Any) -> Any:
    """What ``value`` means for that field of a provider: a table becomes the part it describes.

    None is the field's default, as is a field that a file does not have.

    Raises:
        ConfigurationError: names what is wrong with a table, and the key that may have been meant.
    """
    if value is None:
        return default_of(field)
    kind = PARTS.get(field.name)
    if kind is None or isinstance(value, kind):
        return value
    known = {each.name: each for each in fields(kind)}
    of = f"{field.name!r} of provider {provider!r}"
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"The field {of} must be a table of: {', '.join(sorted(known))}.")
    if unknown := [key for key in value if key not in known]:
        raise ConfigurationError(
            f"The field {of} has an unknown key {unknown[0]!r}.", hint=nearest(unknown[0], known)
        )
    given = {name: each for name, each in value.items() if each is not None}
    if lacking := [
        n for n, each in known.items() if n not in given and default_of(each) is MISSING
    ]:
        raise ConfigurationError(f"The field {of} needs the key {lacking[0]!r}.")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})


def default_of(field: Field[Any]) -> Any:
    """What a field is where nobody gives it; MISSING: somebody has to."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def nearest(name: Any, known: Collection[str], most: int = 1) -> str:
    """The hint of an error: the names that may have been meant by a wrong one, else all of them."""
    import difflib

    near = difflib.get_close_matches(str(name), known, most)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known are: {', '.join(sorted(known)) or 'none'}."
