"""The tables of a provider's definition: frozen values, or plain mappings as in TOML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from jupyter_auth.core.provider import kinds
from jupyter_auth.core.provider.kinds import FieldPath, FieldTable, described, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.secret import Secret

ClientAuth = Literal["basic", "post", "none", "query"]
CLIENT_AUTH = kinds.one_of(*get_args(ClientAuth))


@dataclass(frozen=True, kw_only=True)
class Endpoints(FieldTable):
    """Where an authorization server answers: the fields of RFC 8414 2 and OIDC Discovery 3."""

    issuer: str | None = optional(kinds.string)
    authorization_endpoint: str | None = optional(kinds.url_or_path)
    token_endpoint: str | None = optional(kinds.url)
    revocation_endpoint: str | None = optional(kinds.url)
    userinfo_endpoint: str | None = optional(kinds.url)
    device_authorization_endpoint: str | None = optional(kinds.url)
    jwks_uri: str | None = optional(kinds.url)
    scopes_supported: tuple[str, ...] = optional(
        kinds.words, default=(), harmless="what may be asked for"
    )
    grant_types_supported: tuple[str, ...] = optional(
        kinds.words, default=(), harmless="which grants there are"
    )
    id_token_signing_alg_values_supported: tuple[str, ...] = optional(
        kinds.words, default=("RS256",)
    )
    authorization_response_iss_parameter_supported: bool = optional(kinds.flag, default=False)


URLS = [
    each.name
    for each in fields(Endpoints)
    if each.metadata["kind"] in (kinds.url, kinds.url_or_path)
]


@dataclass(frozen=True, kw_only=True)
class Header(FieldTable):
    """How an access token is sent to the API."""

    name: str = optional(kinds.header_name, default="Authorization")
    template: str = optional(
        kinds.header_template, "its value, with `{token}`", default="Bearer {token}"
    )


@dataclass(frozen=True, kw_only=True)
class ServiceAccountFields(FieldTable):
    """What is different for service accounts (RFC 6749 4.4). A field of None is the provider's own.

    A broker issues tokens of service accounts for those providers alone that have one of these:
    the client secret of people's sign-ins is not lent out by accident.
    """

    token_endpoint: str | None = optional(kinds.url)
    client_id: str | None = optional(
        kinds.string, harmless="which client a service account is; its secret is for the same place"
    )
    client_secret: Secret | None = optional(
        kinds.secret, harmless="is what is bound; a new one is for the same place"
    )
    client_auth: ClientAuth | None = optional(CLIENT_AUTH)
    scopes: tuple[str, ...] | None = optional(kinds.words, harmless="what is asked for")
    audience: str | None = optional(kinds.string)
    token_params: Mapping[str, str] | None = optional(kinds.parameters)


@dataclass(frozen=True, kw_only=True)
class Throttle(FieldTable):
    """What is known of an API's limits beforehand. Calls of one token are counted, to warn in time.

    ``scope``: whether a lockout is of every token of the client, or of those of one account.
    """

    statuses: tuple[int, ...] = optional(
        kinds.statuses, 'those that say "too many"', default=(429, 503)
    )
    lockout: float | None = optional(kinds.seconds, "seconds that it refuses all calls then")
    scope: Literal["client", "account"] = optional(
        kinds.one_of("client", "account"),
        "whose calls: of the `client` or `account`",
        default="account",
    )
    limit: int | None = optional(kinds.count, "calls of a token per window")
    window: float = optional(kinds.seconds, "seconds", default=300.0)


@dataclass(frozen=True, kw_only=True)
class CredentialsFrom(FieldTable):
    """Public client credentials in a JSON file of an installed package, read at run time."""

    package: str = field(metadata=described(kinds.string))
    file: str = field(metadata=described(kinds.package_path, "its path in that package"))
    client_id: str = field(metadata=described(kinds.string, "the name of the id in that file"))
    client_secret: str | None = optional(kinds.string, "that of the secret")


@dataclass(frozen=True, kw_only=True)
class OtherCache(FieldTable):
    """Where another package keeps its sign-ins: JSON objects with a ``refresh_token``."""

    paths: tuple[str, ...] = field(
        metadata=described(
            kinds.strings,
            "files, that may begin with `~` or a variable, with a `*` where the package has its own"
            " name for a sign-in",
        )
    )
    unnamed: tuple[str, ...] = optional(
        kinds.words, "what stands there for the `*` and is no such name", default=()
    )
    matches: Mapping[str, str] = optional(
        kinds.mapping, "what has to stand in such a file", default=dict
    )
    token_endpoint: str | None = optional(
        kinds.string, "its field with the URL that the token came from"
    )


@dataclass(frozen=True, kw_only=True)
class Paste(FieldTable):
    """What a person pastes where no callback leads back to us."""

    url: str = field(metadata=described(kinds.url, "the page that shows it"))
    hosts: tuple[str, ...] = optional(
        kinds.words,
        "where a token endpoint that comes with the code may be, with the port if there is one",
        default=(),
    )


@dataclass(frozen=True, kw_only=True)
class ApiKey(FieldTable):
    """A static key of one or more parts."""

    parts: Mapping[str, str] = field(
        metadata=described(kinds.key_parts, "their names, and what people call them")
    )
    headers: Mapping[str, Mapping[str, str]] = field(
        metadata=described(
            kinds.headers_by_origin,
            "those of a request, by origin or for each other one, `*`; in a value stands `{part}`,"
            " or `{part:head}` for what comes before its first colon",
        )
    )
    environment: Mapping[str, str] = optional(
        kinds.mapping,
        "variables for the parts, besides `JUPYTER_AUTH_<PROVIDER>_<PART>`",
        default=dict,
    )
    aliases: Mapping[str, str] = optional(
        kinds.mapping,
        "other names for the parts in `session.api_keys`",
        default=dict,
        harmless="names that a key's parts have in code",
    )

    @classmethod
    def read(cls, value: Any, place: FieldPath) -> Self:
        """As of every table; each header's value is made of the parts."""
        key = super().read(value, place)
        made = re.compile(f"(?:[ -z|~]|{{(?:{'|'.join(key.parts)})(?::head)?}})*")
        for headers in key.headers.values():
            if not all(map(made.fullmatch, headers.values())):
                raise FieldPath(place.provider, f"{place.path}.headers").must_be(
                    "a table of headers made of the parts",
                    hint="The value of a header has parts in it, like '{key}' or '{key:head}'.",
                )
        return key
