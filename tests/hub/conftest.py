"""One JupyterHub for each of the two ways in, and the provider that both know."""

from hub_fixtures import hub, served

__all__ = ["hub", "served"]
