"""The embedded provider, API and notebook of ``jupyter auth demo``.

A Jupyter Server extension of its own, which only the demo's own configuration enables.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_auth.demo.extension import JupyterAuthDemo

    return [{"module": "jupyter_auth.demo", "app": JupyterAuthDemo}]
