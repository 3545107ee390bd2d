"""The settings of ``c.JupyterAuth``: traitlets, read into plain values."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from traitlets import Bool, Dict, Float, List, TraitError, Unicode, Union
from traitlets.config import Config, LoggingConfigurable

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.handles import NAME
from jupyter_auth.core.common.urls import HOST, origin_of
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.provider import client_credentials
from jupyter_auth.core.provider.kinds import nearest
from jupyter_auth.core.provider.layers import ANYWHERE
from jupyter_auth.server.broker import same_person
from jupyter_auth.server.token_files.settings import read_token_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traitlets.config import Application

    from jupyter_auth.server.broker.same_person import Rule
    from jupyter_auth.server.token_files.settings import TokenFile

SECTION = "JupyterAuth"
SHORTEST = 1.0  # seconds
# To set one of these is meant to forbid something.
FORBIDDING = ("allow_user_providers", "allow_code_providers", "discover")
INSTEAD = dict.fromkeys(FORBIDDING, "it counts as False")
KINDS: dict[type | str, str] = {  # what a value must be, by the setting's trait or name
    Bool: "True or False",
    Dict: "a dict",
    Float: f"a number of seconds, {SHORTEST:g} to {LIFETIME:g}",
    List: "a list of strings",
    Unicode: "a string",
    Union: "a string or a dict of strings",
    "discover": "True, False or a list of hosts",
}


class JupyterAuth(LoggingConfigurable):
    """Sign-in for kernels: ``c.JupyterAuth`` in a Jupyter configuration file."""

    providers: Dict[str, Any] = Dict(
        help=(
            "Providers that people can sign in at, by name: a dict of fields for each, such as "
            '{"acme": {"issuer": "https://login.acme.example", "client_id": "jupyter"}}. '
            "Users cannot replace one of these by another of the same name."
        )
    ).tag(config=True)

    default_provider = Unicode(
        help="The provider to use where none is named. Empty: the only one configured."
    ).tag(config=True)

    allow_user_providers = Bool(
        default_value=True,
        help="Whether people may use presets and providers of their own, besides `providers`.",
    ).tag(config=True)

    allow_code_providers = Bool(
        default_value=True,
        help=(
            "Whether notebooks may define providers, by `Provider(...)` or `provider(...)`. If "
            "False, what is configured, people's own files and presets remain."
        ),
    ).tag(config=True)

    discover = Union(
        [Bool(), List(Unicode())],
        default_value=True,
        help=(
            "Whether people may sign in from the address of an API alone: True, False, or the "
            "hosts of the APIs, such as `*.mcp.acme.example`. It also takes "
            "`allow_user_providers`, except on the Hub's service. The service uses public "
            "addresses only, and those of its own network that are named here; `*` stands for "
            "all public ones."
        ),
    ).tag(config=True)

    public_url = Unicode(
        help=(
            "The address at which browsers reach this server, such as https://jupyter.example.org, "
            "if a proxy hides it. Default on a JupyterHub: the address that the Hub gives. "
            "Redirect URIs and links are made from it."
        )
    ).tag(config=True)

    shared_server = Bool(
        None,
        allow_none=True,
        help=(
            "Whether several people use this server, and therefore each account. People are told "
            "before they sign in. None: True if jupyter-collaboration is enabled."
        ),
    ).tag(config=True)

    consent = Bool(
        None,
        allow_none=True,
        help=(
            "Whether a notebook's first use of an account asks its person. None: True if several "
            "people use this server (`shared_server`). On a JupyterHub with the service, "
            "`hub_config(..., consent=True)`."
        ),
    ).tag(config=True)

    same_person = Union(
        [Unicode(), Dict(value_trait=Unicode(), key_trait=Unicode())],
        default_value=None,
        allow_none=True,
        help=(
            "On a JupyterHub: the claim, such as `preferred_username`, that must be the Hub's user "
            "name, or a dict of claims by provider or host; any other person is refused. Empty: "
            "anyone may sign in. None: the rule that `hub_config` derives from the Hub's own "
            "sign-in."
        ),
    ).tag(config=True)

    shared_identities = List(
        Unicode(),
        help=(
            "For the Hub service: the providers at which several users may sign in as the same "
            "person. At all others, an identity that one user has is refused to other users."
        ),
    ).tag(config=True)

    trusted_downstream = List(
        Unicode(),
        help=(
            "For the Hub service: the proxies in front of it, by address or network, such as "
            "`10.0.0.7` or `10.0.0.0/24`. Their `X-Forwarded-For` says where a request comes from; "
            "else it is the address that connects. Unknown Hub tokens are looked up in turns of "
            "where they come from."
        ),
    ).tag(config=True)

    confirm = Bool(
        None,
        allow_none=True,
        help=(
            "Whether people confirm who will use an account before it is stored. None: in a "
            "browser that is new to this server, and always on a JupyterHub without subdomains. "
            "True: always; for other places where several people's servers share one address. "
            "False: never."
        ),
    ).tag(config=True)

    login_lifetime = Float(
        LIFETIME,
        help=(f"Seconds within which a sign-in must be finished: {SHORTEST:g} to {LIFETIME:g}."),
    ).tag(config=True)

    client_document = Unicode(
        help=(
            "The URL at which you have published what `jupyter auth client-document` prints. It is "
            "the client ID at providers that accept such URLs. Empty: the URL in "
            "JUPYTER_AUTH_CLIENT_DOCUMENT. The Hub's service publishes its own document."
        )
    ).tag(config=True)

    token_files = Dict(
        None,
        allow_none=True,
        help=(
            "Files that hold a fresh token while the account is signed in, by account: a path, "
            "True for the file of WLCG Bearer Token Discovery, a dict such as "
            '{"path": "~/.tokens/aws", "token": "id_token", "variable": '
            '"AWS_WEB_IDENTITY_TOKEN_FILE"}, or a list of those. None: those of `hub_config`.'
        ),
    ).tag(config=True)

    store_directory = Unicode(
        help="Where signed-in accounts are stored. Empty: the user's data directory."
    ).tag(config=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The checked configuration. ``public_origin`` is scheme, host and port, or None.

    ``problems`` has an error for each wrong setting; ``providers`` has it in place of a table whose
    name is not valid. ``notes`` are on secrets in places that other processes may read.
    """

    providers: dict[str, Any] = field(default_factory=dict, repr=False)
    default_provider: str | None = None
    allow_user_providers: bool = True
    allow_code_providers: bool = True
    discover: tuple[str, ...] = ANYWHERE
    public_origin: str | None = None
    shared_server: bool | None = None
    consent: bool | None = None
    same_person: Rule = ""
    shared_identities: tuple[str, ...] = ()
    trusted_downstream: tuple[str, ...] = ()
    confirm: bool | None = None
    login_lifetime: float = LIFETIME
    client_document: str = ""
    token_files: tuple[TokenFile, ...] = ()
    store_directory: Path | None = None
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    problems: tuple[ConfigurationError, ...] = ()
    notes: tuple[Finding, ...] = ()


