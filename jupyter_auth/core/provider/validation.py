"""What a provider's fields may hold: said where a provider is made, not where one is first used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_auth.core.common import times
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import dates
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.provider.provider import Provider

# Parameters that are ours to set in an authorization or token request, not a configuration's.
RESERVED_PARAMS = frozenset(
    {"client_id", "client_secret", "code", "code_challenge", "code_challenge_method"}
    | {"code_verifier", "grant_type", "nonce", "redirect_uri", "refresh_token", "response_type"}
    | {"scope", "state"}
)
URLS = (
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "device_authorization_endpoint",
    "jwks_uri",
)
GRANTS = ("authorization_code", "device_code", "password", "paste", "api_key")
PART = re.compile(r"[a-z][a-z0-9_]*")  # of an API key
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.1
HEADER_TEMPLATE = re.compile(r"[ -z|~]*\{token\}[ -z|~]*")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _secret(value: Any) -> bool:
    return isinstance(value, str | Secret)


def _words(value: Any) -> bool:
    return _text(value) or (isinstance(value, list | tuple) and all(map(_text, value)))


def _texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _text(each) for pair in value.items() for each in pair
    )


def _number(value: Any) -> bool:
    return times.is_number(value) and value <= times.LAST


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _codes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, int) for each in value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _grants(value: Any) -> bool:
    return _words(value) and not set(value.split() if _text(value) else value) - set(GRANTS)


def _format(value: Any) -> bool:
    return _text(value) and dates.is_format(value)


def _within(value: Any) -> bool:
    return _text(value) and not re.search(r"^[/\\]|:|(^|[/\\])\.\.($|[/\\])", value)


def _way(value: Any) -> bool:
    return value in ("basic", "post", "none", "query")


Kind: TypeAlias = "tuple[Callable[[Any], bool], str]"

KINDS: dict[str, Kind] = {
    "title": (_text, "a text"),
    "issuer": (_text, "a text"),
    "client_id": (_text, "a text"),
    "client_secret": (_secret, "a text"),
    "client_auth": (_way, "basic, post, none or query"),
    "grants": (_grants, f"a list of these: {', '.join(GRANTS)}"),
    "scopes": (_words, "a list of texts"),
    "audience": (_text, "a text"),
    "authorize_params": (_texts, "a table of texts"),
    "token_params": (_texts, "a table of texts"),
    "redirect_uri": (_text, "a text"),
    "base_url": (_text, "a text"),
    "api_origins": (_words, "a list of texts"),
    "username_claim": (_text, "a text"),
    "username_url": (_text, "a text"),
    "ca_bundle": (_text, "a text, the path of a file"),
    "leeway": (_number, "a number of seconds"),
    "refresh_on": (_codes, "a list of HTTP status codes"),
    "revoke": (_flag, "true or false"),
    "param_names": (_texts, "a table of texts"),
    "token_response": (_texts, "a table of texts"),
    "expires_format": (_format, "a format of dates"),
    "scope_separator": (_text, "a text"),
    "scope_aliases": (_texts, "a table of texts"),
    "api_headers": (_texts, "a table of texts"),
}
TEXT: Kind = (_text, "a text")
WORDS: Kind = (_words, "a list of texts")
# Of what the fields with tables hold.
PART_KINDS: dict[str, dict[str, Kind]] = {
    "endpoints": {
        "issuer": TEXT,
        **dict.fromkeys(URLS, TEXT),
        "scopes_supported": WORDS,
        "grant_types_supported": WORDS,
        "id_token_signing_alg_values_supported": WORDS,
        "authorization_response_iss_parameter_supported": KINDS["revoke"],
    },
    "service": {  # which are named like the provider's own
        name: KINDS.get(name, TEXT)
        for name in (
            *("token_endpoint", "client_id", "client_secret", "client_auth", "scopes", "audience"),
            "token_params",
        )
    },
    "throttle": {
        "statuses": KINDS["refresh_on"],
        "lockout": KINDS["leeway"],
        "scope": (lambda value: value in ("client", "account"), "client or account"),
        "limit": (_count, "a number of calls"),
        "window": KINDS["leeway"],
    },
    "credentials_from": {
        **dict.fromkeys(("package", "client_id", "client_secret"), TEXT),
        "file": (_within, "a path in that package"),
    },
    "import_from": {
        "paths": (lambda value: _words(value) and not _text(value), "a list of texts"),
        "unnamed": WORDS,
        "matches": KINDS["token_params"],
        "token_endpoint": TEXT,
    },
    "paste": {"url": TEXT, "hosts": WORDS},
}


def check_provider(provider: Provider) -> None:
    """ConfigurationError names the first field that cannot work. No value is shown."""
    _check_kinds(provider.name, provider, KINDS)
    for field, kinds in PART_KINDS.items():
        if part := getattr(provider, field):
            _check_kinds(provider.name, part, kinds, within=f"{field}.")
    added = {*provider.authorize_params, *provider.token_params}
    if provider.service:
        added.update(provider.service.token_params or ())
    if taken := RESERVED_PARAMS & added:
        raise ConfigurationError(
            f"{min(taken)!r} of provider {provider.name!r} is not a parameter to configure."
        )
    for field in ("issuer", "base_url", "username_url"):
        if url := getattr(provider, field):
            require_secure(url, field)
    _check_endpoints(provider)
    _check_header(provider)
    _check_token_response(provider)
    if provider.paste:
        require_secure(provider.paste.url, "paste.url")
    _check_api_key(provider)


def _check_kinds(name: str, holder: Any, kinds: Mapping[str, Kind], within: str = "") -> None:
    for field, (fits, kind) in kinds.items():
        value = getattr(holder, field)
        if value is not None and not fits(value):
            where = f"{within}{field}"
            raise ConfigurationError(f"The field {where!r} of provider {name!r} is not {kind}.")


def _check_endpoints(provider: Provider) -> None:
    for field in URLS:
        url: str | None = getattr(provider.endpoints, field, None)
        # A path lies where the browser is; two slashes would name a host.
        is_path = url and url.startswith("/") and not url.startswith(("//", "/\\"))
        if url is not None and not (is_path and field == "authorization_endpoint"):
            require_secure(url, field)
    if provider.service and (url := provider.service.token_endpoint) is not None:
        require_secure(url, "token_endpoint")


def _check_api_key(provider: Provider) -> None:
    if (key := provider.api_key) is None:
        return
    parts = f"(?:[ -z|~]|{{(?:{'|'.join(map(re.escape, key.parts))})(?::head)?}})*"
    if not (
        _texts(key.parts)
        and all(map(PART.fullmatch, key.parts))
        and _texts(key.environment)
        and _texts(key.aliases)
        and isinstance(key.headers, Mapping)
        and all(map(_texts, key.headers.values()))
        and all(
            HEADER_NAME.fullmatch(name) and re.fullmatch(parts, value)
            for headers in key.headers.values()
            for name, value in headers.items()
        )
    ):
        raise ConfigurationError(
            f"The field 'api_key' of provider {provider.name!r} is not made of parts, headers and"
            " environment.",
            hint="A header's value is a text with parts in it, like '{key}' or '{key:head}'.",
        )
    for origin in key.headers.keys() - {"*"}:
        require_secure(origin, "API origin")


def _check_token_response(provider: Provider) -> None:
    """SECURITY 11: a kernel is given access tokens, so nothing else is taken for one."""
    for field, path in provider.token_response.items():
        found = {secret_field(name) for name in path.split(".")} - {None, field}
        if found:
            raise ConfigurationError(
                f"token_response of provider {provider.name!r} takes the {found.pop()} for"
                f" {field!r:.60}.",
                hint=f"Say where the provider's own {field!r:.60} is, or leave it out.",
            )


def secret_field(name: str) -> str | None:
    """Which token that no kernel gets as an access token a field of that name holds."""
    letters = re.sub("[^a-z]", "", name.lower())
    if "refreshtoken" in letters:
        return "refresh_token"
    return "id_token" if letters == "idtoken" else None


def _check_header(provider: Provider) -> None:
    name, template = provider.header.name, provider.header.template
    if not (_text(name) and HEADER_NAME.fullmatch(name)) or not (
        _text(template) and HEADER_TEMPLATE.fullmatch(template)
    ):
        raise ConfigurationError(
            f"The header of provider {provider.name!r} cannot carry a token.",
            hint="It has a name, and a template like 'Bearer {token}'.",
        )
