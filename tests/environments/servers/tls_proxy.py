"""A proxy that ends TLS before a Jupyter server."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from patience import PATIENCE

if TYPE_CHECKING:
    from providers.certificates import Certificate

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class TlsProxy:
    """https outside, http to ``upstream`` (a port) inside; use it as a context manager.

    ``keep_host`` is what a proxy should do. It tells by X-Forwarded-* what it hides.
    """

    def __init__(self, certificate: Certificate, upstream: int, *, keep_host: bool = True) -> None:
        class Handler(_Handler):
            def target(self) -> tuple[int, str]:
                host = self.headers["Host"] if keep_host else f"127.0.0.1:{upstream}"
                return upstream, host

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        listening = certificate.context().wrap_socket(self._server.socket, server_side=True)
        self._server.socket = listening
        self.origin = f"https://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def target(self) -> tuple[int, str]:
        raise NotImplementedError

    def do_GET(self) -> None:
        port, host = self.target()
        headers = dict(self.headers.items()) | {"Host": host}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        inside = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            inside.request(self.command, self.path, body or None, headers)
            answer = inside.getresponse()
            content = answer.read()
        finally:
            inside.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited)
        """Nothing."""
