"""A login that ends while nobody looks, in a server whose clock we hold."""

from __future__ import annotations

import functools
import json
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from clock import OffsetClock
from jupyter_auth.core import engine
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.server.broker.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_server.serverapp import ServerApp

    from providers.rogue import RogueProvider

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> OffsetClock:
    """The engine's."""
    clock = OffsetClock()
    monkeypatch.setattr(engine, "Engine", functools.partial(engine.Engine, clock=clock))
    return clock


@pytest.fixture
def jp_server_config(rogue: RogueProvider, tmp_path: Any, clock: OffsetClock) -> dict[str, Any]:  # noqa: ARG001
    provider = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_auth": True}},
        "JupyterAuth": {"providers": {"rogue": provider}, "store_directory": str(tmp_path / "s")},
    }


@pytest.fixture
def fetch(
    jp_serverapp: ServerApp, jp_fetch: Any, jp_base_url: str, jp_asyncio_loop: Any
) -> Iterator[Any]:
    """One browser: it keeps its cookies, and follows nothing."""
    jar: dict[str, str] = {}

    async def call(method: str, path: str, body: Any = None) -> Any:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())}
        answer = await jp_fetch(
            path.partition("?")[0].removeprefix(jp_base_url),
            method=method,
            body=None if body is None else json.dumps(body),
            params=dict(each.split("=", 1) for each in path.partition("?")[2].split("&") if each),
            headers=headers | {"Origin": f"http://127.0.0.1:{jp_serverapp.port}"},
            follow_redirects=False,
            raise_error=False,
        )
        for line in answer.headers.get_list("Set-Cookie"):
            jar.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return answer

    yield call
    jp_asyncio_loop.run_until_complete(jp_serverapp.cleanup_extensions())


async def test_a_login_that_ends_while_its_page_is_made_shows_how(
    fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await fetch("POST", "jupyter-auth/api/v1/logins", {"provider": "rogue"})
    login, lacking = json.loads(answer.body), Broker.lacking

    async def cancelled_meanwhile(broker: Broker, shown: Any) -> Any:
        await fetch("DELETE", f"jupyter-auth/api/v1/logins/{login['id']}")
        return await lacking(broker, shown)

    monkeypatch.setattr(Broker, "lacking", cancelled_meanwhile)
    page = (await fetch("GET", login["path"])).body.decode()
    assert "<h1>Sign-in cancelled</h1>" in page
    assert 'id="restart"' in page


async def test_a_login_that_took_too_long(
    jp_serverapp: ServerApp, fetch: Any, rogue: RogueProvider, clock: OffsetClock
) -> None:
    answer = await fetch("POST", "jupyter-auth/api/v1/logins", {"provider": "rogue"})
    login = json.loads(answer.body)
    answer = await fetch("POST", login["path"], {})
    address = rogue.authorize(json.loads(answer.body)["url"])

    clock.ahead = LIFETIME + 1
    path = address.removeprefix(f"http://127.0.0.1:{jp_serverapp.port}")
    answer = await fetch("GET", path)
    assert answer.code == 303
    assert answer.headers["Location"].endswith("/jupyter-auth/problem/expired")
    assert not rogue.seen("token")

    page = (await fetch("GET", login["path"])).body.decode()
    assert "Sign-in timed out" in page
    assert 'id="restart"' in page
    assert 'data-provider="rogue"' in page
    answer = await fetch("POST", login["path"], {})
    assert (answer.code, json.loads(answer.body)["code"]) == (410, "login_expired")

    clock.ahead += LIFETIME + 1
    page = (await fetch("GET", login["path"])).body.decode()
    assert "This sign-in is over" in page
