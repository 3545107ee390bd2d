"""Whether several people use this Jupyter server, and with it everybody's accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

COLLABORATION = {"jupyter_server_ydoc", "jupyter_collaboration"}  # of jupyter-collaboration 2, 1


def is_shared(app: ServerApp, said: bool | None) -> bool:  # noqa: FBT001 (a setting)
    """What the configuration said; else whether an extension for working together is enabled."""
    if said is not None:
        return said
    extensions = app.extension_manager.extensions
    return any(extensions[name].enabled for name in COLLABORATION & extensions.keys())
