"""``hub_config`` in configurations as people have them, loaded as the Hub loads its own."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from jupyterhub.app import JupyterHub
from traitlets.config import Config, PyFileConfigLoader

import jupyter_auth
from hub.configuration.z2jh_example import SPAWNER, Load, environment
from jupyter_auth import ConfigurationError
from jupyter_auth.server.hub.config import SAME_PERSON

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = "access:services!service=jupyter-auth"
OURS = """
import jupyter_auth
jupyter_auth.hub_config(c, {"idp": {"issuer": "https://idp.example", "client_id": "x"}})
"""
THEIRS = """
c.JupyterHub.services = [{"name": "cull"}]
c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", "shares!user"]}, {"name": "cull"}]
"""
MORE = """
c.JupyterHub.services.append({"name": "cull"})
c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", "shares!user"]})
c.JupyterHub.load_roles.append({"name": "cull"})
"""
BOTH = 'load_subconfig("sub.py")'


def roles(hub: JupyterHub) -> dict[str, list[str]]:
    names = [each["name"] for each in hub.load_roles]
    assert len(set(names)) == len(names), "the Hub refuses a role that is there twice"
    return {each["name"]: each.get("scopes", []) for each in hub.load_roles}


@pytest.mark.parametrize(
    "files",
    [
        (f"{SPAWNER}c.KubeSpawner.environment = {{'A': '1'}}{OURS}",),
        (f"{SPAWNER}{OURS}c.KubeSpawner.environment = {{'A': '1'}}",),
        (f"{SPAWNER}{OURS}c.Spawner.environment = {{'A': '1'}}",),
        (f"{SPAWNER}{OURS}c.SimpleLocalProcessSpawner.environment = {{'A': '1'}}",),
        (f"{SPAWNER}c.KubeSpawner.environment.update({{'A': '1'}}){OURS}",),
        (f"{OURS}{SPAWNER}c.KubeSpawner.environment.update({{'A': '1'}})",),
        (f"{SPAWNER}c.KubeSpawner.environment = {{'A': '1'}}\n{BOTH}", OURS),
        (f"{SPAWNER}{OURS}{BOTH}", "c.KubeSpawner.environment = {'A': '1'}"),
    ],
)
def test_every_spawners_environment_has_ours_besides(load: Load, files: tuple[str, ...]) -> None:
    """One for a class of spawners replaces that of all; Zero to JupyterHub always sets one."""
    given = environment(load(*files))
    assert given["A"] == "1"
    assert given["JUPYTER_AUTH_URL"] == "http://127.0.0.1:10201"
    assert given["JUPYTER_AUTH_REDIRECT_HOOK"] == "1"
    assert json.loads(given[SAME_PERSON]) == {}


def test_no_spawner_takes_it_for_a_template(load: Load) -> None:
    """KubeSpawner formats what it is given, with the user's name, say; JSON has braces."""
    given = environment(load(OURS.replace("})", "}, same_person={'idp': 'upn'})")))
    said = given[SAME_PERSON].format(username="alice")
    assert json.loads(said) == {"idp": "upn"}


def test_token_files_are_handed_to_users_servers(load: Load) -> None:
    given = environment(load(OURS.replace("})", "}, token_files={'idp': '~/t'})")))
    said = given["JUPYTER_AUTH_TOKEN_FILES"].format(username="alice")
    assert json.loads(said) == {"idp": "~/t"}


@pytest.mark.parametrize("order", [0, 1])
def test_an_environment_that_is_no_dict_is_refused(load: Load, order: int) -> None:
    theirs = "\nc.KubeSpawner.environment = lambda spawner: {}\n"
    with pytest.raises(ConfigurationError, match=r"c\.KubeSpawner.environment is not a dict"):
        load(SPAWNER + (theirs + OURS, OURS + theirs)[order])


