"""A provider: an authorization server with one client registration, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.codec import ALWAYS
from jupyter_auth.core.common.handles import NAME, plain
from jupyter_auth.core.common.urls import host_of, hostname_of, origin_of, same_place
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding, kinds
from jupyter_auth.core.provider.field_types import (
    CLIENT_AUTH,
    URLS,
    ApiKey,
    ClientAuth,
    CredentialsFrom,
    Endpoints,
    Header,
    OtherCache,
    Paste,
    ServiceAccountFields,
    Throttle,
)
from jupyter_auth.core.provider.kinds import FieldPath, described, optional, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An authorization server with one client registration. Data, never a subclass.

    Give ``issuer`` and everything else is discovered (OIDC Discovery, RFC 8414), or ``endpoints``.
    Strings, lists and plain mappings are taken where secrets, tuples and tables (``Header``,
    ``Throttle`` ...) rest. The README's reference says what each field means.

    Raises:
        ConfigurationError: names the field that cannot work, and shows no value.
    """

    name: str = field(
        metadata=described(
            kinds.string,
            "What it is called here: up to 64 lower-case letters, digits, `.`, `-` or `_`. In a"
            " file it is the table's own name.",
            harmless="what is bound rests under it",
        )
    )
    title: str = optional(
        kinds.title, "What people read on buttons and pages.", default="", harmless="only shown"
    )
    issuer: str | None = optional(
        kinds.url_or_empty,
        "Its address. Everything else is discovered there (OIDC Discovery, RFC 8414).",
    )
    endpoints: Endpoints | None = optional(Endpoints, "Where there is no issuer, or besides it.")
    client_id: str | None = optional(kinds.string, "Your registration there.", tokens_only=True)
    client_secret: Secret | None = optional(
        kinds.secret,
        "Its secret, for a client that is not public. It stays with the broker; better in the"
        " environment than in a file.",
        harmless="is what is bound; a new one is for the same place",
    )
    client_auth: ClientAuth | None = optional(
        CLIENT_AUTH,
        "How the secret is shown: `basic` (with a secret), `post`, `query` (all of a token"
        " request in its URL), or `none`.",
    )
    grants: tuple[str, ...] = optional(
        kinds.grants,
        "How people sign in, the preferred grant first: `authorization_code` (the browser comes"
        " back here), `device_code` (a code to type at its page), `paste` (a text to copy from"
        " there), `api_key` (a static key), `password` (typed on a page of this server; old,"
        " and to be avoided). Empty: those it offers.",
        default=(),
        harmless="which grants there are; where each leads is in the endpoints",
    )
    scopes: tuple[str, ...] = optional(
        kinds.words,
        "What to ask for. Empty: `openid profile email offline_access`, as far as offered.",
        default=(),
        harmless="what is asked for; an account knows what it was granted",
    )
    audience: str | None = optional(
        kinds.string,
        "The API that tokens are for, where the provider wants to know.",
        tokens_only=True,
    )
    authorize_params: Mapping[str, str] = optional(
        kinds.parameters,
        "Further parameters of the authorization request.",
        default=dict,
        tokens_only=True,
    )
    token_params: Mapping[str, str] = optional(
        kinds.parameters,
        "Further parameters of the token request: added last, under these very names.",
        default=dict,
    )
    redirect_uri: str | None = optional(
        kinds.string,
        "The one address that is registered, where it cannot be this server's own. One at"
        " another port of this machine is listened at; a browser elsewhere has its answer"
        " pasted.",
        harmless="each login is bound to its own; no token and no client secret goes there",
    )
    base_url: str | None = optional(
        kinds.url_or_empty, "What relative URLs of a session are joined to.", tokens_only=True
    )
    api_origins: tuple[str, ...] = optional(
        kinds.origins,
        "Where the token may go. Empty: the origin of `base_url`, else of the issuer.",
        default=(),
        tokens_only=True,
    )
    header: Header = optional(
        Header, "The header that carries the token.", default=Header, tokens_only=True
    )
    username_claim: str | None = optional(
        kinds.string,
        "The claim with the name to show.",
        harmless="which claim is shown as the name; the account keeps issuer and subject",
    )
    username_url: str | None = optional(
        kinds.url_or_empty, 'An API\'s "me", to find that claim in.', tokens_only=True
    )
    ca_bundle: str | None = optional(
        kinds.string, "A file of certificates to trust there, in place of the usual ones."
    )
    leeway: float | None = optional(
        kinds.seconds,
        "Seconds before expiry that a token is refreshed. None: a tenth of its life, at most 60.",
        harmless="when a token is refreshed",
    )
    refresh_on: tuple[int, ...] = optional(
        kinds.statuses,
        'HTTP statuses that mean "this token is dead".',
        default=(401,),
        harmless="when a token is refreshed",
    )
    revoke: bool = optional(
        kinds.flag,
        "Whether a sign-out revokes at the provider too (RFC 7009).",
        default=True,
        harmless="whether a sign-out also asks the provider",
    )
    param_names: Mapping[str, str] = optional(
        kinds.mapping, "Other names for what is sent to its token endpoint.", default=dict
    )
    token_response: Mapping[str, str] = optional(
        kinds.response_fields,
        "Where in its answer the fields of RFC 6749 5.1 are, as in"
        ' `{access_token = "details.accessToken"}`.',
        default=dict,
        tokens_only=True,
    )
    expires_format: str | None = optional(
        kinds.date_format,
        "How `expires_at` reads there, in the letters of `strptime`.",
        harmless="how a date reads",
    )
    scope_separator: str | None = optional(
        kinds.string,
        "What stands between the scopes in its answers, where that is no space.",
        harmless="how the scopes of an answer read",
    )
    scope_aliases: Mapping[str, str] = optional(
        kinds.mapping,
        "The scopes that its answers call by another name than they were asked for by:"
        ' `{answered = "asked"}`.',
        default=dict,
        harmless="how the scopes of an answer read",
    )
    api_headers: Mapping[str, str] = optional(
        kinds.mapping,
        "Headers for each request of a session, such as `Accept`.",
        default=dict,
        tokens_only=True,
    )
    throttle: Throttle = optional(
        Throttle,
        "What is known of the API's limits.",
        default=Throttle,
        harmless="how often an API is called",
    )
    service: ServiceAccountFields | None = optional(
        ServiceAccountFields,
        "What is different for service accounts. It has to be there, if only as `{}`, for the"
        " broker to issue their tokens to kernels.",
    )
    credentials_from: CredentialsFrom | None = optional(
        CredentialsFrom,
        "An installed package whose JSON file has a public client's credentials.",
        tokens_only=True,
    )
    import_from: OtherCache | None = optional(
        OtherCache,
        "Where another package keeps its sign-ins, for `jupyter auth import`.",
        tokens_only=True,
    )
    paste: Paste | None = optional(Paste, "Where a person finds the text that they paste.")
    api_key: ApiKey | None = optional(ApiKey, "What a static key is there.", tokens_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} is not a valid provider name.",
                hint="Use up to 64 lower-case letters, digits, dots, dashes or underscores.",
            )
        put = object.__setattr__
        for each in fields(self):
            put(
                self,
                each.name,
                taken(each, getattr(self, each.name), FieldPath(self.name, each.name)),
            )
        if not self.issuer and not (self.endpoints and self.endpoints.token_endpoint):
            raise ConfigurationError(
                f"Provider {self.name!r} has no address.",
                hint="Give its issuer URL, or its endpoints with a token_endpoint.",
            )
        for name, value in self.derived.items():
            put(self, name, getattr(self, name) or value)

    @property
    def derived(self) -> dict[str, Any]:
        """What follows from other fields where it is not given."""
        return {
            "title": self.name,
            "client_auth": "basic" if self.client_secret else "none",
            "api_origins": (origin_of(self.base_url or self.address),),
        }

    @property
    def address(self) -> str:
        """The issuer, or the token endpoint of a server that has none."""
        if self.issuer:
            return self.issuer
        assert self.endpoints and self.endpoints.token_endpoint  # noqa: S101, PT018 (post_init)
        return self.endpoints.token_endpoint

    @property
    def trust(self) -> RequestRules:
        """What may be believed when it is asked, and which hosts it names itself."""
        from jupyter_auth.core.common.blocked_addresses import (
            RequestRules,  # for who asks it anything
        )

        given = (getattr(self.endpoints, name, None) for name in URLS)
        urls = [url for url in (self.issuer, self.username_url, *given) if url and url[0] != "/"]
        return RequestRules(self.ca_bundle, frozenset(map(hostname_of, urls)))

    def is_answered_at(self, redirect_uri: str) -> bool:
        """Whether its answers may arrive there: at the one of its own, or a path with its name."""
        if self.redirect_uri:
            return same_place(self.redirect_uri, redirect_uri)
        return urlsplit(redirect_uri).path.endswith(f"/callback/{self.name}")

    @property
    def fingerprint(self) -> str:
        """What accounts and secrets are bound to: another configuration never reads them."""
        return binding.digest(self)

    @property
    def first_fingerprint(self) -> str:
        """The same in the first version of this package."""
        at = self.endpoints or Endpoints()
        urls = (self.issuer, at.token_endpoint, at.revocation_endpoint)
        return binding.digest_of_first_version(*urls, self.client_id, self.audience)

    def fingerprints(self, *, trusted: bool) -> set[str]:
        """Those that it answers to. That of the first version is of five fields alone: it is for
        what no kernel can have changed since (``trusted``).
        """
        return {self.fingerprint} | ({self.first_fingerprint} if trusted else set())

    @property
    def reach(self) -> str:
        """Where a session sends tokens, as a digest: it knows by it that they are for there."""
        return binding.reach(self.base_url, self.api_origins, dict(self.api_headers))

    @property
    def vouches(self) -> bool:
        """Whether its user names say who people are: the administrator says where they stand."""
        return bool(self.username_claim or self.username_url)

    def as_service(self) -> Provider:
        """The same for a service account: with what ``service`` says in the place of its own.

        Public credentials of an application (``credentials_from``) are none of a service account.
        """
        given = {
            k: v for k, v in vars(self.service or ServiceAccountFields()).items() if v is not None
        }
        if self.credentials_from:
            nobody = {"client_id": None, "client_secret": None, "credentials_from": None}
            given = {**nobody, **given}
        if url := given.pop("token_endpoint", None):
            given |= {"endpoints": Endpoints(token_endpoint=url), "issuer": None}
        if self.client_auth == "none":  # said for people's sign-ins; a service account has a secret
            given.setdefault("client_auth", None)
        return replace(self, service=None, **given)

    def info(self, source: str = "code", handle: str | None = None) -> ProviderInfo:
        """What a kernel may know of this provider; ``handle``: what calls name it by."""
        given = self.endpoints.authorization_endpoint if self.endpoints else None
        return ProviderInfo(
            name=handle or self.name,
            title=self.title,
            host=host_of(given if given and not given.startswith("/") else self.address),
            scopes=self.scopes,
            base_url=self.base_url,
            api_origins=self.api_origins,
            refresh_on=self.refresh_on,
            api_headers=dict(self.api_headers),
            throttle=self.throttle,
            source=source,
            reach=self.reach,
        )


