"""``jupyter auth demo``: JupyterLab on the demo's notebook, in a temporary directory."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from typing import TYPE_CHECKING

from jupyter_auth.demo.demo_server import DemoServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import Popen

PROG = "jupyter auth demo"
NEEDED = ("jupyterlab", "oidc_provider_mock")
CHECK_LIFETIME = 5  # seconds: the check waits until a token has expired
FAILED = 1


def main(argv: Sequence[str] = ()) -> int:
    """The exit status: 0 when it ran (with ``--check``: when all of it worked), else 1."""
    given = _parser().parse_args(argv)
    if not all(importlib.util.find_spec(name) for name in NEEDED):
        return _fail("Packages are missing. Run: pip install 'jupyter-auth-session[demo]'")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if given.check:
        from jupyter_auth.demo.check import CheckFailed, check

        try:
            check(port=given.port, base_url=given.base_url, token_lifetime=CHECK_LIFETIME)
        except CheckFailed as failure:
            return _fail(str(failure))
        return 0
    with DemoServer(
        port=given.port, base_url=given.base_url, open_browser=not given.no_browser
    ) as demo:
        sys.stdout.write("JupyterLab opens the demo notebook. Press Ctrl-C here to stop it.\n")
        sys.stdout.write("Notebook, accounts and provider are deleted when it stops.\n")
        sys.stdout.flush()
        return _wait(demo.start())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG, description="JupyterLab with its own provider and API, offline."
    )
    parser.add_argument("--check", action="store_true", help="run without a browser and report")
    parser.add_argument("--port", type=int, default=None, help="of JupyterLab; any free one")
    parser.add_argument("--base-url", default="/", help="base URL of JupyterLab")
    parser.add_argument("--no-browser", action="store_true", help="print the URL instead")
    return parser


def _wait(server: Popen[bytes]) -> int:
    """Wait for the server. Ctrl-C reaches it too, and it asks for confirmation."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return FAILED if server.wait() else 0
    finally:
        signal.signal(signal.SIGINT, before)


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{PROG}: {sentence}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
