"""What an administrator puts into ``jupyterhub_config.py``. Runs in the Hub's own process."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.urls import host_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NAME = "jupyter-auth"
URL = "http://127.0.0.1:10201"
CALLBACK = "jupyter-auth/callback/"
# Variables that are set here, as JSON, and read by the service and by users' servers.
SAME_PERSON = "JUPYTER_AUTH_SAME_PERSON"
SHARED_IDENTITIES = "JUPYTER_AUTH_SHARED_IDENTITIES"
# Those whose users' names are a claim as the provider says it. Others cut or map it, or may do so:
# Google's cuts the domain off, and what is not listed is not known.
BY_BARE_CLAIM = {
    f"oauthenticator.{module}.{local}{name}OAuthenticator"
    for module, name in (("generic", "Generic"), ("github", "GitHub"))
    for local in ("", "Local")
}


def user_redirect_hook(path: str, request: Any, user: Any, base_url: str) -> str | None:  # noqa: ARG001
    """``c.JupyterHub.user_redirect_hook``: a provider's answer goes to the server that asked.

    The ``state`` of a login on a named server ends in ``~`` and its name. It comes from outside:
    only a server of this very user is found by it. No server is started on the way. None: not ours.
    """
    if not path.startswith(CALLBACK):
        return None
    state = parse_qs(request.query).get("state", [""])[0]
    name = state.partition("~")[2]
    url = user.server_url(name) if name in user.orm_user.orm_spawners else user.url
    return f"{url.rstrip('/')}/{path}?{request.query}"


def hub_config(
    c: Any,
    providers: Mapping[str, Any] | None = None,
    *,
    url: str = URL,
    api_token: str | None = None,
    database_url: str | None = None,
    crypt_keys: str | None = None,
    same_person: str | Mapping[str, str] | None = None,
    shared_identities: Collection[str] = (),
) -> None:
    """Sign-in for this Hub's users: hook, service and roles, in ``jupyterhub_config.py``.

    Without ``providers`` only the hook for named servers. With them, the service: the Hub starts it
    at ``url``, where users' servers have to reach it, unless ``api_token`` says that it runs
    elsewhere. Database and keys are, where not given, the Hub's own environment's
    ``JUPYTER_AUTH_DATABASE_URL`` and ``JUPYTER_AUTH_CRYPT_KEYS``, or files that it names: see
    ``secret_of``. So are client secrets that ``providers`` lacks.

    ``same_person`` and ``shared_identities`` are as in ``c.JupyterAuth``. Where ``same_person`` is
    None, and the Hub's own users sign in as ``BY_BARE_CLAIM`` says, it is their user name's claim
    at that host: call this after the authenticator is configured.
    """
    c.JupyterHub.user_redirect_hook = user_redirect_hook
    rule = _own_sign_in(c) if same_person is None else same_person
    people = {SAME_PERSON: json.dumps(rule)}
    c.Spawner.environment.update({"JUPYTER_AUTH_REDIRECT_HOOK": "1"} | people)
    if providers is None:
        return
    c.Spawner.environment.update({"JUPYTER_AUTH_URL": url})
    # Not among the services that the Hub's pages list: it has no page to begin with.
    service: dict[str, Any] = {
        "name": NAME,
        "url": url,
        "oauth_no_confirm": True,
        "display": False,
    }
    if api_token:
        service |= {"api_token": api_token}
    else:
        service |= {
            "command": [sys.executable, "-m", "jupyter_auth.server.hub"],
            "environment": _secrets(database_url, crypt_keys)
            | people
            | {
                "JUPYTER_AUTH_PROVIDERS": json.dumps(dict(providers)),
                SHARED_IDENTITIES: json.dumps(list(shared_identities)),
            },
        }
    c.JupyterHub.services = [*_listed(c.JupyterHub.services), service]
    c.JupyterHub.load_roles = _with_roles(_listed(c.JupyterHub.load_roles))


def _secrets(database_url: str | None, crypt_keys: str | None) -> dict[str, str]:
    """What the service needs of the Hub's own environment, of which it inherits nothing."""
    from jupyter_auth.core.credentials import CREDENTIALS, VARIABLE

    given = {"JUPYTER_AUTH_DATABASE_URL": database_url, "JUPYTER_AUTH_CRYPT_KEYS": crypt_keys}
    wanted = {CREDENTIALS, *given, *(f"{name}_FILE" for name, value in given.items() if not value)}
    found = {
        name: value
        for name, value in os.environ.items()
        if name in wanted or VARIABLE.fullmatch(name)
    }
    return found | {name: value for name, value in given.items() if value}


def sign_in_host(url: str | None) -> str:
    """The host of ``url`` as rules name it: lower case, ASCII, with no default port; or nothing."""
    try:
        return host_of(url or "")
    except ConfigurationError:  # a path, say
        return ""


def _own_sign_in(c: Any) -> dict[str, str]:
    """The host where the Hub's own users sign in, with the claim that is their name on the Hub.

    Empty where they do not by OAuth, or where their names are made in another way.
    """
    from jupyterhub.auth import Authenticator
    from jupyterhub.traitlets import EntryPointType
    from traitlets import HasTraits

    class Chosen(HasTraits):
        kind = EntryPointType(klass=Authenticator, entry_point_group="jupyterhub.authenticators")

    try:
        made = Chosen(kind=c.JupyterHub.get("authenticator_class")).kind(config=c)
        host, claim = sign_in_host(made.authorize_url), made.username_claim
        plain = f"{type(made).__module__}.{type(made).__qualname__}" in BY_BARE_CLAIM
        plain &= isinstance(claim, str) and not (made.username_map or made.post_auth_hook)
    except Exception:  # noqa: BLE001 (not by OAuth, or not configured well: the Hub itself says so)
        return {}
    return {host: claim} if plain and host and claim else {}


def _listed(value: Any) -> list[Any]:
    """What is configured so far; where nothing was assigned, traitlets has a placeholder."""
    return list(value.get_value([]) if hasattr(value, "get_value") else value)


def _with_roles(roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The roles, and what browsers, users' servers and the service need besides."""
    own = {"name": NAME, "services": [NAME], "scopes": ["list:users", "read:users"]}
    # ``load_roles`` replaces a role: these two have to repeat what the Hub gives them itself.
    for name, scopes in (
        ("user", ["self"]),
        ("server", ["users:activity!user", "access:servers!server"]),
    ):
        role = next((role for role in roles if role["name"] == name), None)
        if role is None:
            role = {"name": name, "scopes": scopes}
            roles.append(role)
        role["scopes"] = [*role["scopes"], f"access:services!service={NAME}"]
    return [*roles, own]
