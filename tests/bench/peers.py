"""The servers that are called: an API in a process of its own, and a Jupyter server signed in."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider
    from server.jupyter_process import JupyterProcess

_API = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def plain_api() -> Iterator[str]:
    """The URL of an API that answers at once, in a process of its own: only our CPU is counted."""
    command = [sys.executable, "-c", _API]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


def sign_in(jupyter: JupyterProcess, oidc: OidcProvider) -> float:
    """Sign in at the server over HTTP. When the provider's redirect came back, by this clock."""
    kernel, browser = jupyter.kernel(), jupyter.browser()
    back = oidc.login(browser.open(kernel.begin("idp")), "alice")
    arrived = time.perf_counter()
    browser.arrive(back)
    return arrived
