"""One person's accounts: protocol, store and engine. Knows no notebook and no server."""

__version__ = "0.1.0"  # as in pyproject.toml: to look it up takes longer than a request