def read_settings(parent: Application, base_url: str) -> Settings:
    """Read ``c.JupyterAuth``. A wrong setting counts as its safe default.

    ``environ`` is what was taken out of this process's environment: at debug traitlets logs the
    whole configuration, so a client secret is better kept there; and kernels inherit what is left.
    """
    taken = client_credentials.take(os.environ)  # even if the settings are wrong
    problems: list[ConfigurationError] = []
    traits = _valid(parent, problems)
    directory = traits.store_directory
    return Settings(
        providers=dict(_named(traits.providers, problems)),
        default_provider=traits.default_provider or None,
        allow_user_providers=traits.allow_user_providers,
        allow_code_providers=traits.allow_code_providers,
        discover=hosts(traits.discover, problems),
        public_origin=_public_origin(traits.public_url, base_url, problems),
        shared_server=traits.shared_server,
        consent=traits.consent,
        same_person=same_person.found(traits.same_person, os.environ),
        shared_identities=tuple(traits.shared_identities),
        trusted_downstream=tuple(traits.trusted_downstream),
        confirm=traits.confirm,
        login_lifetime=_lifetime(traits.login_lifetime, problems),
        client_document=traits.client_document,
        token_files=read_token_files(traits.token_files, os.environ, problems),
        store_directory=Path(directory).expanduser() if directory else None,
        environ=taken,
        problems=tuple(problems),
        notes=tuple(_exposed(name) for name in client_credentials.exposed(taken)),
    )


