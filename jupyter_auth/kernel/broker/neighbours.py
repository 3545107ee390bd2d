"""This user's Jupyter servers, found by the connection files that they leave for kernels."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jupyter_auth.core.errors import AuthError

MOST = 20  # files: a server that was killed leaves its own
PATIENCE = 5.0  # seconds for each: a person waits, and a server may be stopped


def forward(redirect_uri: str, binding: str, to: str) -> bool:
    """Have the server at ``redirect_uri`` send the browser of one opening on; False without one.

    ``binding``: the name of the opening's cookie; "" asks only whether there is such a server.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    from jupyter_auth.kernel.broker.broker_client import BrokerClient  # seldom needed

    files = Path(jupyter_runtime_dir()).glob("jupyter_auth-*.json")
    for file in sorted(files, key=_modified, reverse=True)[:MOST]:
        client = BrokerClient(file, PATIENCE)
        try:
            client.forward(redirect_uri, binding, to)
        except AuthError:  # it has ended, is another one, or older than this route
            continue
        finally:
            client.close()
        return True
    return False


def _modified(file: Path) -> float:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime
    return 0.0
