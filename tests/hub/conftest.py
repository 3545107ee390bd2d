"""A JupyterHub for each of the two ways in, and a database of the service."""

import os

from hub_fixtures import hub, served
from stores import database, postgres, url, vault

__all__ = ["database", "hub", "postgres", "served", "url", "vault"]

collect_ignore = [] if "Z2JH" in os.environ else ["test_hub_chart.py"]