def _exposed(name: str) -> Finding:
    return Finding(
        about="Client secrets" if name.endswith("_CLIENT_SECRET") else "Password",
        says=f"{name} is in the environment that this server was started with, where other "
        "processes may read it.",
        fix=f"Put it into a file with mode 0600, and set {name}_FILE to the file's path instead.",
        state="note",
    )


def instead(message: str, counts: str) -> ConfigurationError:
    """The error for a wrong setting. ``message`` must not show a value of ``providers``."""
    return ConfigurationError(
        message, hint=f"Correct it and restart the server; until then {counts}."
    )


def _valid(parent: Application, problems: list[ConfigurationError]) -> JupyterAuth:
    """The settings that traitlets accepts. It would refuse all of them for one that is wrong."""
    section, known = dict(parent.config.get(SECTION, {})), JupyterAuth.class_own_traits(config=True)
    for name in [each for each in known if each in section]:
        try:
            JupyterAuth(config=Config({SECTION: {name: section[name]}}))
        except TraitError:
            del section[name]
            problems.append(_wrong(name, INSTEAD.get(name, "the default is used")))
            if name in INSTEAD:
                section[name] = False
    for name in [each for each in section if each not in known]:
        if not isinstance(section[name], Config):  # for a class of that name
            hint = f"{nearest(name, known)} Correct it and restart the server."
            message = f"c.{SECTION} has no setting {name!r:.80}."
            problems.append(ConfigurationError(message, hint=hint))
            del section[name]
    return JupyterAuth(parent=parent, config=Config({SECTION: section}))


def _wrong(name: str, counts: str) -> ConfigurationError:
    trait = JupyterAuth.class_traits()[name]
    kind = KINDS.get(name) or KINDS[type(trait)]
    if trait.allow_none:
        kind = f"{kind.replace(' or ', ', ')} or None"
    return instead(f"c.{SECTION}.{name} must be {kind}.", counts)


def _named(
    providers: dict[Any, Any], problems: list[ConfigurationError]
) -> Iterator[tuple[str, Any]]:
    for name, table in providers.items():
        if NAME.fullmatch(str(name)):
            yield str(name), table
            continue
        problem = instead(
            f"{name!r:.80} in c.{SECTION}.providers is not a valid provider name: up to 64 "
            "lower-case letters, digits, dots, dashes or underscores.",
            "it is left out",
        )
        problems.append(problem)
        yield str(name), problem


def hosts(given: Any, problems: list[ConfigurationError]) -> tuple[str, ...]:
    """The hosts that ``discover`` names, each as ``urls.is_among`` takes it."""
    if isinstance(given, bool):
        return ANYWHERE if given else ()
    found = []
    for each in map(str, given):
        host = each.lower().rstrip(".")
        if host != "*" and not HOST.fullmatch(host.removeprefix("*.")):
            message = f"{each!r:.80} in c.{SECTION}.discover is not a host."
            problems.append(instead(message, "it is left out"))
            continue
        found.append(host)
    return tuple(found)


def _lifetime(seconds: float, problems: list[ConfigurationError]) -> float:
    if SHORTEST <= seconds <= LIFETIME:
        return seconds
    nearest = LIFETIME if math.isnan(seconds) else min(max(seconds, SHORTEST), LIFETIME)
    problems.append(_wrong("login_lifetime", f"{nearest:g} is used"))
    return nearest


def _public_origin(url: str, base_url: str, problems: list[ConfigurationError]) -> str | None:
    given = {f"c.{SECTION}.public_url": url}
    of_hub = os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
    if _is_at(of_hub, base_url):  # else it is of the server in whose terminal this one was started
        given["JUPYTERHUB_PUBLIC_URL"] = of_hub
    for name, each in given.items():
        if each:
            try:
                return _origin(each, base_url)
            except ConfigurationError as error:
                problems.append(instead(f"{name}: {error.message}", "it is left out"))
    return None


def _origin(url: str, base_url: str) -> str:
    origin = origin_of(url)
    if not _is_at(url, base_url):
        path = urlsplit(url).path.strip("/")
        raise ConfigurationError(
            f"It has the path /{path}, but this server's is {base_url}; leave the path out."
        )
    return origin


def _is_at(url: str, base_url: str) -> bool:
    return urlsplit(url).path.strip("/") in {"", base_url.strip("/")}
