"""The tables of a provider's definition: frozen values, or plain mappings as in TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from jupyter_auth.core.common.override import override
from jupyter_auth.core.provider import kinds
from jupyter_auth.core.provider.kinds import FieldPath, FieldTable, described
from jupyter_auth.core.record import MISSING, fields, record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from jupyter_auth.core.secret import Secret

ClientAuth = Literal["auto", "basic", "post", "none", "query"]
CLIENT_AUTH = kinds.one_of(*get_args(ClientAuth))
Loopback = Literal["localhost", "127.0.0.1"]
LOOPBACK = kinds.one_of(*get_args(Loopback))
ResourceParameter = Literal["resource", "scope", "audience"]
RESOURCE_PARAMETER = kinds.one_of(*get_args(ResourceParameter))
TokenRequest = Literal["form", "json"]
TOKEN_REQUEST = kinds.one_of(*get_args(TokenRequest))
PlaceholderKind = Literal["host", "segment", "url"]
SubjectToken = Literal["access_token", "id_token"]
ExchangeGrant = Literal["token_exchange", "client_credentials"]
RegisteredClient = Literal["public", "confidential", "either", "none"]


@record(frozen=True, kw_only=True)
class Endpoints(FieldTable):
    """An authorization server's endpoints: fields of RFC 8414 2 and OIDC Discovery 3."""

    issuer: str | None = described(kinds.string)
    authorization_endpoint: str | None = described(kinds.url_or_path)
    token_endpoint: str | None = described(kinds.url)
    refresh_endpoint: str | None = described(kinds.url)  # if not the token endpoint
    revocation_endpoint: str | None = described(kinds.url)
    registration_endpoint: str | None = described(kinds.url)
    userinfo_endpoint: str | None = described(kinds.url)
    device_authorization_endpoint: str | None = described(kinds.url)
    jwks_uri: str | None = described(kinds.url)
    scopes_supported: tuple[str, ...] = described(
        kinds.words, default=(), harmless="what may be requested"
    )
    grant_types_supported: tuple[str, ...] = described(
        kinds.words, default=(), harmless="which grants there are"
    )
    token_endpoint_auth_methods_supported: tuple[str, ...] = described(kinds.words, default=())
    id_token_signing_alg_values_supported: tuple[str, ...] = described(
        kinds.words, default=("RS256",)
    )
    authorization_response_iss_parameter_supported: bool = described(kinds.flag, default=False)
    require_pushed_authorization_requests: bool | None = described(kinds.flag)
    require_signed_request_object: bool | None = described(kinds.flag)
    client_id_metadata_document_supported: bool = described(
        kinds.flag, default=False, harmless="how a client is known there"
    )


_KINDS = {each.name: each.metadata["kind"] for each in fields(Endpoints)}
URLS = [name for name, kind in _KINDS.items() if kind in (kinds.url, kinds.url_or_path)]
FLAGS = [name for name, kind in _KINDS.items() if kind is kinds.flag]
LISTS = [name for name, kind in _KINDS.items() if kind is kinds.words]


@record(frozen=True, kw_only=True)
class Header(FieldTable):
    """How an access token is sent to the API."""

    name: str = described(kinds.header_name, default="Authorization")
    template: str = described(
        kinds.header_template, "its value, with `{token}`", default="Bearer {token}"
    )


@record(frozen=True, kw_only=True)
class Service(FieldTable):
    """What is different for service accounts (RFC 6749 4.4). A field of None is the provider's own.

    A broker issues tokens of service accounts only for providers that have this table, so that the
    client secret for people's sign-ins is not lent out by accident.
    """

    token_endpoint: str | None = described(kinds.url)
    client_id: str | None = described(
        kinds.string, harmless="which client a service account is; its secret is for the same place"
    )
    client_secret: Secret | None = described(
        kinds.secret, harmless="is what is bound; a new one is for the same place"
    )
    client_auth: ClientAuth | None = described(CLIENT_AUTH)
    scopes: tuple[str, ...] | None = described(kinds.words, harmless="what is requested")
    audience: str | None = described(kinds.string)
    token_params: Mapping[str, str] | None = described(kinds.parameters)


