"""A Hub's configuration, loaded as the Hub loads its own, over a database of the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.orm import new_session_factory

from hub.configuration.z2jh_example import FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

collect_ignore = [] if "Z2JH" in os.environ else ["test_chart.py"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Hub's own; its tables take half a second to make."""
    url = f"sqlite:///{tmp_path_factory.mktemp('hub') / 'hub.sqlite'}"
    new_session_factory(url).kw["bind"].dispose()
    return url


@pytest.fixture
def load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> Iterator[Callable[..., JupyterHub]]:
    """Loads ``jupyterhub_config.py``, which may load ``sub.py``, and begins as a Hub does."""
    monkeypatch.chdir(tmp_path)
    hubs = []

    def load(main: str, sub: str = "") -> JupyterHub:
        Path("jupyterhub_config.py").write_text(main)
        Path("sub.py").write_text(sub)
        JupyterHub.clear_instance()
        hub = JupyterHub.instance(db_url=database)
        hub.load_config_file(hub.config_file)
        hub.init_db()
        hubs.append(hub)
        return hub

    yield load
    for hub in hubs:
        hub.db.close()
        hub.session_factory.kw["bind"].dispose()
    JupyterHub.clear_instance()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FILES.items():
        monkeypatch.setenv(name, value)
