"""An engine with a person's own file of providers, and an API to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers.protected_api import ProtectedAPI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from providers.rogue import RogueProvider


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "providers.toml"


@pytest.fixture
def making(user_file: Path) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(configured: dict[str, object] | None = None, **options: object) -> Engine:
        providers = Providers(configured, user_file=user_file, **options)  # type: ignore[arg-type]
        made.append(Engine(providers, MemoryStore()))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def engine(making: Callable[..., Engine]) -> Engine:
    return making()


@pytest.fixture
def api(rogue: RogueProvider) -> Iterator[ProtectedAPI]:
    with ProtectedAPI(rogue.issuer) as made:
        yield made
