"""What the rooms of the core share: a store, an engine at ``rogue``, and patience cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from jupyter_auth.core import http
from jupyter_auth.core.store import FileStore, MemoryStore

from .drive import arrive, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login

    from .drive import Callback

settings.register_profile("core", max_examples=50, deadline=None, derandomize=True, database=None)
settings.load_profile("core")


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


@pytest.fixture
def engines(clock) -> Iterator[Callable[..., Engine]]:
    """Makes engines: ``engines(idp=rogue, store=..., clock=...)``; closes them."""
    made: list[Engine] = []

    def make(store: Any = None, clock: Any = clock, **servers: Any) -> Engine:
        made.append(engine_of(store or MemoryStore(), clock, **servers))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def engine(engines, rogue) -> Engine:
    """An engine in memory whose only provider ``idp`` is ``rogue``; both go by ``clock``."""
    return engines(idp=rogue)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is for ever, so that a test of what hangs does not hang."""
    monkeypatch.setattr(http, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.5)
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.5)


@pytest.fixture
def login(engine) -> Login:
    return engine.begin("idp")


@pytest.fixture
def callback(engine, login, rogue) -> Callback:
    """A browser has opened the login and signed in at ``rogue``; nothing is brought back yet."""
    return arrive(engine, login, rogue)
