"""The older line of JupyterHub, in an environment of its own: both ways in, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from hub.hubs import plain_hub, served_hub
from hub.service_client import call, hub_token
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("way", [plain_hub, served_hub])
def test_alice_signs_in(
    way: Callable[..., AbstractContextManager[Hub]],
    oidc: OidcProvider,
    older: str,
    tmp_path: Path,
) -> None:
    with way(oidc, tmp_path / "hub", python=older) as hub:
        assert hub.api("GET", "")["version"].startswith("5.5")
        kernel, browser = hub.server("alice").kernel(), hub.browser("alice")
        if hub.served:
            browser = browser.at(f"{hub.prefix}services/")
        login = kernel.begin()
        assert browser.arrive(oidc.login(browser.open(login), "alice")) == login["path"]
        answer = requests.get(
            f"{oidc.issuer}/me", headers=kernel.token()["headers"], timeout=PATIENCE
        )
        assert answer.json()["sub"] == "u-1001"
        assert browser.send("POST", hub.origin + login["path"], X_XSRFToken="").status_code == 403
        if hub.served:
            hub.api("POST", "groups/physics")
            hub.api("POST", "groups/physics/users", {"users": ["alice"]})
            listed = call(hub, hub_token(hub, "alice"), "GET", "providers").json()["providers"]
            assert [each["name"] for each in listed] == ["club", "idp"]
