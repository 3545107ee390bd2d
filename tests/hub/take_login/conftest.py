"""One such Hub of each version for all tests of a worker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hub.take_login.acme_hub import acme_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.take_login.acme_hub import AcmeHub
    from providers.oidc import OidcProvider


@pytest.fixture(scope="session", params=["6", pytest.param("5.5", marks=pytest.mark.long)])
def acme(
    request: pytest.FixtureRequest, oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AcmeHub]:
    older = request.param == "5.5"
    python = request.getfixturevalue("older") if older else sys.executable
    with acme_hub(oidc, tmp_path_factory.mktemp("acme"), python) as hub:
        assert hub.api("GET", "")["version"].startswith(request.param)
        yield hub