@pytest.mark.parametrize(
    "files",
    [
        (THEIRS + OURS,),
        (OURS + THEIRS,),
        (OURS + MORE,),
        (MORE + OURS,),
        (THEIRS + BOTH, OURS),
        (MORE + BOTH, OURS),
        (OURS + BOTH, THEIRS),
        (OURS + BOTH, MORE),
        (BOTH + THEIRS, OURS),
    ],
)
def test_services_and_roles_are_added_to_those_of_any_file(
    load: Load, files: tuple[str, ...]
) -> None:
    hub = load(*files)
    assert {each["name"] for each in hub.services} == {"cull", "jupyter-auth"}
    assert roles(hub) == {
        "user": ["self", "shares!user", ACCESS],
        "server": ["users:activity!user", "access:servers!server", ACCESS],
        "cull": [],
        "jupyter-auth": ["list:users", "read:users"],
    }


@pytest.mark.parametrize("theirs", [THEIRS, MORE])
def test_it_is_so_for_whatever_loads_the_files(tmp_path: Path, theirs: str) -> None:
    """As the Littlest JupyterHub's own checks do, say: no Hub is there."""
    (tmp_path / "main.py").write_text(theirs + BOTH)
    (tmp_path / "sub.py").write_text(OURS)
    c = PyFileConfigLoader("main.py", str(tmp_path)).load_config()
    assert [each["name"] for each in c.JupyterHub.services] == ["cull", "jupyter-auth"]
    by_name = {each["name"]: each.get("scopes") for each in c.JupyterHub.load_roles}
    assert by_name["user"] == ["self", "shares!user", ACCESS]
    assert len(by_name) == len(list(c.JupyterHub.load_roles)) == 4


def test_a_role_keeps_what_it_says_besides(load: Load) -> None:
    own = "{'name': 'jupyter-auth', 'scopes': ['read:metrics'], 'services': ['jupyter-auth']}"
    partly = "{'name': 'user', 'description': 'people'}"
    hub = load(f"c.JupyterHub.load_roles = [{partly}, {own}]{OURS}")
    assert roles(hub)["user"] == ["self", ACCESS]
    assert roles(hub)["jupyter-auth"] == ["read:metrics", "list:users", "read:users"]
    assert hub.load_roles[0]["description"] == "people"


@pytest.mark.skipif(not hasattr(JupyterHub, "extra_user_scopes"), reason="of JupyterHub 6")
@pytest.mark.parametrize("order", [0, 1])
def test_further_scopes_of_all_users_stay(load: Load, order: int) -> None:
    """The Hub adds them to no role that is configured."""
    more = "\nc.JupyterHub.extra_user_scopes.add('read:hub')\n"
    hub = load((more + OURS, OURS + more)[order])
    assert roles(hub)["user"] == ["self", ACCESS, "read:hub"]


@pytest.mark.parametrize(
    "files",
    [
        ("c.JupyterHub.user_redirect_hook = theirs" + OURS,),
        (OURS + "c.JupyterHub.user_redirect_hook = theirs",),
        ("c.JupyterHub.user_redirect_hook = theirs\n" + BOTH, OURS),
        ("c.JupyterHub.user_redirect_hook = theirs\n" + OURS + OURS,),
        (OURS + OURS + "c.JupyterHub.user_redirect_hook = theirs",),
    ],
)
def test_another_hook_has_what_ours_leaves(load: Load, files: tuple[str, ...]) -> None:
    theirs = "async def theirs(path, request, user, base_url): return f'/theirs/{path}'\n"
    hook = load(theirs + files[0], *files[1:]).user_redirect_hook
    request = SimpleNamespace(query="state=x~two")
    user = SimpleNamespace(url="/user/ann/", orm_user=SimpleNamespace(orm_spawners={}))
    assert asyncio.run(hook("lab", request, user, "/")) == "/theirs/lab"
    ours = hook("jupyter-auth/callback/idp", request, user, "/")
    assert ours == "/user/ann/jupyter-auth/callback/idp?state=x~two"