@record(frozen=True, kw_only=True)
class Resource(FieldTable):
    """One more API that the same sign-in gives tokens for."""

    scopes: tuple[str, ...] = described(
        kinds.words, "what to request for it", default=(), harmless="what is requested"
    )
    api_origins: tuple[str, ...] = described(
        kinds.origins, "where its token may be sent, if not to its own origin", default=()
    )
    base_url: str | None = described(
        kinds.url, "what relative URLs are joined to, if not to the identifier"
    )
    token_name: str | None = described(kinds.string, "how `other_tokens` names its token")


RESOURCES = kinds.TablesByName(Resource, 20)


@record(frozen=True, kw_only=True)
class Exchange(FieldTable):
    """How another account's token becomes one for this provider (RFC 8693 2.1).

    ``source`` is called `from` in a file, which is a word of Python's.
    """

    source: str = described(
        kinds.string,
        "the provider whose account's token is exchanged; written `from` in a file",
        default=MISSING,
    )
    subject_token: SubjectToken = described(
        kinds.one_of(*get_args(SubjectToken)),
        "which of its tokens: `access_token` or `id_token`",
        default="access_token",
    )
    subject_token_type: str | None = described(
        kinds.resource, "what kind of token that is, if not the URN of that name"
    )
    requested_token_type: str | None = described(
        kinds.resource, "which kind to ask for, if not an access token"
    )
    audience: str | None = described(kinds.string, "what the new token is for")
    grant: ExchangeGrant = described(
        kinds.one_of(*get_args(ExchangeGrant)),
        "`token_exchange` (RFC 8693); or `client_credentials`, where the token authenticates the"
        " client (RFC 7523 2.2)",
        default="token_exchange",
    )

    @override
    @classmethod
    def read(cls, value: Any, path: FieldPath) -> Self:
        if isinstance(value, Mapping) and "from" in value:
            value = {"source" if key == "from" else key: each for key, each in value.items()}
        return super().read(value, path)


@record(frozen=True, kw_only=True)
class OtherTokens(FieldTable):
    """Where a token response has tokens for other APIs, each a token response itself."""

    list: str = described(kinds.string, "the field with the list", default=MISSING)
    name: str = described(
        kinds.string, "the field of each that says which API it is for", default=MISSING
    )


@record(frozen=True, kw_only=True)
class Policy(FieldTable):
    """What may be asked for at a provider, and by whom. A key of None limits nothing.

    ``*`` in a scope or a resource stands for any characters but spaces and commas.
    """

    groups: tuple[str, ...] | None = described(
        kinds.strings, "groups of the JupyterHub whose members may use it, by the Hub's service"
    )
    scopes: tuple[str, ...] | None = described(
        kinds.words,
        "scopes that may be requested, such as `repo:*`, besides those of OpenID Connect"
        " (`openid profile email address phone offline_access`)",
    )
    resources: tuple[str, ...] | None = described(
        kinds.words, "resources (RFC 8707) that tokens may be requested for"
    )
    unused: int | None = described(
        kinds.count, "days after which the Hub's service removes an account that is not used"
    )


def beyond(allowed: Collection[str] | None, asked: Iterable[str]) -> list[str]:
    """Those of ``asked`` that no pattern of ``allowed`` covers; None covers all."""
    if allowed is None:
        return []
    patterns = [re.escape(each).replace(r"\*", r"[^\s,]*") for each in allowed]
    covered = re.compile("|".join(patterns) or r"(?!)")
    return [each for each in dict.fromkeys(asked) if not covered.fullmatch(each)]


@record(frozen=True, kw_only=True)
class Throttle(FieldTable):
    """What is known of an API's limits. Calls of one token are counted, to warn in time.

    ``scope``: whether a lockout is of every token of the client, or of those of one account.
    """

    statuses: tuple[int, ...] = described(
        kinds.statuses, 'those that mean "too many requests"', default=(429, 503)
    )
    lockout: float | None = described(
        kinds.seconds, "seconds for which the API then refuses all calls"
    )
    scope: Literal["client", "account"] = described(
        kinds.one_of("client", "account"),
        "whose calls count: those of the `client` or of the `account`",
        default="account",
    )
    limit: int | None = described(kinds.count, "calls of a token per window")
    window: float = described(kinds.seconds, "seconds", default=300.0)


@record(frozen=True, kw_only=True)
class CredentialsFrom(FieldTable):
    """Public client credentials in a JSON file of an installed package, read at run time."""

    package: str = described(kinds.string, default=MISSING)
    file: str = described(kinds.package_path, "its path in that package", default=MISSING)
    client_id: str = described(kinds.string, "the key of the id in that file", default=MISSING)
    client_secret: str | None = described(kinds.string, "the key of the secret")


