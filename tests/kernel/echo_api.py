"""An API over a real socket that says which token it got."""

from __future__ import annotations

from providers.sockets import SocketServer
from providers.troubles import Reply


class Api:
    """An API that answers with the token that it got; ``replies`` come first."""

    def __init__(self):
        self.replies, self.seen = [], []
        self._server = SocketServer(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop()

    def _answer(self, request):
        self.seen.append(request)
        if self.replies:
            return self.replies.pop(0)
        return Reply.json({"bearer": request.headers.get("authorization", "")})
