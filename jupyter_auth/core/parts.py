"""What a provider is made of, where that is more than a text: frozen values, as in ``models``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ClientAuth = Literal["basic", "post", "none", "query"]


def words(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """The words of a text, or of a list as they are."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())


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
        put = object.__setattr__
        secret: Secret | str | None = self.client_secret
        put(self, "client_secret", Secret(secret) if isinstance(secret, str) else secret)
        if self.scopes is not None:
            put(self, "scopes", words(self.scopes))


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


@dataclass(frozen=True, kw_only=True)
class Paste:
    """What a person pastes where no callback leads back to us.

    ``url`` is the page that shows it. A token endpoint that comes with the code is believed only on
    one of ``hosts`` (with the port, where there is one).
    """

    url: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A static key of one or more ``parts``: their names, and what people call them.

    ``headers`` are those of a request, by origin (``"*"``: each other one that a token may go to):
    ``{name}`` in a value stands for a part, ``{name:head}`` for what comes before its first colon.
    ``environment``: variables for the parts, besides ``JUPYTER_AUTH_<PROVIDER>_<PART>``.
    """

    parts: Mapping[str, str]
    headers: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, str] = field(default_factory=dict)
