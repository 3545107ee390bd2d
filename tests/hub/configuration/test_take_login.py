"""``take_login`` in configurations as people have them, and what ``doctor`` says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hub.configuration.z2jh_example import SPAWNER
from jupyter_auth import ConfigurationError
from jupyter_auth.server.broker.same_person import SAME_PERSON
from jupyter_auth.server.hub.doctor.configuration_checks import spawner_environment
from jupyter_auth.server.hub.doctor.take_login_checks import check_take_login
from jupyter_auth.server.hub.take_login.hooks import of_others

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

    from hub.configuration.z2jh_example import Load
    from providers.rogue import RogueProvider

OURS = """
import jupyter_auth
table = {"issuer": "ISSUER", "client_id": "x", "audience": "https://api.acme.example"}
jupyter_auth.hub_config(c, {"acme": table}, take_login="acme")
"""
THEIRS = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = "x"
c.GenericOAuthenticator.authorize_url = "ISSUER/authorize"
c.GenericOAuthenticator.token_url = "ISSUER/token"
c.GenericOAuthenticator.userdata_url = "ISSUER/userinfo"
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.scope = ["openid", "offline_access"]
c.GenericOAuthenticator.extra_authorize_params = {"audience": "https://api.acme.example"}
c.CryptKeeper.keys = [b"k" * 32]
"""
HOOKS = """
def theirs(*_): pass
c.GenericOAuthenticator.refresh_user_hook = theirs
c.KubeSpawner.auth_state_hook = theirs
"""


def loaded(load: Load, rogue: RogueProvider, *files: str) -> JupyterHub:
    return load(*(each.replace("ISSUER", rogue.issuer) for each in files))


def findings(hub: JupyterHub) -> list[Any]:
    service = next(each for each in hub.services if each["name"] == "jupyter-auth")
    return list(check_take_login(hub, service))


@pytest.mark.parametrize(
    "files",
    [
        (f"{SPAWNER}{THEIRS}{HOOKS}{OURS}",),
        (f"{OURS}{SPAWNER}{THEIRS}{HOOKS}",),
        (f'{SPAWNER}load_subconfig("sub.py")\n{THEIRS}{HOOKS}', OURS),
        (f'{SPAWNER}{OURS}load_subconfig("sub.py")', THEIRS + HOOKS),
    ],
)
def test_the_hooks_are_chained_wherever_it_is_written(
    load: Load, rogue: RogueProvider, files: tuple[str, ...]
) -> None:
    hub = loaded(load, rogue, *files)
    made = hub.authenticator_class(config=hub.config)
    assert made.enable_auth_state
    assert of_others(made.refresh_user_hook).__name__ == "theirs"
    assert of_others(hub.config.KubeSpawner.auth_state_hook).__name__ == "theirs"
    assert [(each.state, each.says) for each in findings(hub)] == [
        ("ok", "Logins to the Hub at acme are taken over.")
    ]


def test_our_hook_keeps_the_rule_who_is_who(load: Load, rogue: RogueProvider) -> None:
    """One of theirs may change names: then no claim is known to be the user's name."""
    hub = loaded(load, rogue, THEIRS + OURS)
    host = rogue.issuer.removeprefix("http://")
    assert json.loads(spawner_environment(hub)[SAME_PERSON]) == {host: "preferred_username"}
    changed = THEIRS + OURS + "\nc.Authenticator.post_auth_hook = lambda *a: a[-1]"
    assert json.loads(spawner_environment(loaded(load, rogue, changed))[SAME_PERSON]) == {}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('c.GenericOAuthenticator.client_id = "y"', "The Hub's client_id is y"),
        ('c.GenericOAuthenticator.token_url = "https://x.example"', "The Hub's token_url is"),
        ("c.GenericOAuthenticator.extra_authorize_params = {}", "The Hub's audience is not set"),
        ('c.GenericOAuthenticator.scope = ["openid"]', "does not request offline_access"),
        ("c.GenericOAuthenticator.enable_auth_state = False", "enable_auth_state is off"),
        ("c.CryptKeeper.keys = []", "no key to encrypt auth_state"),
        ('c.JupyterHub.authenticator_class = "dummy"', "has no refresh_user_hook"),
    ],
)
def test_doctor_says_what_is_missing(
    load: Load, rogue: RogueProvider, more: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY", raising=False)
    found = findings(loaded(load, rogue, f"{THEIRS}{OURS}\n{more}"))
    (problem,) = [each for each in found if each.state != "ok"]
    assert says in problem.says
    assert problem.advice
    assert problem.state == ("note" if "offline" in says else "wrong")


def test_it_needs_the_service(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="take_login needs the service"):
        load('import jupyter_auth; jupyter_auth.hub_config(c, take_login="acme")')
