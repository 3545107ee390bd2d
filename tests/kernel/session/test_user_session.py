"""``UserSession``: what it says of itself, its copies, and the whole of it at a real provider."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
import requests

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import (
    LoginRequired,
)
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.watcher import WAIT
from jupyter_auth.kernel.session.user_session import UserSession, token
from kernel.broker_socket import BrokerSocket
from kernel.forks_and_interrupts import child
from kernel.kernel_process import Kernel
from kernel.sign_in import person, sign_in
from kernel.traceback_locals import local_variables
from memory_store import MemoryStore
from patience import PATIENCE, eventually
from providers import troubles
from providers.sockets import SocketServer
from providers.troubles import Reply

# What it says


def test_properties(session, rogue):
    assert (session.provider, session.session_key, session.username) == ("idp", "default", "rosa")
    assert session.scopes == ("openid",)
    assert session.authenticated
    assert not session.expired
    assert rogue.active(session.access_token)
    assert session.id_token.count(".") == 2
    assert session.access_token_expires_at.tzinfo is UTC
    assert 0 < (session.access_token_expires_at - datetime.now(UTC)).total_seconds() <= 3600
    assert isinstance(session.access_token, str)
    assert session.headers["User-Agent"].startswith("jupyter_auth/")
    assert rogue.active(token("idp"))
    assert rogue.active(token())
    session.logout()
    assert (session.username, session.scopes, session.access_token_expires_at) == (None, (), None)
    assert (session.authenticated, session.expired) == (False, True)
    with pytest.raises(LoginRequired):
        token("idp")


def test_what_else_the_provider_said(home, engine, client, rogue):  # noqa: ARG001
    rogue.script("token", troubles.fields(instance_url="https://eu9.example", ids=[1]))
    sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    session = UserSession("idp", interactive=False)
    assert session.token_fields == {"instance_url": "https://eu9.example", "ids": [1]}
    with pytest.raises(TypeError):
        session.token_fields["instance_url"] = "https://evil.example"
    session.token_fields["ids"].append(2)
    assert session.token_fields["ids"] == [1]


def test_nothing_it_shows_holds_a_token(session):
    secrets = [str(session.access_token), str(session.id_token)]
    shown = [repr(session), str(session), repr(session.access_token), repr(session.id_token)]
    shown += [repr(token()), repr(vars(session)), repr(vars(session.auth))]
    answer = session.get("/api/x")
    shown += [repr(vars(answer.request)), repr(dict(answer.request.headers))]
    shown += [pickle.dumps(each).decode("latin1") for each in (session, answer)]
    for secret in secrets:
        assert not any(secret in each for each in shown)
    assert "as rosa, token until 2" in repr(session)


def test_repr_without_an_account_or_a_broker(session, kernel_api):
    session.logout()
    assert repr(session) == "<UserSession 'idp', not signed in>"
    os.environ["JUPYTER_AUTH_URL"] = "https://hub.example"  # no engine takes over
    try:
        os.environ["JUPYTER_AUTH_CONNECTION"] = str(kernel_api.path)
        other = copy.copy(session)
    finally:
        del os.environ["JUPYTER_AUTH_URL"]
    kernel_api.__exit__()
    assert "does not answer" in repr(other)


def test_a_traceback_through_a_session_shows_no_token(session, rogue, elsewhere):
    secret = str(session.access_token)
    rogue.script("api", lambda _: Reply(closed=True))
    with pytest.raises(requests.ConnectionError) as caught:
        session.post("/api/x", data="body")
    assert secret not in local_variables(caught.value)
    with OpenPort() as port:
        nobody = UserSession("idp", interactive=False, api_origins=[f"http://127.0.0.1:{port}"])
    with pytest.raises(requests.ConnectionError) as caught:  # refused: the headers were ready
        nobody.get(f"http://127.0.0.1:{port}/x")
    assert secret not in local_variables(caught.value)
    assert elsewhere.seen == []


class OpenPort:
    """A port that nobody listens at once this is closed."""

    def __enter__(self):
        self._server = SocketServer(lambda _: Reply())
        self._server.start()
        return self._server.port

    def __exit__(self, *_):
        self._server.stop()


# Copies, pickles and forks


def test_copies_work_and_hold_no_token(session):
    session.headers["x-mine"] = "1"
    secret = str(session.access_token).encode()
    session.cookies.set("theirs", "planted-cookie")
    pickled = pickle.dumps(session)
    assert secret not in pickled
    assert b"planted-cookie" not in pickled
    for made in (pickle.loads(pickled), copy.copy(session), copy.deepcopy(session)):  # noqa: S301
        assert made.get("/api/x").ok
        assert made.headers["x-mine"] == "1"
        assert (made.provider, repr(made)) == ("idp", repr(session))


def test_another_process_connects_anew(session, tmp_path):
    (tmp_path / "session.pickle").write_bytes(pickle.dumps(session))
    code = (
        "import pathlib, pickle, sys\n"
        "session = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(session.get('/api/x').json()['username'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "session.pickle")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("rosa\n", "")


def test_a_child_makes_requests_on_connections_of_its_own(session, rogue):
    def ports():
        return {id(adapter): adapter.poolmanager for adapter in session.adapters.values()}

    assert session.get("/api/x").ok
    before = ports()

    def use():
        code = session.get("/api/y").status_code
        return code, all(before[key] is not pool for key, pool in ports().items())

    assert child(use) == (200, True)
    assert session.get("/api/z").json()["path"] == "/api/z"
    assert [each.path for each in rogue.seen("api")] == ["/api/x", "/api/y", "/api/z"]


def test_a_child_waits_for_no_lock_that_a_thread_of_its_parent_holds(session):
    assert session.get("/api/x").ok
    [pool] = [p for a in session.adapters.values() for p in a.poolmanager.pools._container.values()]
    locked, forked = threading.Event(), threading.Event()

    def hold():
        with session.cookies._cookies_lock, pool.pool.mutex:  # as in the midst of a request
            locked.set()
            forked.wait()

    def use():
        signal.alarm(60)  # ends a child that waits for ever
        return session.get("/api/y").status_code

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(PATIENCE)
    try:
        assert child(use) == 200
    finally:
        forked.set()
        thread.join()


def test_many_threads_with_an_expired_token_refresh_once(session, rogue):
    rogue.expire()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(session.get("/api/x").status_code))
        for _ in range(64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [200] * 64
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


# The real provider


def test_at_a_real_provider(home, oidc, tmp_path, capsys):  # noqa: ARG001
    configured = {
        "idp": {
            "issuer": oidc.issuer,
            "client_id": oidc.client_id,
            "scopes": ["openid", "profile", "offline_access"],
        }
    }
    engine = Engine(Providers(configured), MemoryStore())
    with BrokerSocket(engine, tmp_path / "runtime"):
        with person(engine, oidc, username="alice"):
            session = UserSession("idp", base_url=f"{oidc.issuer}/api", interactive=True)
        assert session.get("me").json()["username"] == "alice"
        oidc.expire()
        assert session.get("me").status_code == 200
        assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)
        second = UserSession("idp", interactive=False)
        secret = str(second.access_token)
        assert oidc.introspect(secret)["active"]
        session.logout()
        assert not oidc.introspect(secret)["active"]
        assert eventually(lambda: second._account.tokens._held is None, WAIT - 5)  # of one poll
        with pytest.raises(LoginRequired):
            second.get(f"{oidc.issuer}/api/me")


# In a kernel


def test_in_a_kernel(engine, rogue, kernel_api, tmp_path):
    with Kernel(tmp_path / "kernel", kernel_api.path) as kernel:
        ran = kernel.run(
            "from jupyter_auth.kernel.session.user_session import UserSession; UserSession('idp')",
            allow_stdin=False,
        )
        assert "LoginRequired" in ran.text()
        waiting = kernel.send("session = UserSession('idp'); print(session.get('/api/x').json())")
        with person(engine, rogue) as done:
            ran = kernel.result(waiting)
        assert done[0].status == "complete"
        assert done[0].kernel
        assert "'username': 'rosa'" in ran.text()
        assert "/jupyter-auth/login/" not in ran.text("text/html") + ran.text()
        token = str(engine.token("idp").access_token.reveal())
        shown = kernel.run("session.get('http://127.0.0.1:9/x')")
        assert shown.status == "error"
        kernel.ok("get_ipython().InteractiveTB.set_mode('Verbose')")
        shown = kernel.run(
            "session.auth.origins; session.get(session._base_url + '/api/x', data=0)"
        )
        assert token not in shown.text()
        waiting = kernel.send("UserSession('idp', auth_force=True)")
        assert eventually(lambda: engine.logins() != [] and kernel_api.waiting > 1)
        kernel.interrupt()
        assert "KeyboardInterrupt" in kernel.result(waiting).text()
        assert engine.logins() == []
