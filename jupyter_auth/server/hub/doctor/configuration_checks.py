"""Checks that what ``hub_config`` added is still in the Hub's configuration at its end.

The file is loaded as the Hub does it, and nothing is started. A later line may have replaced the
additions, or the spawner's own class may override them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.urls import LOOPBACK_HOSTS
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.server.broker.redirect.hub import HOOK_VARIABLE, URL_VARIABLE
from jupyter_auth.server.broker.same_person import SAME_PERSON
from jupyter_auth.server.hub.config import ACCESS, KERNEL_URL, NAME
from jupyter_auth.server.hub.doctor.service_checks import reached
from jupyter_auth.server.hub.doctor.take_login_checks import check_take_login
from jupyter_auth.server.hub.users.users import NEEDED_SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub.app import JupyterHub

LETS_IN = {ACCESS, "access:services"}
_CALL = "Call `hub_config` there. It adds what is needed to the rest of the configuration."
_WHERE = "Hub's configuration"


def check_hub_config(file: str) -> Iterator[Finding]:
    """Check the environment of users' servers, the roles, and the service's address."""
    try:
        hub = _loaded(file)
    except AuthError as error:
        yield wrong(_WHERE, error)
        return
    service = next((each for each in hub.services if each.get("name") == NAME), None)
    yield from _environment(hub, service)
    if service is None:
        yield Finding(
            about="Service",
            says=f"The Hub has no service named {NAME}: each user's server signs in by itself.",
            fix="To have one, pass providers to `hub_config`.",
            state="note",
        )
        return
    yield from _address(hub, _url_for_servers(service))
    yield from _roles(hub)
    yield from check_take_login(hub, service)


def _loaded(file: str) -> JupyterHub:
    from jupyterhub.app import JupyterHub

    path = Path(file).resolve()
    if not path.is_file():
        raise ConfigurationError(f"The configuration file {file} does not exist.")
    hub = JupyterHub.instance(raise_config_file_errors=True)  # `hub_config` looks for this instance
    try:
        hub.load_config_file(str(path))
        hub.session_factory = lambda: None  # in place of opening the database: see `hub_config`
    except AuthError:
        raise
    except (Exception, SystemExit) as error:  # an administrator's own lines can raise anything
        raise ConfigurationError(
            f"{file} cannot be loaded: {type(error).__name__}.", hint="See the Hub's log."
        ) from error
    return hub


def spawner_environment(hub: JupyterHub) -> dict[str, Any]:
    """The ``c.<class>.environment`` that applies to the Hub's spawner class."""
    found: Any = {}
    for name in hub.spawner_class.section_names():
        given = hub.config[name].get("environment") if name in hub.config else None
        if given is not None:
            found = given.get_value(found) if hasattr(given, "get_value") else given
    return dict(found)


def _environment(hub: JupyterHub, service: dict[str, Any] | None) -> Iterator[Finding]:
    found, kind = spawner_environment(hub), hub.spawner_class.__name__
    needed = [HOOK_VARIABLE, SAME_PERSON] + ([URL_VARIABLE] if service else [])
    if lacking := [name for name in needed if name not in found]:
        yield Finding(
            about="Environment of users' servers",
            says=f"They are not given {', '.join(lacking)}: neither c.{kind}.environment nor"
            " that of its base classes has it.",
            fix=_CALL,
            state="wrong",
        )
    elif service and found[URL_VARIABLE] != (url := _url_for_servers(service)):
        yield Finding(
            about="Environment of users' servers",
            says=f"{URL_VARIABLE} is {found[URL_VARIABLE]}, and the service's url {url}.",
            fix="This is correct if both lead to the service. If not, give `hub_config` one url.",
            state="note",
        )
    else:
        says = f"All of it reaches them ({kind})."
        yield Finding(about="Environment of users' servers", says=says)


def _url_for_servers(service: dict[str, Any]) -> str:
    """As far as the Hub's configuration says it: a service elsewhere may have another."""
    own = service.get("environment") or {}
    return str(own.get(KERNEL_URL) or service.get("url") or "")


def _address(hub: JupyterHub, url: str) -> Iterator[Finding]:
    from jupyterhub.spawner import LocalProcessSpawner

    here = urlsplit(url).hostname in LOOPBACK_HOSTS
    if here and not issubclass(hub.spawner_class, LocalProcessSpawner):
        yield Finding(
            about="Address for users' servers",
            says=f"{url} always means the machine or container that asks for it.",
            fix="Unless all users' servers run on the Hub's own machine, give `hub_config` a url by"
            " which they reach the service.",
            state="note",
        )
        return
    yield reached(url.rstrip("/"), f"{urlsplit(hub.bind_url).path.rstrip('/')}/services/")


def _roles(hub: JupyterHub) -> Iterator[Finding]:
    roles = {role["name"]: set(role.get("scopes") or ()) for role in hub.load_roles}
    for name, who in (("user", "browsers"), ("server", "kernels")):
        if not roles.get(name, set()) & LETS_IN:
            yield Finding(
                about="Roles",
                says=f"The role {name!r} lacks {ACCESS}: the service refuses users' {who}.",
                fix=_CALL,
                state="wrong",
            )
    own = [role for role in hub.load_roles if NAME in (role.get("services") or ())]
    scopes = {scope for role in own for scope in role.get("scopes") or ()}
    if lacking := [each for each in NEEDED_SCOPES if each not in scopes]:
        yield Finding(
            about="Roles",
            says=f"No role gives the service {NAME} the scope {lacking[0]}.",
            fix=_CALL,
            state="wrong",
        )
