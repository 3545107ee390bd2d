"""Sign-in on a single-user server of a JupyterHub that does not run the Hub service.

The Hub's ``user-redirect`` forwards browsers from one redirect URI to each user's server. The Hub
logs the authorization code on the way, so PKCE alone protects it: clients with a secret need the
Hub service, see ``server/hub``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.provider.provider import Provider

CALLBACK = "jupyter-auth/callback/"
CODE = "authorization_code"
# Set by ``hub_config``: the Hub has our hook; the URL of its service.
HOOK_VARIABLE = "JUPYTER_AUTH_REDIRECT_HOOK"
URL_VARIABLE = "JUPYTER_AUTH_URL"
CONSENT = "JUPYTER_AUTH_CONSENT"  # 1: the service asks which notebooks may use an account
MARK = "~"  # between a state and the name of its server


@dataclass(frozen=True, kw_only=True)
class HubRedirect:
    """The owner of this single-user server, and its redirect URI on the Hub."""

    owner: str
    hub_prefix: str  # root-absolute, with slashes at both ends
    server_name: str = ""
    has_hook: bool = False
    hub_origin: str = ""  # the Hub's origin; empty: all users' servers share it, without subdomains

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> HubRedirect | None:
        """From the environment that the Hub set, or None without a Hub."""
        if not environ.get("JUPYTERHUB_USER") or not environ.get("JUPYTERHUB_SERVICE_PREFIX"):
            return None
        return cls(
            owner=environ["JUPYTERHUB_USER"],
            hub_prefix=f"{environ.get('JUPYTERHUB_BASE_URL', '/').rstrip('/')}/hub/",
            server_name=environ.get("JUPYTERHUB_SERVER_NAME", ""),
            has_hook=environ.get(HOOK_VARIABLE) == "1",
            hub_origin=separate_hub_origin(environ),
        )

    def redirect_path(self, provider: str) -> str:
        """The one redirect URI of all users, root-absolute."""
        return f"{self.hub_prefix}user-redirect/{CALLBACK}{quote(provider, safe='')}"

    def findings(self) -> list[Finding]:
        """For ``doctor``: the risk of an origin that all users share."""
        if self.hub_origin:
            return []
        return [
            Finding(
                about="Other users",
                says="All servers on this JupyterHub share one address: a page of another user's"
                " server can act in your browser as you.",
                fix="Open other people's servers only if you trust them, or ask the Hub's"
                " administrator for c.JupyterHub.subdomain_host.",
                state="note",
            )
        ]

    @property
    def state_suffix(self) -> str:
        """The end of a state, by which our hook on the Hub finds a named server."""
        return MARK + self.server_name if self.server_name else ""

    def check(self, provider: Provider) -> None:
        """Raise ConfigurationError if codes of this provider must not pass the Hub."""
        if provider.client_auth != "none" and CODE in (provider.grants or (CODE,)):
            raise _needs_service(provider)

    def obstacle_to_begin(self, provider: Provider) -> ConfigurationError | None:
        """As ``obstacle``, if the authorization code grant is the preferred one."""
        return self.obstacle(provider) if provider.grants[:1] in {(), (CODE,)} else None

    def obstacle(self, provider: Provider) -> ConfigurationError | None:
        """Why a code of this provider must not or cannot pass the Hub, or None.

        A redirect URI elsewhere does not concern the Hub: a person pastes the code from there.
        """
        if CODE not in (provider.grants or (CODE,)):
            return None
        own = f"/{CALLBACK}{quote(provider.name, safe='')}"
        if provider.redirect_uri and not urlsplit(provider.redirect_uri).path.endswith(own):
            return None
        if provider.client_auth != "none":
            return _needs_service(provider)
        if self.server_name and not self.has_hook:
            return ConfigurationError(
                f"{provider.title} cannot send a browser back to the named server"
                f" {self.server_name!r}: this JupyterHub redirects to default servers only.",
                hint="Sign in from your default server, which shares its accounts with this one, or"
                " have `jupyter_auth.hub_config(c)` added to the Hub's configuration.",
            )
        return None


def _needs_service(provider: Provider) -> ConfigurationError:
    return ConfigurationError(
        f"{provider.title} is configured with a client secret, which cannot be used on single-user"
        " servers: JupyterHub logs the authorization code.",
        hint="Register a public client (PKCE, no secret), have the Hub's administrator run"
        ' jupyter_auth\'s service, or configure another grant, such as grants=["device_code"].',
    )