@dataclass(frozen=True, kw_only=True)
class ProviderInfo:
    """What a kernel may know of a provider. ``source``: configured, broken, code, user or preset.

    ``name`` is what calls name it by: the handle of one that was made in code.
    ``host`` is where people sign in as far as the configuration says: see ``Login`` for the rest.
    ``unattended``: whoever keeps the accounts can sign in there with nobody there. ``reach``: as in
    ``Provider``.
    """

    name: str
    title: str
    host: str
    scopes: tuple[str, ...] = ()
    base_url: str | None = None
    api_origins: tuple[str, ...] = ()
    refresh_on: tuple[int, ...] = (401,)
    api_headers: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    source: str = field(default="configured", metadata=ALWAYS)
    unattended: bool = False
    reach: str = ""


def configured_names(known: Iterable[ProviderInfo]) -> list[str]:
    """Those that somebody configured: no preset, and none of a notebook's own."""
    return [info.name for info in known if info.source not in {"preset", "code"}]


def default_names(known: Sequence[ProviderInfo]) -> list[str]:
    """Those that can be meant where none is named: the configured ones, else those of code."""
    made = [plain(info.name) for info in known if info.source == "code"]
    return configured_names(known) or made


def default_provider(known: Sequence[ProviderInfo]) -> str | None:
    """The one that is used where none is named and none is configured as the default."""
    names = default_names(known)
    return names[0] if len(names) == 1 else None
