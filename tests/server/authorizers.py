"""Who may do what on a Jupyter server under test."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer


class OthersOnly(Authorizer):
    """Everything but our own resource."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:  # noqa: ARG002
        return resource != "jupyter_auth"
