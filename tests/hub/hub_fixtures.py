"""One JupyterHub for each of the two ways in: fixtures of whatever suite attacks or uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.hubs import plain_hub, served_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


@pytest.fixture(scope="session")
def hub(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with plain_hub(oidc, tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="session")
def served(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with served_hub(oidc, tmp_path_factory.mktemp("served")) as hub:
        yield hub
