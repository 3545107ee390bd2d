"""What every suite shares: the two identity providers and a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from clock import Clock
from providers.oidc import OidcProvider
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def oidc() -> Iterator[OidcProvider]:
    """The real provider, one process for all tests of a worker; see `_oidc_as_at_the_start`."""
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _oidc_as_at_the_start(request: pytest.FixtureRequest) -> None:
    """Life times, delays and events belong to one test, though the process serves them all."""
    if "oidc" in request.fixturenames:
        request.getfixturevalue("oidc").reset()


@pytest.fixture
def rogue() -> Iterator[RogueProvider]:
    """A provider that behaves until it is told not to; a fresh one for each test."""
    with RogueProvider() as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()
