"""One JupyterHub for each of the two ways in, and the provider that both know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hub_process import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider

SCOPES = ["openid", "profile", "offline_access"]


@pytest.fixture(scope="session")
def hub(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Nothing of ours is installed on this Hub but the hook for named servers."""
    public = {"issuer": oidc.issuer, "client_id": "campus", "title": "Example ID", "scopes": SCOPES}
    secret = public | {"client_id": oidc.confidential_id, "client_secret": oidc.client_secret}
    auth = {"providers": {"idp": public, "secret": secret}}
    more = "import jupyter_auth; jupyter_auth.hub_config(c)"
    with Hub(tmp_path_factory.mktemp("hub"), auth, more, prefix="/campus/") as hub:
        oidc.add_client("campus", hub.url("hub/user-redirect/jupyter-auth/callback/idp"))
        yield hub
