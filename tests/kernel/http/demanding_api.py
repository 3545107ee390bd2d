"""An API that takes the tokens of ``rogue``, and demands more of a sign-in than a valid token."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.rogue import Family, RogueProvider


class DemandingApi(Served):
    """``demand`` is what its ``WWW-Authenticate`` says with 403 while ``met`` is not true of the
    request's token; ``scopes``, ``step_up`` and ``claims`` set both. ``instead`` is an answer in
    place of all that, ``seen`` are the requests it got.
    """

    def __init__(self, rogue: RogueProvider) -> None:
        self.rogue = rogue
        self.seen: list[Request] = []
        self.status = 403
        self.demand = ""
        self.instead: Reply | None = None
        self.met: Callable[[Family, Request], bool] = lambda *_: True
        self._lock = threading.Lock()
        self._server = SocketServer(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.port}"

    def scopes(self, *wanted: str) -> None:
        """As RFC 6750 3.1 has it."""
        self.demand = f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
        self.met = lambda family, _: {*wanted} <= {*family.scope.split()}

    def step_up(self, says: str, **asked: str) -> None:
        """Until the last authorization request has these parameters, as RFC 9470 3 has it."""
        self.status = 401
        self.demand = f'Bearer error="insufficient_user_authentication", {says}'
        self.met = lambda *_: asked.items() <= self.rogue.seen("authorize")[-1].query.items()

    def claims(self, value: Any, met: Callable[[Family, Request], bool]) -> None:
        """As Microsoft's APIs do, until ``met``."""
        self.status = 401
        text = base64.b64encode(json.dumps(value).encode()).decode()
        self.demand = f'Bearer realm="", error="insufficient_claims", claims="{text}"'
        self.met = met

    @property
    def tokens(self) -> list[str]:
        """The tokens that came, in order."""
        return [each.bearer for each in self.seen]

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            self.seen.append(request)
            family = self.rogue._bearer(request.bearer)
        if self.instead:
            return self.instead
        if family is None:
            dead = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return Reply.json({"error": "invalid_token"}, 401, dead)
        if not self.met(family, request):
            return Reply.json({"error": "more"}, self.status, {"WWW-Authenticate": self.demand})
        said = {"sub": family.sub, "scope": family.scope, "body": request.body.decode()}
        return Reply.json(said)
