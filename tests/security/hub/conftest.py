"""A JupyterHub with two users for attacks across one origin: as in ``tests/hub``."""

from hub.hub_fixtures import hub, served

__all__ = ["hub", "served"]
