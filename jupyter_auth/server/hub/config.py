"""What an administrator calls in ``jupyterhub_config.py``. Runs in the Hub's own process."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from traitlets.config.loader import LazyConfigValue

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.broker.redirect.hub import (
    CALLBACK,
    CONSENT,
    HOOK_VARIABLE,
    MARK,
    URL_VARIABLE,
)
from jupyter_auth.server.broker.same_person import SAME_PERSON, sign_in_host
from jupyter_auth.server.hub.take_login.hooks import HubLogins, of_others
from jupyter_auth.server.token_files.settings import VARIABLE as TOKEN_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

NAME = "jupyter-auth"
ACCESS = f"access:services!service={NAME}"
PORT = 10201
URL = f"http://127.0.0.1:{PORT}"
# Variables set here, as JSON, for the service and single-user servers.
SHARED_IDENTITIES = "JUPYTER_AUTH_SHARED_IDENTITIES"
TRUSTED_DOWNSTREAM = "JUPYTER_AUTH_TRUSTED_DOWNSTREAM"
DISCOVER = "JUPYTER_AUTH_DISCOVER"
KERNEL_URL = "JUPYTER_AUTH_KERNEL_URL"  # not JSON
# Authenticators whose user names are a claim as it is. Others change it or may do so: Google's
# removes the domain.
BY_BARE_CLAIM = {
    f"oauthenticator.{module}.{local}{name}OAuthenticator"
    for module, name in (("generic", "Generic"), ("github", "GitHub"))
    for local in ("", "Local")
}


def user_redirect_hook(path: str, request: Any, user: Any, base_url: str) -> str | None:  # noqa: ARG001
    """``c.JupyterHub.user_redirect_hook``: send a provider's answer to the server that asked.

    The ``state`` of a login on a named server ends in ``~`` and its name. It is not trusted: it
    finds only a server of this user, and starts none. None: the path is not ours.
    """
    if not path.startswith(CALLBACK):
        return None
    state = parse_qs(request.query).get("state", [""])[0]
    name = state.partition(MARK)[2]
    url = user.server_url(name) if name in user.orm_user.orm_spawners else user.url
    return f"{url.rstrip('/')}/{path}?{request.query}"


def hub_config(
    c: Any,
    providers: Mapping[str, Any] | None = None,
    *,
    url: str = URL,
    kernel_url: str | None = None,
    api_token: str | None = None,
    database_url: str | None = None,
    crypt_keys: str | None = None,
    same_person: str | Mapping[str, str] | None = None,
    shared_identities: Collection[str] = (),
    trusted_downstream: Collection[str] = (),
    discover: bool | Collection[str] = True,
    token_files: Mapping[str, Any] | None = None,
    take_login: str | None = None,
    consent: bool = False,
) -> None:
    """Add hook, service and roles for this Hub's users to ``jupyterhub_config.py``.

    Without ``providers`` only the hook for named servers. With them, the Hub starts the service at
    ``url``, where single-user servers must reach it, unless ``api_token`` says that it runs
    elsewhere. With ``kernel_url`` they reach it there, on another port: behind the Hub's proxy, at
    ``url``, the service then hands out no token. Defaults are ``JUPYTER_AUTH_DATABASE_URL``,
    ``JUPYTER_AUTH_CRYPT_KEYS`` and client secrets in the Hub's own environment, or files that it
    names: see ``secret_of``.

    ``same_person``, ``shared_identities``, ``trusted_downstream`` and ``discover`` are as in
    ``c.JupyterAuth``. So is ``token_files``, for users' servers; ``~`` is each user's own home.
    If ``same_person`` is None, it is derived from the Hub's own sign-in: see ``BY_BARE_CLAIM``.
    ``take_login``: the provider at which the Hub's own users sign in, by OAuthenticator from 17.3
    on with the same client. They are then signed in here too: see ``take_login.hooks``.
    ``consent``: a notebook's first use of an account asks its person, as in ``c.JupyterAuth``;
    where the service runs elsewhere, set JUPYTER_AUTH_CONSENT=1 there too.

    It extends the configuration in ``c``, and in a running Hub also what is set later.

    Raises:
        ConfigurationError: there is another service of this name, ``internal_ssl``, an
            ``environment`` that is not a dict, or ``take_login`` without providers.
    """
    service = None
    if providers is not None:
        # Not listed on the Hub's pages: it has no start page.
        service = {"name": NAME, "url": url, "oauth_no_confirm": True, "display": False}
        if api_token:
            service |= {"api_token": api_token}
        else:
            service |= {
                "command": [sys.executable, "-m", "jupyter_auth.server.hub"],
                "environment": _secrets(database_url, crypt_keys)
                | {
                    "JUPYTER_AUTH_PROVIDERS": json.dumps(dict(providers)),
                    SHARED_IDENTITIES: json.dumps(list(shared_identities)),
                    TRUSTED_DOWNSTREAM: json.dumps(list(trusted_downstream)),
                    **_discover(discover),
                    **_consent(asked=consent),
                    **({KERNEL_URL: kernel_url} if kernel_url else {}),
                },
            }
    elif take_login:
        raise ConfigurationError(
            "take_login needs the service, which is not there without providers.",
            hint="Pass the provider: `hub_config(c, providers={...}, take_login=...)`.",
        )
    logins = HubLogins(take_login, NAME) if take_login else None
    servers = kernel_url or url, dict(token_files or {})
    additions = _Additions(service, same_person, *servers, logins, _consent(asked=consent))
    additions.put(c)
    _once_all_is_loaded(additions.put)


def _consent(*, asked: bool) -> dict[str, str]:
    return {CONSENT: "1"} if asked else {}


def _discover(given: bool | Collection[str]) -> dict[str, str]:  # noqa: FBT001
    """Where it is not True: a configuration file of the service may set it."""
    if given is True:
        return {}
    return {DISCOVER: json.dumps(list(given) if given else [])}


@dataclass(frozen=True)
class _Additions:
    """What is added to the Hub's configuration. Adding it twice is harmless."""

    service: dict[str, Any] | None
    same_person: str | Mapping[str, str] | None
    servers_url: str  # where users' servers reach the service
    token_files: Mapping[str, Any]
    logins: HubLogins | None
    consent: Mapping[str, str]

    def put(self, c: Any) -> None:
        if self.logins:
            self.logins.put(c)
        rule = _own_sign_in(c) if self.same_person is None else self.same_person
        same_person = {SAME_PERSON: _Literal(json.dumps(rule))}
        to_servers = {HOOK_VARIABLE: "1", **self.consent} | same_person
        if self.token_files:
            to_servers[TOKEN_FILES] = _Literal(json.dumps(self.token_files))
        if self.service:
            to_servers[URL_VARIABLE] = self.servers_url
        # A spawner class's own environment replaces that of Spawner: Zero to JupyterHub sets one.
        own = (each for each in c if each[:1].isupper() and "environment" in c[each])
        for name in {"Spawner", *own}:
            _update(c[name], name, to_servers)
        hub = c.JupyterHub
        hub.user_redirect_hook = _added(hub.get("user_redirect_hook"), _with_hook)
        if self.service is None:
            return
        if hub.get("internal_ssl") is True:
            raise ConfigurationError(
                "jupyter_auth's service does not work with c.JupyterHub.internal_ssl.",
                hint="Switch internal_ssl off, or call `hub_config(c)` without providers: each"
                " user's server then signs in by itself.",
            )
        service = self.service
        if "environment" in service:
            service = service | {"environment": service["environment"] | same_person}
        hub.services = _added(hub.get("services"), functools.partial(_with_service, service))
        of_all = hub.get("extra_user_scopes")
        more = sorted(of_all) if isinstance(of_all, (set, list, tuple)) else ()
        hub.load_roles = _added(hub.get("load_roles"), functools.partial(_with_roles, more))


