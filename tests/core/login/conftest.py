"""Logins of an engine that are written down where a test can look; one of them by device code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.login.device_login import begun
from jupyter_auth.core.login.login_store import MemoryLoginStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from clock import Clock
    from core.login.device_login import Waiting
    from jupyter_auth.core.engine import Engine
    from providers.rogue import RogueProvider


@pytest.fixture
def login_store() -> MemoryLoginStore:
    return MemoryLoginStore()


@pytest.fixture
def engine(
    engines: Callable[..., Engine], rogue: RogueProvider, login_store: MemoryLoginStore
) -> Engine:
    """An engine in memory whose only provider ``idp`` is ``rogue``; both go by ``clock``."""
    return engines(login_store=login_store, idp=rogue)


@pytest.fixture
def device(engine: Engine, clock: Clock) -> Waiting:
    """Its code is shown."""
    return begun(engine, clock)
