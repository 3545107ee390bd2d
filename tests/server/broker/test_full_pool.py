"""A callback that finds no room ends its login: nobody brings the same answer again."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.sign_in import arrive, engine_of
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.server.broker import thread_pools
from jupyter_auth.server.broker.broker import Broker
from memory_store import MemoryStore
from patience import PATIENCE
from processes import free_port

if TYPE_CHECKING:
    from clock import Clock
    from providers.rogue import RogueProvider


def test_it_ends_with_why(rogue: RogueProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(thread_pools, "QUEUE", 0)
    engine = engine_of(MemoryStore(), clock, idp=rogue)
    login = engine.begin(LoginRequest("idp"))
    back = arrive(engine, login, rogue)
    response = AuthorizationResponse("idp", back.params, back.bindings, back.user, None)
    hang = threading.Event()

    async def bring(broker: Broker) -> None:
        full = [broker._pools.run("idp", hang.wait, PATIENCE) for _ in range(thread_pools.THREADS)]
        waiting = [asyncio.create_task(each) for each in full]
        await asyncio.sleep(0)
        ended = await broker.finish(response)
        assert (ended.id, ended.status) == (login.id, "failed")
        assert "Too many calls are waiting" in ended.error["message"]
        hang.set()
        await asyncio.gather(*waiting)

    with closing(Broker(engine, base_url="/")) as broker:
        asyncio.run(bring(broker))
    assert rogue.seen("token") == []


def test_addresses_that_people_make_up_take_no_providers_threads(clock: Clock) -> None:
    """Else as many as there are pools, at hosts that do not answer, would stall the providers."""

    async def names(broker: Broker) -> list[str]:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(AuthError):
                await broker.find({"address": f"http://{host}:{free_port()}/mcp"})
        return [*broker._pools._pools._pools]

    with closing(Broker(engine_of(MemoryStore(), clock), base_url="/")) as broker:
        assert asyncio.run(names(broker)) == [thread_pools.FINDING]