class _Literal(str):
    """A string that KubeSpawner, which formats its environment, leaves as it is."""

    __slots__ = ()

    def format(self, *args: object, **kwargs: object) -> str:  # noqa: ARG002
        return str(self)


class _Added(LazyConfigValue):
    """``add`` applied to a value that another configuration file may set."""

    def __init__(self, add: Callable[[Any], Any]) -> None:
        super().__init__()
        self._add = add

    def get_value(self, initial: Any) -> Any:
        self._value = None  # else the cached value, from before more was appended
        return self._add(super().get_value(initial))

    def __getitem__(self, at: int) -> Any:
        return self.get_value([])[at]


def _added(value: Any, add: Callable[[Any], Any]) -> Any:
    if isinstance(value, LazyConfigValue):
        return _Added(add).merge_into(value)
    return _Added(add) if value is None else add(value)


def _once_all_is_loaded(put: Callable[[Any], None]) -> None:
    """In the Hub, add it once more: a later line or file may have replaced it."""
    from jupyterhub.app import JupyterHub

    if not JupyterHub.initialized():
        return
    app = JupyterHub.instance()
    ours = ["services", "load_roles", "user_redirect_hook"]
    ours += ["extra_user_scopes"] if app.has_trait("extra_user_scopes") else []  # JupyterHub 6

    def again(_: Any) -> None:
        for name in ours:
            app.config.JupyterHub[name] = getattr(app, name)
        put(app.config)
        for name in ours:
            setattr(app, name, app.config.JupyterHub[name])

    app.observe(again, "session_factory")  # set when the Hub opens its database, its first step


