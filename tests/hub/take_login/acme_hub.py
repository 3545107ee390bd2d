"""A Hub whose users log in at the provider, and whose service takes these logins over."""

from __future__ import annotations

import secrets
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hub.hub_process import Hub, HubBrowser, UserServer, answers
from hub.hubs import KEYS, SCOPES, SECRET
from patience import until
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider

CLIENT = "acme-hub"
# What people have: the recipe of the Hub's documentation for tokens in notebooks, and a hook.
THEIRS = """
def recipe(spawner, auth_state):
    spawner.environment["OF_THE_HUB"] = repr(auth_state)

def refreshed(authenticator, user, auth_state):
    authenticator.log.info("Their own hook: %s", user.name)

c.Spawner.auth_state_hook = recipe
c.GenericOAuthenticator.refresh_user_hook = refreshed
"""


def authenticator(oidc: OidcProvider, origin: str) -> str:
    settings = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "basic_auth": True,
        "authorize_url": f"{oidc.issuer}/auth",
        "token_url": f"{oidc.issuer}/token",
        "userdata_url": f"{oidc.issuer}/me",
        "username_claim": "preferred_username",
        "scope": SCOPES,
        "extra_authorize_params": {"prompt": "consent"},
        "oauth_callback_url": f"{origin}/campus/hub/oauth_callback",
        "allow_all": True,
        "auth_refresh_age": 1,
    }
    lines = [f"c.GenericOAuthenticator.{name} = {value!r}" for name, value in settings.items()]
    chosen = 'c.JupyterHub.authenticator_class = "generic-oauth"'
    keys = f"c.CryptKeeper.keys = [{secrets.token_bytes(32)!r}]"
    return "\n".join([chosen, keys, *lines, THEIRS])


def ours(oidc: OidcProvider, home: Path, **more: Any) -> str:
    idp = {"issuer": oidc.issuer, "client_id": CLIENT, "client_secret": SECRET, "scopes": SCOPES}
    idp["username_claim"] = "preferred_username"
    given = {
        "url": f"http://127.0.0.1:{free_port()}",
        "database_url": f"sqlite:///{home / 'accounts.sqlite'}",
        "crypt_keys": KEYS,
        "take_login": "idp",
    } | more
    return f"\nimport jupyter_auth; jupyter_auth.hub_config(c, { ({'idp': idp})!r}, **{given!r})\n"


@contextmanager
def acme_hub(
    oidc: OidcProvider, home: Path, python: str = sys.executable, **more: Any
) -> Iterator[AcmeHub]:
    """``more`` is given to ``hub_config``. With an ``api_token`` the service is not started."""
    hub = AcmeHub(home, prefix="/campus/", served=True, python=python)
    hub.oidc = oidc
    hub._more = ours(oidc, home, **more) + authenticator(oidc, hub.origin)
    with hub:
        uris = (f"{hub.origin}/campus/hub/oauth_callback", hub.url("services/jupyter-auth/x"))
        oidc.add_client(CLIENT, *uris, client_secret=SECRET)
        if "api_token" not in more:
            until(lambda: answers(hub.url("services/jupyter-auth/ready")))
        yield hub


class AcmeHub(Hub):
    oidc: OidcProvider

    def browser(self, user: str) -> HubBrowser:
        """A fresh browser in which that person has logged in: nothing but what the Hub asks for."""
        browser = HubBrowser(self, user)
        answer = browser.get(self.url("hub/oauth_login"), allow_redirects=False)
        back = self.oidc.login(answer.headers["Location"], user)
        answer = browser.get(back, headers={"Sec-Fetch-Site": "cross-site"}, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return browser

    def logged_in(self, browser: HubBrowser) -> bool:
        """Whether the Hub still knows that browser; it asks the provider or the service first."""
        answer = browser.get(self.url("hub/home"), allow_redirects=False)
        return answer.status_code == 200

    def started(self, browser: HubBrowser, name: str = "") -> UserServer:
        """The server that its person starts in the browser."""
        browser.get(self.url(f"hub/spawn/{browser.user}/{name}".rstrip("/")))
        until(lambda: self.runs(browser.user, name))
        return UserServer(self, browser.user, name)
