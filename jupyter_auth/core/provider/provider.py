"""A provider: an authorization server with one client registration, as frozen data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.handles import NAME
from jupyter_auth.core.common.urls import (
    at_port,
    host_of,
    hostname_of,
    origin_of,
    same_place,
    takes_any_port,
)
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding, kinds
from jupyter_auth.core.provider.field_types import (
    CLIENT_AUTH,
    LOOPBACK,
    TOKEN_REQUEST,
    URLS,
    ApiKey,
    ClientAuth,
    CredentialsFrom,
    Endpoints,
    Header,
    Loopback,
    OtherCache,
    Paste,
    Service,
    Throttle,
    TokenRequest,
)
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.provider.kinds import FieldPath, described, read_field, tokens_only
from jupyter_auth.core.record import MISSING, fields, record, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.common.blocked_addresses import RequestRules
    from jupyter_auth.core.secret import Secret


@record(frozen=True, kw_only=True)
class Provider:
    """An authorization server with one client registration. Data, never a subclass.

    Give ``issuer``, and everything else is discovered (OIDC Discovery, RFC 8414); or ``endpoints``.
    Strings, lists and plain mappings are accepted for secrets, tuples and tables (``Header``,
    ``Throttle`` ...). The README's reference says what each field means.

    Raises:
        ConfigurationError: names the field that cannot work, without its value.
    """

    name: str = described(
        kinds.string,
        "Its name here: up to 64 lower-case letters, digits, `.`, `-` or `_`. In a file it is the"
        " table's name.",
        default=MISSING,
        harmless="what is bound is stored under it",
    )
    title: str = described(
        kinds.title, "What people read on buttons and pages.", default="", harmless="only shown"
    )
    issuer: str | None = described(
        kinds.url_or_empty,
        "The issuer URL. Everything else is discovered there (OIDC Discovery, RFC 8414).",
    )
    metadata_url: str | None = described(
        kinds.url_or_empty,
        "The URL of the metadata document itself, if it is not at an address that follows from the"
        " issuer, or names another issuer on purpose (Azure AD B2C, Entra's `common`, Oracle IDCS,"
        " UAA). Its issuer is believed then; `{tenantid}` in it is the `tid` of each ID token.",
    )
    endpoints: Endpoints | None = described(
        Endpoints, "Used where there is no issuer, or in addition to it."
    )
    client_id: str | None = tokens_only(kinds.string, "The client ID of your registration.")
    client_secret: Secret | None = described(
        kinds.secret,
        "The client secret, unless the client is public. It stays with the broker; better in the"
        " environment than in a file.",
        harmless="is what is bound; a new one is for the same place",
    )
    client_auth: ClientAuth | None = described(
        CLIENT_AUTH,
        "How the client authenticates: `auto` (the default with a secret: as the metadata and the"
        " token endpoint want it, `basic` first), `basic`, `post`, `query` (all parameters of a"
        " token request in its URL), or `none`.",
    )
    grants: tuple[str, ...] = described(
        kinds.grants,
        "How people sign in, the preferred grant first: `authorization_code` (the browser comes"
        " back here), `device_code` (a code to type at the provider's page), `paste` (a text to"
        " copy from there), `api_key` (a static key), `password` (typed on a page of this server;"
        " an older method, best avoided). Empty: what the provider offers.",
        default=(),
        harmless="which grants there are; where each leads is in the endpoints",
    )
    public_grants: tuple[str, ...] = described(
        kinds.grants,
        "Those of its grants for which a client needs no secret, although others need one. Without"
        " the secret people sign in by the first of them.",
        default=(),
        harmless="what people are asked for",
    )
    scopes: tuple[str, ...] = described(
        kinds.words,
        "Scopes to request. Empty: `openid profile email offline_access`, as far as offered; a"
        " sign-in goes on without `offline_access` where that is refused.",
        default=(),
        harmless="what is requested; an account records what it was granted",
    )
    audience: str | None = tokens_only(
        kinds.string, "The API that tokens are for, if the provider asks for it."
    )
    authorize_params: Mapping[str, str] = tokens_only(
        kinds.parameters, "More parameters of the authorization request.", default=dict
    )
    force_prompt: str | None = described(
        kinds.string,
        "The `prompt` of a forced sign-in, beside one in `authorize_params`. None: `login`, or"
        " `max_age=0` where those have a `prompt`: the provider may not take both.",
        harmless="what people are asked at the provider",
    )
    pkce: bool | None = described(
        kinds.flag,
        "Whether codes are bound to this client by PKCE (RFC 7636). None: they are. A client with a"
        " secret may do without (`false`), if the provider refuses it.",
    )
    token_params: Mapping[str, str] = described(
        kinds.parameters,
        "More parameters of the token request: added last, under exactly these names.",
        default=dict,
    )
    redirect_uri: str | None = described(
        kinds.redirect_uri,
        "The registered redirect URI. If it is your Jupyter server's own, scripts listen there too,"
        " so one is enough. On this machine, one without a port stands for any port (RFC 8252 7.3)."
        " From one elsewhere, or of https, you paste the address that the browser ends on.",
        harmless="each login is bound to its own; no token and no client secret goes there",
    )
    loopback: Loopback | None = described(
        LOOPBACK,
        "The name by which the provider accepts this machine in redirect URIs: `localhost` or"
        " `127.0.0.1`. Not given: that in the browser's address; for scripts, `127.0.0.1`.",
        harmless="which of two names of this machine the browser comes back to",
    )
    base_url: str | None = tokens_only(
        kinds.url_or_empty, "What relative URLs of a session are joined to."
    )
    api_origins: tuple[str, ...] = tokens_only(
        kinds.origins,
        "Where the token may be sent. Empty: the origin of `base_url`, else of the issuer. In"
        " `https://*.acme.example` the `*` is any one label: only if the API has all those hosts.",
        default=(),
    )
    header: Header = tokens_only(Header, "The header that carries the token.", default=Header)
    username_claim: str | None = described(
        kinds.string,
        "The claim with the name to show, or the way to it: `preferred_username`, `data.login`.",
        harmless="which claim is shown as the name; the account keeps issuer and subject",
    )
    username_url: str | None = tokens_only(
        kinds.url_or_empty, 'The URL of an API\'s "me", which has that claim.'
    )
    ca_bundle: str | None = described(
        kinds.string,
        "A file of certificates to trust there and in a session's requests to `api_origins`, in"
        " place of the usual ones. `verify=` of a request or session comes before it.",
    )
    leeway: float | None = described(
        kinds.seconds,
        "Seconds before expiry at which a token is refreshed. None: a tenth of its lifetime, at"
        " most 60.",
        harmless="when a token is refreshed",
    )
    token_timeout: float | None = described(
        kinds.timeout,
        "Seconds that its token endpoint may take to respond, up to 600. None: 60. A refresh that"
        " gets no response may have used up the refresh token.",
        harmless="how long a response is waited for",
    )
    refresh_on: tuple[int, ...] = described(
        kinds.statuses,
        "HTTP statuses of an API that mean that a token is no longer valid; also as the `code` in"
        ' a 200, `{"error": {"code": 401}}`. 498 and `invalid_token` (RFC 6750) always do.',
        default=(401,),
        harmless="when a token is refreshed",
    )
    revoke: bool = described(
        kinds.flag,
        "Whether signing out revokes tokens at the provider too (RFC 7009).",
        default=True,
        harmless="whether signing out also asks the provider",
    )
    token_request: TokenRequest | None = described(
        TOKEN_REQUEST,
        "How requests to its token, device authorization and revocation endpoints are written:"
        " `form` (the default, RFC 6749) or `json`.",
        harmless="how a request is written; what is in it and where it goes stays the same",
    )
    param_names: Mapping[str, str] = described(
        kinds.response_fields,
        "Other names for parameters of its token and device authorization endpoints, in requests"
        ' and responses: `{device_code = "deviceCode"}`.',
        default=dict,
    )
    token_response: Mapping[str, str] = tokens_only(
        kinds.response_fields,
        "Where in a token response the fields of RFC 6749 5.1 are, as in"
        ' `{access_token = "details.accessToken"}`; what is not there may be under its own name.',
        default=dict,
    )
    expires_format: str | None = described(
        kinds.date_format,
        "How it says when a token expires, if not in seconds or as a date of ISO 8601:"
        " `milliseconds`, or directives of `strptime`.",
        harmless="how a date reads",
    )
    scope_separator: str | None = described(
        kinds.string,
        "What separates scopes, in requests and responses. None: a space in requests; spaces and"
        " commas in responses.",
        harmless="how scopes are written",
    )
    error_names: Mapping[str, str] = described(
        kinds.mapping,
        "What its words for errors mean, or its HTTP statuses without a word, by the names of RFC"
        ' 6749 5.2 and RFC 8628 3.5: `{consent_refused = "access_denied", 410 = "expired_token"}`.',
        default=dict,
        harmless="how an error reads",
    )
    scope_aliases: Mapping[str, str] = described(
        kinds.mapping,
        "Scopes that its responses call by another name than they were requested by:"
        ' `{answered = "asked"}`.',
        default=dict,
        harmless="how the scopes of a response read",
    )
    api_headers: Mapping[str, str] = tokens_only(
        kinds.mapping, "Headers for each request of a session, such as `Accept`.", default=dict
    )
    throttle: Throttle = described(
        Throttle,
        "What is known of the API's limits.",
        default=Throttle,
        harmless="how often an API is called",
    )
    service: Service | None = described(
        Service,
        "What is different for service accounts. The broker only issues their tokens to kernels"
        " with such a table, even an empty one: `{}`.",
    )
    credentials_from: CredentialsFrom | None = tokens_only(
        CredentialsFrom, "An installed package whose JSON file has a public client's credentials."
    )
    import_from: OtherCache | None = tokens_only(
        OtherCache, "Where another package keeps its sign-ins, for `jupyter auth import`."
    )
    paste: Paste | None = described(Paste, "Where people find the text to paste.")
    api_key: ApiKey | None = tokens_only(ApiKey, "The parts and headers of a static key.")

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} is not a valid provider name.",
                hint="Use up to 64 lower-case letters, digits, dots, dashes or underscores.",
            )
        for each in fields(self):
            path = FieldPath(self.name, each.name)
            vars(self)[each.name] = read_field(each, getattr(self, each.name), path)
        found = self.issuer or self.metadata_url
        if not found and not (self.endpoints and self.endpoints.token_endpoint):
            raise ConfigurationError(
                f"Provider {self.name!r} has no issuer and no token endpoint.",
                hint="Give its issuer URL, or its endpoints with a token_endpoint.",
            )
        for name, value in self.derived.items():
            vars(self)[name] = getattr(self, name) or value

    @property
    def derived(self) -> dict[str, Any]:
        """Values of fields that follow from other fields, if they are not given."""
        return {
            "title": self.name,
            "client_auth": "auto" if self.client_secret else "none",
            "api_origins": (origin_of(self.base_url or self.address),),
        }

    @property
    def address(self) -> str:
        """The issuer, else the address of its metadata, else the token endpoint."""
        if found := self.issuer or self.metadata_url:
            return found
        assert self.endpoints and self.endpoints.token_endpoint  # noqa: S101, PT018 (post_init)
        return self.endpoints.token_endpoint

    @property
    def request_rules(self) -> RequestRules:
        """Which certificates requests to it trust, and which hosts its configuration names."""
        from jupyter_auth.core.common import blocked_addresses  # needed for requests alone

        given = (getattr(self.endpoints, name, None) for name in URLS)
        own = (self.issuer, self.metadata_url, self.username_url)
        urls = [url for url in (*own, *given) if url and url[0] != "/"]
        return blocked_addresses.RequestRules(self.ca_bundle, frozenset(map(hostname_of, urls)))

    def is_answered_at(self, redirect_uri: str) -> bool:
        """Whether its authorization responses may arrive there: at its own redirect URI, or else
        at a path that ends in its name.
        """
        if own := self.redirect_uri:
            port = urlsplit(redirect_uri).port
            return same_place(
                at_port(own, port) if takes_any_port(own) and port else own, redirect_uri
            )
        return urlsplit(redirect_uri).path.endswith(f"/callback/{self.name}")

    @property
    def fingerprint(self) -> str:
        """A digest that accounts and secrets are bound to: no other configuration reads them."""
        return binding.digest(self)

    @property
    def first_fingerprint(self) -> str:
        """The same in the first version of this package."""
        at = self.endpoints or Endpoints()
        urls = (self.issuer, at.token_endpoint, at.revocation_endpoint)
        return binding.digest_of_first_version(*urls, self.client_id, self.audience)

    def fingerprints(self, *, trusted: bool) -> set[str]:
        """Those whose accounts and secrets it may read. That of the first version is of five fields
        only, so it counts if no kernel can have changed the others (``trusted``).
        """
        return {self.fingerprint} | ({self.first_fingerprint} if trusted else set())

    @property
    def reach(self) -> str:
        """A digest of where a session sends tokens, which tells it that a token is for there."""
        return binding.reach(self.base_url, self.api_origins, dict(self.api_headers))

    @property
    def vouches(self) -> bool:
        """Whether its user names identify people: the administrator says where they are."""
        return bool(self.username_claim or self.username_url)

    def as_service(self) -> Provider:
        """The same for a service account, whose own fields (``service``) replace the others.

        Public credentials of an application (``credentials_from``) are not a service account's.
        """
        table = self.service or Service()
        given = {k: v for k, v in vars(table).items() if v is not None}
        if self.credentials_from:
            no_client = {"client_id": None, "client_secret": None, "credentials_from": None}
            given = {**no_client, **given}
        if url := given.pop("token_endpoint", None):
            given |= {
                "endpoints": Endpoints(token_endpoint=url),
                "issuer": None,
                "metadata_url": None,
            }
        if self.client_auth == "none":  # for people's sign-ins; a service account has a secret
            given.setdefault("client_auth", None)
        return replace(self, service=None, **given)

    def info(self, source: str = "code", handle: str | None = None) -> ProviderInfo:
        """What kernels may know of this provider; ``handle`` takes the place of the name."""
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
            ca_bundle=self.ca_bundle,
        )
