"""Nothing installed on the Hub: what its ``user-redirect`` brings to whom. SECURITY 3."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


def test_a_request_that_another_user_made_comes_to_nothing_at_alices_server(
    hub: Hub, oidc: OidcProvider
) -> None:
    """With a verifier of mallory's own: what her server would be brought it could redeem.

    That takes a browser that is mallory at the Hub, which a page of hers on a shared origin can
    make of alice's. No code of ours is asked then, so doctor says it.
    """
    kernel, browser = hub.server("alice").kernel(), hub.browser("alice")
    asked = {
        "client_id": "campus",
        "redirect_uri": hub.url("hub/user-redirect/jupyter-auth/callback/idp"),
        "response_type": "code",
        "scope": "openid profile",
        "state": "mallory-chose-this-state",
        "code_challenge": urlsafe_b64encode(hashlib.sha256(b"m" * 43).digest()).decode()[:43],
        "code_challenge_method": "S256",
    }
    callback = oidc.login(f"{oidc.issuer}/auth?{urlencode(asked)}", "alice")
    granted = len(oidc.events("grant.success"))
    place = browser.arrive(callback)
    assert place == f"{hub.prefix}user/alice/jupyter-auth/problem/expired"
    assert len(oidc.events("grant.success")) == granted, "the code was exchanged"

    said = {each["about"]: each for each in kernel.call("GET", "doctor")["findings"]}
    assert "a page of another user's server can act in your browser" in said["Other users"]["says"]
    assert "c.JupyterHub.subdomain_host" in said["Other users"]["fix"]
