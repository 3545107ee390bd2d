"""The internet of a test: servers of this machine under the host names of real systems.

A proxy takes ``CONNECT api.example.com:443`` as a company's would, and ends TLS there with a
certificate for that name. Programs find it, and trust it, by the environment; nothing in them is
changed. No name is looked up, and no packet leaves the machine.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import socketserver
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from providers import certificates

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path


REQUEST_LINE = re.compile(rb"\A[A-Z]+ \S+ HTTP/1\.1\r\n")


class _Listening:
    """From ``with`` on; ``_proxy`` is what listens."""

    _proxy: _Proxy

    def __enter__(self) -> Self:
        threading.Thread(target=self._proxy.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()


class Internet(_Listening):
    """``hosts``: the port of 127.0.0.1 where each host's server speaks plain HTTP.

    ``unknown`` are the other hosts that somebody wanted to reach, which are not there.
    """

    def __init__(self, directory: Path, hosts: Mapping[str, int]) -> None:
        self.unknown: list[str] = []
        self._certificate = certificates.make(directory, *hosts)
        context = self._certificate.context()

        class Handler(_Connect):
            def handle(self) -> None:
                host = self.asked()
                if host not in hosts:
                    internet.unknown.append(host)
                    self.answer(HTTPStatus.BAD_GATEWAY)
                    return
                self.answer(HTTPStatus.OK)
                _end_tls(self.request, context, hosts[host])

        internet = self
        self._proxy = _Proxy(("127.0.0.1", 0), Handler)

    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to be in this internet."""
        proxy = f"http://127.0.0.1:{self._proxy.server_address[1]}"
        bundle = str(self._certificate.ca_bundle)
        names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
        return {
            **dict.fromkeys(names, proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"), ""),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), bundle),
        }


class Front(_Listening):
    """What ends TLS in front of a server of this machine, and says so to that, as proxies do;
    ``origin`` is where it is then.
    """

    def __init__(self, certificate: certificates.Certificate, port: int) -> None:
        context = certificate.context()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                _end_tls(self.request, context, port, b"X-Forwarded-Proto: https\r\n")

        self._proxy = _Proxy(("127.0.0.1", 0), Handler)
        self.origin = f"https://localhost:{self._proxy.server_address[1]}"


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _Connect(socketserver.StreamRequestHandler):
    def asked(self) -> str:
        """The host of ``CONNECT host:443``; of any other request, its whole first line."""
        line = self.rfile.readline().decode("latin-1").strip()
        while self.rfile.readline().strip():
            pass
        method, target, _ = (*line.split(), "", "", "")[:3]
        host, _, port = target.rpartition(":")
        return host if (method, port) == ("CONNECT", "443") else line

    def answer(self, status: HTTPStatus) -> None:
        self.wfile.write(f"HTTP/1.1 {status.value} {status.phrase}\r\n\r\n".encode())


def _end_tls(
    connection: socket.socket, context: ssl.SSLContext, port: int, header: bytes = b""
) -> None:
    # A client that goes away, or does not trust us, is no trouble of the server's.
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(connection, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", port)) as inside,
    ):
        _carry(outside, inside, header)


def _carry(outside: Any, inside: socket.socket, header: bytes) -> None:
    """What either says to the other, until one of them hangs up; ``header``: in each request."""
    while True:
        ready = [outside] if outside.pending() else select.select([outside, inside], [], [])[0]
        for source in ready:
            if not (said := source.recv(1 << 16)):
                return
            if source is outside:
                said = REQUEST_LINE.sub(lambda line: line[0] + header, said, count=1)
            (inside if source is outside else outside).sendall(said)
