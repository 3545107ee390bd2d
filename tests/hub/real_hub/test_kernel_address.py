"""Kernels' routes on an address of their own: what leads through the Hub's proxy has no token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from hub.service_client import PLACE, auth_hub, call, hub_token
from hub.service_process import another
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.hub.config import KERNEL_URL
from jupyter_auth.server.hub.starting import ListenAddress
from patience import PATIENCE, until
from processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

VERSION = {"Jupyter-Auth-Version": "1"}


def test_a_valid_token_is_refused_at_the_public_address_and_pages_at_the_other(
    served: Hub, oidc: OidcProvider, tmp_path: Path
) -> None:
    served.session(served.api_token).post(served.url("hub/api/users/kim"), timeout=PATIENCE)
    token, kernels = hub_token(served, "kim"), f"http://127.0.0.1:{free_port()}"
    assert call(served, token, "GET", "accounts").json() == {"accounts": []}, "without such a port"
    bearer = {"Authorization": f"Bearer {token}"} | VERSION
    with another(served, oidc, tmp_path / "log", **{KERNEL_URL: kernels}) as service:
        until(service.ready, 3 * PATIENCE)

        def at_kernels(path: str, **headers: str) -> requests.Response:
            url = f"{kernels}{served.prefix}{PLACE}{path}"
            return requests.get(url, headers=headers, timeout=PATIENCE, allow_redirects=False)

        asked = {"json": {"provider": "idp"}, "headers": bearer}
        for method, path, given in (
            ("GET", "api/v1/accounts", {"headers": bearer}),
            ("POST", "api/v1/token", asked),
            ("POST", "api/v1/logins", asked),
        ):
            answer = service.ask(path, method, **given)
            assert answer.status_code == 403
            assert "does not serve notebooks" in answer.json()["message"]
        assert at_kernels("api/v1/accounts", **bearer).json() == {"accounts": []}
        assert at_kernels("api/v1/accounts", **VERSION).status_code == 403

        for page in ("login/none", "static/page.css", "problem/failed", "callback/idp", ""):
            assert at_kernels(page).status_code == 403, page
            assert at_kernels(page, **bearer).status_code == 404, page
        assert service.ask("login/none").status_code == 302, "to the Hub, to sign in"
        for ask in (at_kernels, service.ask):
            assert ask("health").json() == {"status": "ok"}
        public = f"http://127.0.0.1:{service.port}"
        urls = {"JUPYTERHUB_SERVICE_URL": public, KERNEL_URL: kernels}
        told = auth_hub(served, oidc, "doctor", **urls)
        assert f"Address for the Hub's proxy: The service answers at {public}." in told
        assert f"Address for users' servers: The service answers at {kernels}." in told


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://10.0.0.5:10201", "have the same port, 10201"),
        ("10.0.0.5:x", "which is not an address"),
    ],
)
def test_an_address_that_cannot_be_is_refused(url: str, match: str) -> None:
    environ = {
        "JUPYTERHUB_SERVICE_PREFIX": "/services/jupyter-auth/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10201",
        KERNEL_URL: url,
    }
    with pytest.raises(ConfigurationError, match=match):
        ListenAddress.of(environ)
