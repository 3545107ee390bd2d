"""What the tests of whole systems share: a broker, with what its server's environment held."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.session import service_session
from kernel.broker_socket import BrokerSocket
from kernel.conftest import home
from providers.presets.insiders import Insiders
from providers.presets.insideview import InsideView

__all__ = ["home"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def broker(home, tmp_path, monkeypatch) -> Iterator[Callable[..., Engine]]:  # noqa: ARG001
    """``broker(tables, environ)``: the engine behind a kernel API that this process now finds."""
    with contextlib.ExitStack() as stack:

        def start(tables: dict[str, Any], environ: dict[str, str] | None = None) -> Engine:
            providers = Providers(tables, user_file=tmp_path / "providers.toml", environ=environ)
            engine = Engine(providers, FileStore(tmp_path / "store"), environ=environ)
            stack.callback(engine.close)
            kernel_api = stack.enter_context(BrokerSocket(engine, tmp_path / "runtime"))
            monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
            return engine

        yield start


@pytest.fixture(scope="session")
def _insiders():
    with Insiders() as started:
        yield started


@pytest.fixture
def insiders(_insiders):
    """As it is documented; ``reset`` changes the toolkit's settings."""
    _insiders.reset()
    return _insiders


@pytest.fixture
def insideview():
    with InsideView() as server:
        yield server


@pytest.fixture(autouse=True)
def _warn_again(monkeypatch):
    monkeypatch.setattr(service_session, "_warned", [])
