"""An API over a real socket that says which token it got."""

from __future__ import annotations

from providers.sockets import Served, SocketServer
from providers.troubles import Reply


class Api(Served):
    """An API that answers with the token that it got; ``replies`` come first.

    ``context``: for TLS.
    """

    def __init__(self, context=None):
        self.replies, self.seen = [], []
        self._server = SocketServer(self._answer, context)
        self.origin = f"http{'s' if context else ''}://127.0.0.1:{self._server.port}"

    def _answer(self, request):
        self.seen.append(request)
        return self.replies.pop(0) if self.replies else self.answer(request)

    def answer(self, request):
        """What comes after ``replies``."""
        return Reply.json({"bearer": request.headers.get("authorization", "")})
