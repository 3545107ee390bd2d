"""One such Hub for all tests of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.take_login.acme_hub import acme_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.take_login.acme_hub import AcmeHub
    from providers.oidc import OidcProvider


@pytest.fixture(scope="session")
def acme(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AcmeHub]:
    with acme_hub(oidc, tmp_path_factory.mktemp("acme")) as hub:
        yield hub