def _update(section: Any, name: str, environment: dict[str, str]) -> None:
    value = section.environment
    if isinstance(value, dict):
        section.environment = value | environment
    elif isinstance(value, LazyConfigValue):
        value.update(environment)
    else:
        raise ConfigurationError(
            f"c.{name}.environment is not a dict, so what users' servers need cannot be added.",
            hint="Make it a dict in jupyterhub_config.py. Its values may be functions.",
        )


def _redirect(theirs: Callable[..., Any], *given: Any) -> Any:
    """Our hook, else the one that was configured."""
    return user_redirect_hook(*given) or theirs(*given)


def _with_hook(theirs: Any) -> Callable[..., Any]:
    if theirs is None or theirs is user_redirect_hook:
        return user_redirect_hook
    ours = getattr(theirs, "func", None) is _redirect
    return theirs if ours else functools.partial(_redirect, theirs)


def _with_service(service: dict[str, Any], services: list[Any]) -> list[Any]:
    """Raise ConfigurationError if there is another of that name."""
    others = [each for each in services if each.get("name") != NAME]
    if any(_settled(each) != _settled(service) for each in services if each not in others):
        raise ConfigurationError(
            f"c.JupyterHub.services already contains another service named {NAME}.",
            hint="Call `jupyter_auth.hub_config` with providers once, in one file.",
        )
    return [*others, service]


def _settled(service: dict[str, Any]) -> dict[str, Any]:
    """The service without what depends on later configuration."""
    environment = {k: v for k, v in service.get("environment", {}).items() if k != SAME_PERSON}
    return service | {"environment": environment}


def _secrets(database_url: str | None, crypt_keys: str | None) -> dict[str, str]:
    """What the service needs of the Hub's environment, which it does not inherit."""
    from jupyter_auth.core.provider.client_credentials import CREDENTIALS, VARIABLE

    given = {"JUPYTER_AUTH_DATABASE_URL": database_url, "JUPYTER_AUTH_CRYPT_KEYS": crypt_keys}
    wanted = {CREDENTIALS, *given, *(f"{name}_FILE" for name, value in given.items() if not value)}
    found = {
        name: value
        for name, value in os.environ.items()
        if name in wanted or re.fullmatch(VARIABLE, name)
    }
    return found | {name: value for name, value in given.items() if value}


def _own_sign_in(c: Any) -> dict[str, str]:
    """The host where the Hub's users sign in, with the claim of their name; empty if unknown."""
    from jupyterhub.auth import Authenticator
    from jupyterhub.traitlets import EntryPointType
    from traitlets import HasTraits

    class Chosen(HasTraits):
        kind = EntryPointType(klass=Authenticator, entry_point_group="jupyterhub.authenticators")

    try:
        made = Chosen(kind=c.JupyterHub.get("authenticator_class")).kind(config=c)
        host, claim = sign_in_host(made.authorize_url), made.username_claim
        plain = f"{type(made).__module__}.{type(made).__qualname__}" in BY_BARE_CLAIM
        plain &= isinstance(claim, str) and not (
            made.username_map or of_others(made.post_auth_hook)
        )
    except Exception:  # noqa: BLE001 (no OAuth, or an error that the Hub itself reports)
        return {}
    return {host: claim} if plain and host and claim else {}


def _with_roles(more: Collection[str], roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The roles with what browsers, servers and the service need. ``more``: scopes of all users."""
    # ``load_roles`` replaces a role: the first two must repeat what the Hub gives them itself.
    for role, scopes in (
        ({"name": "user", "scopes": ["self"]}, [ACCESS, *more]),
        ({"name": "server", "scopes": ["users:activity!user", "access:servers!server"]}, [ACCESS]),
        ({"name": NAME, "services": [NAME], "scopes": []}, ["list:users", "read:users"]),
    ):
        if all(each["name"] != role["name"] for each in roles):
            roles = [*roles, role]
        roles = [
            _widened(role | each, scopes) if each["name"] == role["name"] else each
            for each in roles
        ]
    return roles


def _widened(role: dict[str, Any], scopes: Collection[str]) -> dict[str, Any]:
    return role | {"scopes": list(dict.fromkeys([*role["scopes"], *scopes]))}
