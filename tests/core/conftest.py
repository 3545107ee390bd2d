"""What the rooms of the core share: a store, an engine at ``rogue``, and patience cut short."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from core.id_tokens import Case
from core.sign_in import arrive, engine_of, exchanged, party_at, sign_in
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import http
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from core.sign_in import Callback
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Account, Login
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


@pytest.fixture
def engines(clock) -> Iterator[Callable[..., Engine]]:
    """Makes engines: ``engines(idp=rogue, store=..., clock=..., login_store=...)``; closes them."""
    made: list[Engine] = []

    def make(store: Any = None, clock: Any = clock, **given: Any) -> Engine:
        made.append(engine_of(store or MemoryStore(), clock, **given))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def engine(engines, rogue) -> Engine:
    """An engine in memory whose only provider ``idp`` is ``rogue``; both go by ``clock``."""
    return engines(idp=rogue)


@pytest.fixture
def account(engine, rogue) -> Account:
    """Rosa has signed in."""
    return sign_in(engine, rogue)


@pytest.fixture
def party(rogue) -> Party:
    """``rogue`` for the rooms below the engine."""
    return party_at(rogue)


@pytest.fixture
def tokens(party, rogue) -> TokenResponse:
    """What a sign-in there has brought."""
    return exchanged(party, rogue)


@pytest.fixture
def impatient() -> Callable[[], AbstractContextManager[None]]:
    """``with impatient(): ...``: half a second is for ever, so that what hangs does not for long.

    For that one call alone: whatever should succeed may take its time.
    """

    @contextmanager
    def impatient() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT", "TOTAL_TIMEOUT", "TOKEN_TIMEOUT"):
                patch.setattr(http, name, 0.5)
            yield

    return impatient


@pytest.fixture
def login(engine) -> Login:
    return engine.begin(LoginRequest("idp"))


@pytest.fixture
def callback(engine, login, rogue) -> Callback:
    """A browser has opened the login and signed in at ``rogue``; nothing is brought back yet."""
    return arrive(engine, login, rogue)


@pytest.fixture
def case(rogue, clock) -> Case:
    """ID tokens that ``rogue`` issues."""
    return Case(rogue, clock)
