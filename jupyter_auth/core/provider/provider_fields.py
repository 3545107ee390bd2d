"""The fields of a provider, each with what it means and what may be in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.provider import kinds
from jupyter_auth.core.provider.field_types import (
    CLIENT_AUTH,
    LOOPBACK,
    RESOURCE_PARAMETER,
    RESOURCES,
    TOKEN_REQUEST,
    ApiKey,
    ClientAuth,
    CredentialsFrom,
    Endpoints,
    Exchange,
    Header,
    Loopback,
    OtherCache,
    OtherTokens,
    Paste,
    Placeholder,
    Policy,
    Register,
    Resource,
    ResourceParameter,
    Service,
    Throttle,
    TokenRequest,
    placeholder_tables,
)
from jupyter_auth.core.provider.kinds import described, tokens_only
from jupyter_auth.core.record import MISSING, record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.secret import Secret


@record(frozen=True, kw_only=True)
class ProviderFields:
    """The data of ``Provider``."""

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
    vendor: bool = described(
        kinds.flag,
        "Whether only one vendor's customers need it. Such a provider is listed last.",
        default=False,
        harmless="where it is listed",
    )
    issuer: str | None = described(
        kinds.url_or_empty,
        "The issuer URL. Everything else is discovered there (OIDC Discovery, RFC 8414).",
    )
    metadata_url: str | None = described(
        kinds.url_or_empty,
        "The URL of the metadata document itself, if it is not at an address that follows from the"
        " issuer, or names another issuer on purpose (Azure AD B2C, Entra's `common`, Oracle IDCS,"
        " UAA). The issuer in that document is then trusted; `{tenantid}` in it stands for the"
        " `tid` of each ID token.",
    )
    endpoints: Endpoints | None = described(
        Endpoints, "The endpoints' URLs, if there is no issuer, or to override what it publishes."
    )
    client_id: str | None = tokens_only(kinds.string, "The client ID of your registration.")
    client_secret: Secret | None = described(
        kinds.secret,
        "The client secret, unless the client is public. It stays with the broker. Better in a"
        " file of its own, or in the environment, than in a configuration file.",
        harmless="is what is bound; a new one is for the same place",
    )
    client_auth: ClientAuth | None = described(
        CLIENT_AUTH,
        "How the client authenticates: `auto` (the default with a secret: as the metadata and the"
        " token endpoint require, `basic` first), `basic`, `post`, `query` (all parameters of a"
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
        "The grants that work without a client secret, at a provider whose other grants need one."
        " Without a secret, people sign in by the first of them.",
        default=(),
        harmless="what people are asked for",
    )
    scopes: tuple[str, ...] = described(
        kinds.words,
        "Scopes to request. Empty: `openid profile email offline_access`, as far as they are"
        " offered; if `offline_access` is refused, the sign-in continues without it.",
        default=(),
        harmless="what is requested; an account records what it was granted",
    )
    audience: str | None = tokens_only(
        kinds.string, "The API that tokens are for, at a provider that expects an `audience`."
    )
    resource: str | None = tokens_only(
        kinds.resource,
        "The API's own identifier (RFC 8707, RFC 9728): tokens are requested for it.",
    )
    found_at: str | None = described(
        kinds.url_or_empty,
        "The address of the API that named this provider; a sign-in from an address sets it. Only"
        " that host may then be on this machine, and the login page shows the scopes before"
        " anything is sent.",
    )
    resources: Mapping[str, Resource] = tokens_only(
        RESOURCES,
        "More APIs that the same sign-in gives tokens for, by their identifiers, as in"
        ' `{"https://vault.azure.net" = {api_origins = "https://*.vault.azure.net"}}`.',
        default=dict,
    )
    resource_parameter: ResourceParameter | None = described(
        RESOURCE_PARAMETER,
        "How requests name the API that a token is for: `resource` (the default, RFC 8707), `scope`"
        " (as Entra does: scopes of one API at a time, `<resource>/.default` unless it lists some),"
        " or `audience`.",
        harmless="how a request names an API; where its token goes is in `resources`",
    )
    policy: Policy | None = described(
        Policy,
        "What may be asked for there, and by whom. An administrator's also limits every other"
        " provider of the same client ID or the same issuer. In your own file it limits you alone.",
        harmless="what may be asked for; it widens nothing",
    )
    other_tokens: OtherTokens | None = tokens_only(
        OtherTokens,
        "Where token responses hold the tokens for `resources`, if all come in one response.",
    )
    exchange: Exchange | None = tokens_only(
        Exchange,
        "Its tokens are made of another provider's, whose account is the one to sign in to, as in"
        ' `{from = "acme", audience = "https://api.acme.example"}`. They are requested for the'
        " `scopes` and the `resource` here, kept in memory, and made again before they expire.",
    )
    authorize_params: Mapping[str, str] = tokens_only(
        kinds.parameters, "More parameters of the authorization request.", default=dict
    )
    force_prompt: str | None = described(
        kinds.string,
        "The `prompt` of a forced sign-in, in addition to one in `authorize_params`. None:"
        " `login`; or `max_age=0` if `authorize_params` has a `prompt`, as the provider may not"
        " accept both.",
        harmless="what people are asked at the provider",
    )
    pkce: bool | None = described(
        kinds.flag,
        "Whether codes are bound to this client by PKCE (RFC 7636). None: they are. `false` is for"
        " a client with a secret, at a provider that refuses PKCE.",
    )
    token_params: Mapping[str, str] = described(
        kinds.parameters,
        "More parameters of the token request: added last, under exactly these names.",
        default=dict,
    )
    silent: bool = described(
        kinds.flag,
        "Whether a browser that arrives in Jupyter is sent there once, with `prompt=none`: who is"
        " signed in there, and has agreed before, is signed in here without a click.",
        default=False,
        harmless="when a sign-in begins; it is bound as any other",
    )
    redirect_uri: str | None = described(
        kinds.redirect_uri,
        "The registered redirect URI. If it is your Jupyter server's own, scripts listen there"
        " too, so one is enough. On this machine, one without a port stands for any port (RFC 8252"
        " 7.3). If it is on another machine, or https, you paste the address that the browser ends"
        " on.",
        harmless="each login is bound to its own; no token and no client secret goes there",
    )
    loopback: Loopback | None = described(
        LOOPBACK,
        "The name of this machine that the provider accepts in redirect URIs: `localhost` or"
        " `127.0.0.1`. Not given: the one in the browser's address; for scripts, `127.0.0.1`.",
        harmless="which of two names of this machine the browser comes back to",
    )
    base_url: str | None = tokens_only(
        kinds.url_or_empty, "What relative URLs of a session are joined to."
    )
    base_url_from: str | None = tokens_only(
        kinds.template,
        "The same, built from what the provider sends with its tokens (`session.token_fields`):"
        " `{instance_url}`, `https://api.acme.example/company/{realmId}/`. It must be at one of"
        " `api_origins`. If a field is missing, `base_url` is used.",
    )
    api_origins: tuple[str, ...] = tokens_only(
        kinds.origins,
        "Where the token may be sent. Empty: the origin of `base_url`, else of `resource`, else of"
        " the issuer. In `https://*.acme.example` the `*` stands for any one label; use it only if"
        " all those hosts belong to the API.",
        default=(),
    )
    header: Header = tokens_only(Header, "The header that carries the token.", default=Header)
    username_claim: str | None = described(
        kinds.string,
        "The claim with the name to show, or the path to it: `preferred_username`, `data.login`."
        " It may be a field of the token response too.",
        harmless="which claim is shown as the name; the account keeps issuer and subject",
    )
    username_url: str | None = tokens_only(
        kinds.url_or_empty, 'The URL of an API\'s "me", which has that claim.'
    )
    ca_bundle: str | None = described(
        kinds.string,
        "A file of certificates to trust at the provider, and in a session's requests to"
        " `api_origins`, instead of the usual ones. `verify=` of a request or session takes"
        " precedence.",
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
        "Other names for parameters of its authorization, token and device authorization endpoints,"
        ' in requests and token responses: `{device_code = "deviceCode"}`.',
        default=dict,
    )
    token_response: Mapping[str, str] = tokens_only(
        kinds.response_fields,
        "Where in a token response the fields of RFC 6749 5.1 are, as in `{access_token ="
        ' "details.accessToken"}`. A field that is not there is looked for under its own name.',
        default=dict,
    )
    token_types: tuple[str, ...] = described(
        kinds.words,
        "Other values of `token_type` that mean a bearer token there, such as `user`.",
        default=(),
        harmless="how the type of a token reads; all are sent as `header` says",
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
        "What the provider's own error codes mean, or its HTTP statuses without one, in the names"
        ' of RFC 6749 5.2 and RFC 8628 3.5: `{consent_refused = "access_denied", 410 ='
        ' "expired_token"}`.',
        default=dict,
        harmless="how an error reads",
    )
    scope_aliases: Mapping[str, str] = described(
        kinds.mapping,
        'Scopes that have another name in responses than in requests: `{answered = "asked"}`.',
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
        "What is different for service accounts. The broker issues their tokens to kernels only"
        " if this table is there, even if it is empty: `{}`.",
    )
    credentials_from: CredentialsFrom | None = tokens_only(
        CredentialsFrom, "An installed package whose JSON file has a public client's credentials."
    )
    import_from: OtherCache | None = tokens_only(
        OtherCache, "Where another package keeps its sign-ins, for `jupyter auth import NAME`."
    )
    paste: Paste | None = described(Paste, "Where people find the text to paste.")
    api_key: ApiKey | None = tokens_only(ApiKey, "The parts and headers of a static key.")
    preset: str | None = described(
        kinds.string,
        "In a table, or in `provider()`: the preset that it completes, if not that of its own"
        ' name, so that there can be several of a kind: `[work] preset = "gitlab"`.',
        harmless="its fields are what is bound",
    )
    placeholders: Mapping[str, Placeholder] = described(
        placeholder_tables,
        "In a preset: the values that it leaves open, each with what it `says` to people, its"
        " `default` if it has one, and its `kind` (`host`, `segment` of a path, or `url`). `{host}`"
        " in any string of the table is the one called `host`.",
        default=dict,
        harmless="the fields that they are filled into are what is bound",
    )
    set: Mapping[str, str] = described(
        kinds.mapping,
        "In a table, or in `provider()`: the values of placeholders, as in"
        ' `set = { host = "git.acme.example" }`.',
        default=dict,
        harmless="the fields that they are filled into are what is bound",
    )
    register: Register | None = described(
        Register,
        "How to get a client ID there, shown where one is missing.",
        harmless="only shown",
    )