def test_without_another_one_the_hook_is_ours(load: Load) -> None:
    plain = "\nimport jupyter_auth\njupyter_auth.hub_config(c)\n"
    hub = load(plain + plain)
    assert hub.user_redirect_hook is jupyter_auth.user_redirect_hook
    assert not hub.services
    assert environment(hub)["JUPYTER_AUTH_REDIRECT_HOOK"] == "1"


@pytest.mark.parametrize("files", [(OURS + OURS,), (OURS + BOTH, OURS)])
def test_the_same_twice_is_once(load: Load, files: tuple[str, ...]) -> None:
    hub = load(*files)
    assert [each["name"] for each in hub.services] == ["jupyter-auth"]
    roles(hub)


@pytest.mark.parametrize("files", [(OURS, "{}"), (OURS + BOTH, OURS), (BOTH + OURS, OURS)])
def test_two_services_of_that_name_are_refused(load: Load, files: tuple[str, str]) -> None:
    main, sub = files
    other = sub.replace("'x'", "'y'").replace('"x"', '"y"')
    if sub == "{}":
        main, other = "c.JupyterHub.services = [{'name': 'jupyter-auth'}]" + main, ""
    with pytest.raises(
        ConfigurationError, match=r"another service named jupyter-auth.*once, in one file"
    ):
        load(main, other)


@pytest.mark.parametrize("place", ["before", "after", "around"])
def test_the_hubs_own_sign_in_counts_wherever_it_is_configured(load: Load, place: str) -> None:
    """Else anybody could sign in as anybody: the rule is of SECURITY.md, promise 3."""
    theirs = "\nc.JupyterHub.authenticator_class = 'github'\n"
    files = {"before": (theirs + OURS,), "after": (OURS + theirs,), "around": (theirs + BOTH, OURS)}
    hub = load(*files[place])
    (service,) = hub.services
    for given in (service["environment"], environment(hub)):
        assert json.loads(given[SAME_PERSON]) == {"github.com": "login"}


@pytest.mark.parametrize("order", [0, 1])
def test_internal_ssl_is_for_no_service_of_ours(load: Load, order: int) -> None:
    theirs = "\nc.JupyterHub.internal_ssl = True\n"
    with pytest.raises(ConfigurationError, match=r"does not work with c\.JupyterHub.internal_ssl"):
        load((theirs + OURS, OURS + theirs)[order])
    load(f"{theirs}import jupyter_auth; jupyter_auth.hub_config(c)")


def test_what_was_made_before_is_left_as_it_is() -> None:
    """A dict or list that the configuration uses elsewhere, too."""
    mine, role = {"A": "1"}, {"name": "user", "scopes": ["self"]}
    c = Config()
    c.DockerSpawner.environment = mine
    c.JupyterHub.load_roles = [role]
    jupyter_auth.hub_config(c, {}, api_token="of a service that runs elsewhere")
    assert mine == {"A": "1"}
    assert role["scopes"] == ["self"]
    assert c.DockerSpawner.environment["JUPYTER_AUTH_URL"]


@pytest.mark.parametrize(
    ("discover", "said"),
    [(True, None), (False, []), (["*", "mcp.internal"], ["*", "mcp.internal"])],
)
def test_where_users_may_sign_in_from_an_address_is_for_the_service(
    discover: bool | list[str],  # noqa: FBT001
    said: list[str] | None,
) -> None:
    c = Config()
    jupyter_auth.hub_config(c, {}, discover=discover)
    (service,) = c.JupyterHub.services
    given = service["environment"].get("JUPYTER_AUTH_DISCOVER")
    assert (given and json.loads(given)) == said


@pytest.mark.parametrize("consent", [True, False])
def test_consent_is_said_to_the_service_and_to_servers(consent: bool) -> None:  # noqa: FBT001
    c = Config()
    jupyter_auth.hub_config(c, {}, consent=consent)
    (service,) = c.JupyterHub.services
    for given in (service["environment"], c.Spawner.environment.to_dict()["update"]):
        assert given.get("JUPYTER_AUTH_CONSENT") == ("1" if consent else None)
