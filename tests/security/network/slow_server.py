"""A server that answers byte by byte, for as long as whoever asks listens."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

DROP = 0.02  # seconds
DROPS = 500  # then it gives up, so that nothing that waits for it hangs


class Dripping:
    """Begins each answer with ``start``, then drips ``drop``. ``left`` is set once nobody listens.

    ``url`` is where it answers, over http.
    """

    def __init__(self, start: bytes, drop: bytes = b"x") -> None:
        self.left = threading.Event()
        self.asked = threading.Event()
        self._start, self._drop = start, drop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            for connection in self._connections():
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _connections(self) -> Iterator[socket.socket]:
        while True:
            yield self._listener.accept()[0]

    def _drip(self, connection: socket.socket) -> None:
        pause = threading.Event()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self.asked.set()
            connection.sendall(self._start)
            for _ in range(DROPS):
                pause.wait(DROP)
                connection.sendall(self._drop)
        self.left.set()