@record(frozen=True, kw_only=True)
class OtherCache(FieldTable):
    """Where another package keeps its sign-ins: JSON objects with a ``refresh_token``."""

    paths: tuple[str, ...] = described(
        kinds.strings,
        "files, which may begin with `~` or a variable, with a `*` where the package puts its own"
        " name for a sign-in",
        default=MISSING,
    )
    unnamed: tuple[str, ...] = described(
        kinds.words, "texts in place of the `*` that are not such a name", default=()
    )
    matches: Mapping[str, str] = described(
        kinds.mapping, "fields and values that such a file must have", default=dict
    )
    token_endpoint: str | None = described(
        kinds.string, "the field with the URL that the token came from"
    )


@record(frozen=True, kw_only=True)
class Paste(FieldTable):
    """What a person pastes where no callback is possible."""

    url: str = described(kinds.url, "the page that shows it", default=MISSING)
    hosts: tuple[str, ...] = described(
        kinds.words,
        "hosts, with a port if there is one, of token endpoints that may come with the code",
        default=(),
    )


@record(frozen=True, kw_only=True)
class ApiKey(FieldTable):
    """A static key of one or more parts."""

    parts: Mapping[str, str] = described(
        kinds.key_parts, "their names, and what people call them", default=MISSING
    )
    headers: Mapping[str, Mapping[str, str]] = described(
        kinds.headers_by_origin,
        "those of a request, by origin, or `*` for all others; a value contains `{part}`, or"
        " `{part:head}` for what comes before its first colon",
        default=MISSING,
    )
    environment: Mapping[str, str] = described(
        kinds.mapping,
        "variables for the parts, besides `JUPYTER_AUTH_<PROVIDER>_<PART>`",
        default=dict,
    )
    aliases: Mapping[str, str] = described(
        kinds.mapping,
        "other names for the parts in `session.api_keys`",
        default=dict,
        harmless="names that a key's parts have in code",
    )

    @override
    @classmethod
    def read(cls, value: Any, path: FieldPath) -> Self:
        key = super().read(value, path)
        made = re.compile(f"(?:[ -z|~]|{{(?:{'|'.join(key.parts)})(?::head)?}})*")
        for headers in key.headers.values():
            if not all(map(made.fullmatch, headers.values())):
                raise path.key("headers").must_be(
                    "a table of headers made of the parts",
                    hint="The value of a header contains parts, like '{key}' or '{key:head}'.",
                )
        return key


@record(frozen=True, kw_only=True)
class Placeholder(FieldTable):
    """A value that a preset leaves open: ``{host}`` in its strings, if it is called ``host``."""

    says: str = described(kinds.title, "what people are asked for", default=MISSING)
    default: str | None = described(kinds.string, "used where none is set")
    kind: PlaceholderKind = described(
        kinds.one_of(*get_args(PlaceholderKind)),
        "a `host`, with a port if there is one; one `segment` of a path; or a whole `url`",
        default="host",
    )


PLACEHOLDER = r"[a-z][a-z0-9_]*"
TEMPLATES = frozenset({"token", "redirect_uri", "tenantid"})  # words in braces with a meaning


def placeholder_tables(value: Any, path: FieldPath) -> Mapping[str, Placeholder]:
    """Placeholders, by name."""
    if not isinstance(value, Mapping) or not all(
        re.fullmatch(PLACEHOLDER, str(name)) and name not in TEMPLATES for name in value
    ):
        raise path.must_be("a table of placeholders, whose names are lower-case words")
    return MappingProxyType(
        {name: Placeholder.read(each, path.key(name)) for name, each in value.items()}
    )


@record(frozen=True, kw_only=True)
class Register(FieldTable):
    """How a person gets a client ID there: where, of which kind, in at most three sentences."""

    url: str | None = described(kinds.url, "the page with the form")
    client: RegisteredClient = described(
        kinds.one_of(*get_args(RegisteredClient)),
        "which kind of client to register: `public`, `confidential` (it has a secret), `either`;"
        " `none`: there is nothing to register",
        default="either",
    )
    says: tuple[str, ...] = described(
        kinds.sentences,
        "what to do there, in at most three sentences, which may contain `{redirect_uri}`",
        default=(),
    )
