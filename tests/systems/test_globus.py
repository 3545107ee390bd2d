"""Globus: one sign-in, a token and a refresh token for each service (``other_tokens``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth import UserSession
from providers.presets.dialects import Double
from providers.presets.known_dialects import DIALECTS
from providers.rogue import Family
from providers.troubles import Reply
from systems.at_doubles import sign_in
from systems.presets import preset_at

if TYPE_CHECKING:
    from providers.sockets import Request

TRANSFER = "transfer.api.globus.org"


class Globus(Double):
    """With Transfer at another name of this machine, which takes its own tokens alone."""

    def __init__(self) -> None:
        super().__init__(DIALECTS["globus"])
        self.transfer = self.url.replace("127.0.0.1", "localhost")

    def preset(self, name: str, **fields: Any) -> dict[str, Any]:
        moved = {"https://auth.globus.org": self.url, f"https://{TRANSFER}": self.transfer}
        return preset_at(name, moved, client_id=self.client_id, **fields)

    def _token(self, request: Request) -> Reply:
        reply = super()._token(request)
        assert isinstance(reply.body, bytes)
        said = json.loads(reply.body)
        scopes = said.get("scope", "").split()
        others = [each for each in scopes if TRANSFER in each]
        if request.form.get("grant_type") != "authorization_code" or not others:
            return reply
        family = Family(self.client_id, " ".join(others), None, self.sub)
        self._families.append(family)
        issued = self._issue(family)
        assert isinstance(issued.body, bytes)
        token = json.loads(issued.body) | {"resource_server": TRANSFER, "state": "s"}
        return Reply.json(said | {"resource_server": "auth.globus.org", "other_tokens": [token]})

    def _api(self, request: Request) -> Reply:
        family = self._bearer(request.bearer)
        at_transfer = request.headers["host"].startswith("localhost")
        if family and at_transfer != family.scope.startswith("urn:"):
            return Reply.json({"code": "AuthenticationFailed"}, 401)
        return super()._api(request)


@pytest.fixture
def globus():
    with Globus() as double:
        yield double


def test_each_service_gets_its_own_token(globus, broker):
    own = sign_in(broker, globus, "globus")
    transfer = UserSession("globus", resource=globus.transfer, interactive=False)
    for first in (True, False):
        assert own.get("thing").json()["path"] == "/v2/api/thing"
        assert transfer.get("endpoint_search").json()["path"] == "/v0.10/endpoint_search"
        assert globus.refreshes == (0 if first else 2)
        globus.expire()
