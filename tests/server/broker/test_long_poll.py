"""Waiting holds nobody up: the long poll, and providers that hang. Issue 2, SECURITY 20."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.server.broker import long_poll
from jupyter_auth.server.broker.broker import MAX_WAIT
from jupyter_auth.server.broker.thread_pools import THREADS
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore
from patience import PATIENCE, until
from providers.rogue import RogueProvider
from providers.troubles import Gate
from server.broker.waiting_poll import Waiting
from server.jupyter_process import JupyterProcess, Kernel, UnixConnection

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider
    from server.jupyter_process import Browser


def now(kernel: Kernel) -> int:
    return kernel.call("GET", "changes?since=0")["sequence"]


def test_a_change_wakes_whoever_waits(kernel: Kernel) -> None:
    waiting = [Waiting(kernel, now(kernel)) for _ in range(3)]
    login = kernel.begin()
    for each in waiting:
        (change,) = each.answer()["changes"]
        assert (change["kind"], change["login"]["id"]) == ("login", login["id"])
        assert change["login"]["path"] == login["path"]


def test_what_other_processes_do_is_looked_for_however_a_look_fails(
    rogue: RogueProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_poll, "POLL", 0.0)
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    engine, looks = Engine(Providers({"idp": idp}), MemoryStore()), []

    def look() -> None:
        looks.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "poll", look)
    with BrokerSocket(engine, tmp_path) as kernel_api, ThreadPoolExecutor(1) as callers:
        client = BrokerClient(kernel_api.path)
        waiting = callers.submit(client.changes, client.changes().sequence, MAX_WAIT)
        until(lambda: len(looks) > 2)
        engine.begin(LoginRequest("idp"))
        assert waiting.result(PATIENCE).changes


def test_and_at_once(rogue: RogueProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a look at what other processes changed: none comes in time."""
    monkeypatch.setattr(long_poll, "POLL", 2 * PATIENCE)
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    engine = Engine(Providers({"idp": idp}), MemoryStore())
    with BrokerSocket(engine, tmp_path) as kernel_api, ThreadPoolExecutor(1) as callers:
        client = BrokerClient(kernel_api.path)
        waiting = callers.submit(client.changes, client.changes().sequence, MAX_WAIT)
        until(lambda: kernel_api.waiting > 0)
        engine.begin(LoginRequest("idp"))
        assert waiting.result(MAX_WAIT - 5).changes
        client.close()
    engine.close()


def test_nothing_new_is_answered_when_the_wait_is_over(kernel: Kernel) -> None:
    since = now(kernel)
    began = time.monotonic()
    assert kernel.call("GET", f"changes?since={since}&wait=0.4")["changes"] == []
    assert 0.3 < time.monotonic() - began < MAX_WAIT - 5


def test_what_was_missed_is_answered_at_once(kernel: Kernel) -> None:
    since = now(kernel)
    login = kernel.begin()
    kernel.call("DELETE", f"logins/{login['id']}")
    found = kernel.call("GET", f"changes?since={since}&wait=25")
    assert [each["login"]["status"] for each in found["changes"]] == ["pending", "cancelled"]
    assert kernel.call("GET", "changes?since=1&wait=25")["reset"] is True


def test_a_change_by_another_process_is_seen_within_about_a_second(
    tmp_path: Path, oidc: OidcProvider
) -> None:
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id, "scopes": ["openid"]}
    settings: dict[str, Any] = {"providers": {"idp": idp}, "store_directory": str(tmp_path / "s")}
    with (
        JupyterProcess(tmp_path / "one", **settings) as one,
        JupyterProcess(tmp_path / "two", **settings) as two,
    ):
        waiting = Waiting(one.kernel(), now(one.kernel()))
        browser = two.browser()
        browser.arrive(oidc.login(browser.open(two.kernel().begin())))
        (change,) = waiting.answer()["changes"]
        assert (change["kind"], change["provider"]) == ("account", "idp")


def test_whoever_hangs_up_leaves_nothing_behind(jupyter: JupyterProcess, kernel: Kernel) -> None:
    since = now(kernel)
    before = len(jupyter.log)  # a kernel of another test, stopped as it started, traces too
    for _ in range(20):
        connection = UnixConnection(kernel.path)
        headers = {"Authorization": f"Bearer {kernel.key}", "Jupyter-Auth-Version": "1"}
        connection.request("GET", f"/api/v1/changes?since={since}&wait=25", headers=headers)
        connection.close()
    kernel.begin()
    jupyter.browser().get("api/status?they-are-gone")
    jupyter.wait_for_log("they-are-gone")
    assert "Traceback" not in jupyter.log[before:]
    assert "Error" not in jupyter.log[before:]


def test_providers_that_hang_stall_no_other(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    """More logins and callbacks wait for them than there are threads."""
    with RogueProvider() as mute, RogueProvider() as slow, ThreadPoolExecutor(60) as callers:
        mute_handle, slow_handle = (
            kernel.register(name, {"issuer": provider.issuer, "client_id": "notebook"})
            for name, provider in (("mute", mute), ("slow", slow))
        )
        begun = [kernel.begin(slow_handle, session_key=str(n)) for n in range(THREADS * 2)]
        addresses = [slow.authorize(browser.open(login)) for login in begun]
        slow.script("token", Gate(dribble=True))  # the server gives up after twenty seconds
        mute.script("discovery", Gate(dribble=True))
        cookies = browser.session.cookies
        stuck = [
            callers.submit(requests.get, address, cookies=cookies, timeout=PATIENCE)
            for address in addresses
        ]
        for n in range(THREADS * 3):
            body = {"provider": mute_handle, "session_key": str(n)}
            stuck.append(callers.submit(kernel.ask, "POST", "logins", body))
        until(lambda: len(slow.seen("token")) >= THREADS and bool(mute.seen("discovery")))

        login = kernel.begin("idp")
        assert browser.arrive(oidc.login(browser.open(login))) == login["path"]
        assert "Signed in" in browser.page(login["path"])
        assert kernel.token("idp")["access_token"]
        assert kernel.call("GET", "accounts")["accounts"]
        assert "Sign in to" in browser.page(begun[0]["path"])
        assert browser.send("GET", "jupyter-auth/api/v1/logins").status_code == 200
        assert not any(each.done() for each in stuck)
        slow.behave()
        mute.behave()


def test_too_many_calls_of_one_provider_are_refused_not_queued(kernel: Kernel) -> None:
    with RogueProvider() as hanging, ThreadPoolExecutor(90) as callers:
        slow = kernel.register("slow", {"issuer": hanging.issuer, "client_id": "x"})
        hanging.script("discovery", Gate(dribble=True))
        calls = [
            callers.submit(kernel.ask, "POST", "logins", {"provider": slow, "session_key": str(n)})
            for n in range(90)
        ]
        until(lambda: any(call.done() for call in calls))
        refused = [call.result() for call in calls if call.done()]
        assert {(status, error["message"]) for status, error in refused} == {
            (503, "Too many calls are waiting for slow.")
        }
        hanging.behave()


@pytest.mark.parametrize("count", [60])
def test_a_flood_of_logins_pushes_out_no_valid_one(kernel: Kernel, count: int) -> None:
    first = kernel.begin()
    answers = [
        kernel.ask("POST", "logins", {"provider": "idp", "session_key": str(n)})
        for n in range(count)
    ]
    assert answers[-1][0] >= 400
    assert kernel.call("GET", f"logins/{first['id']}")["status"] == "pending"
