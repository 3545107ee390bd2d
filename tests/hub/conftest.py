"""A JupyterHub for each of the two ways in, and a database of the service."""

import pytest

from hub.hub_fixtures import hub, older, served
from hub.replica_fixtures import leaver, new_replica, replica
from hub.storage.databases import cipher, database, environment, postgres, url
from jupyter_auth.server.hub.users import users
from patience import PATIENCE

__all__ = [
    "cipher",
    "database",
    "environment",
    "hub",
    "leaver",
    "new_replica",
    "older",
    "postgres",
    "replica",
    "served",
    "url",
]


@pytest.fixture(autouse=True)
def _slow_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that takes its time, or is held up by a test, is not taken for one that is away."""
    monkeypatch.setattr(users, "ANSWER_TIMEOUT", PATIENCE)
