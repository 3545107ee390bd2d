"""``UserSession``: who is asked to sign in and when, and what requests do."""

from __future__ import annotations

import copy
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import requests
from kernel.doors import OpenDoor, child, eventually, sign_in
from kernel.kernels import Kernel
from kernel.secrets_in import local_variables
from providers.sockets import SocketServer
from providers.troubles import Reply, deny, error, fields, status

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import (
    ConfigurationError,
    InsufficientScope,
    LoginCancelled,
    LoginDenied,
    LoginRequired,
    ProviderNotFound,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.models import Provider
from jupyter_auth.core.parts import Header
from jupyter_auth.core.providers import Providers
from jupyter_auth.core.store import MemoryStore
from jupyter_auth.kernel.client import connect
from jupyter_auth.kernel.sessions import UserSession, token
from jupyter_auth.kernel.warn import AuthWarning


@contextmanager
def person(engine, provider, act=None, **who):
    """Somebody who deals with the next login: signs in, unless ``act`` does something else."""
    done = []

    def live():
        if eventually(lambda: engine.logins() != [], 20):
            login = engine.logins()[-1]
            done.append(act(login) if act else sign_in(engine, provider, login, **who))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield done
    finally:
        thread.join(30)


@pytest.fixture
def session(door, signed_in, capsys):  # noqa: ARG001
    """Rosa's session, by the door."""
    made = UserSession("idp", interactive=False)
    capsys.readouterr()
    yield made
    made.close()


@pytest.fixture
def elsewhere():
    """Another server; ``seen`` is what it got, and it answers whatever ``reply`` is."""

    class Elsewhere:
        reply = Reply.json({"ok": True})

        def __init__(self):
            self.seen = []
            self.replies = []  # before ``reply``

        def answer(self, request):
            self.seen.append(request)
            return self.replies.pop(0) if self.replies else self.reply

    made = Elsewhere()
    server = SocketServer(made.answer)
    server.start()
    made.origin = f"http://127.0.0.1:{server.port}"
    yield made
    server.stop()


def away(origin, code=302):
    return lambda _: Reply(code, headers={"Location": f"{origin}/x"})


# Signing in


@pytest.mark.usefixtures("door")
def test_a_person_signs_in_while_the_call_waits(engine, rogue, capfd):
    with person(engine, rogue):
        session = UserSession("idp", interactive=True, timeout=20)
    shown = capfd.readouterr()
    assert "/base/jupyter-auth/login/" in shown.err
    assert "Signed in to The IdP as rosa." in shown.err
    assert shown.out == ""
    assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.usefixtures("door", "signed_in")
def test_a_stored_account_is_used_and_said_in_one_line(rogue, capsys):
    session = UserSession("idp")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Signed in to The IdP as rosa since 2")
    assert "UserSession('idp', auth_force=True)" in line
    assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.usefixtures("door", "signed_in")
def test_force_asks_again(engine, rogue):
    with person(engine, rogue) as done:
        UserSession("idp", auth_force=True, interactive=True, timeout=20)
    assert done[0].status == "complete"
    assert [each.query.get("prompt") for each in rogue.seen("authorize")] == [None, "login"]


@pytest.mark.parametrize("interactive", [False, None])
@pytest.mark.usefixtures("door")
def test_with_nobody_there_it_says_at_once_what_to_do(engine, interactive):
    with pytest.raises(LoginRequired, match="Nobody is signed in to The IdP") as caught:
        UserSession("idp", interactive=interactive)
    assert "%auth login idp" in caught.value.hint
    assert engine.logins() == []


@pytest.mark.usefixtures("door", "signed_in")
def test_somebody_elses_account_is_not_used(engine, rogue):
    with pytest.raises(LoginRequired, match="rosa is signed in to The IdP, not alice"):
        UserSession("idp", username="alice", interactive=False)
    with person(engine, rogue), pytest.raises(UserMismatch):
        UserSession("idp", username="alice", interactive=True, timeout=20)
    assert rogue.seen("authorize")[-1].query["prompt"] == "login"
    rogue.username = "alice"
    with person(engine, rogue):
        session = UserSession("idp", username="alice", interactive=True, timeout=20)
    assert session.username == "alice"


@pytest.mark.usefixtures("door", "signed_in")
def test_more_scopes_are_asked_for_with_those_there_are(engine, rogue):
    with pytest.raises(InsufficientScope) as caught:
        UserSession("idp", scopes=["openid", "write"], interactive=False)
    assert caught.value.scopes == ("write",)
    with person(engine, rogue):
        session = UserSession("idp", scopes="write", interactive=True, timeout=20)
    assert set(session.scopes) == {"openid", "write"}
    UserSession("idp", scopes=["write", "offline_access"], interactive=False)
    rogue.script("token", fields(scope="openid"))
    with person(engine, rogue), pytest.raises(InsufficientScope, match="admin"):
        UserSession("idp", scopes=["admin"], interactive=True, timeout=20)


@pytest.mark.usefixtures("door")
def test_denied_and_cancelled(engine, rogue, capfd):
    rogue.script("authorize", deny(), times=1)
    with person(engine, rogue), pytest.raises(LoginDenied):
        UserSession("idp", interactive=True, timeout=20)
    cancel = lambda login: engine.cancel(login.id)  # noqa: E731
    with person(engine, rogue, cancel), pytest.raises(LoginCancelled):
        UserSession("idp", interactive=True, timeout=20)
    assert "was cancelled" in capfd.readouterr().err


@pytest.mark.usefixtures("door")
def test_after_the_time_the_link_still_works(engine, rogue):
    with pytest.raises(LoginRequired, match="run this again"):
        UserSession("idp", interactive=True, timeout=0.2)
    (login,) = engine.logins()
    sign_in(engine, rogue, login)
    assert UserSession("idp", interactive=False).username == "rosa"


def test_an_interrupt_leaves_the_login(engine, rogue, door):
    def interrupt(_):
        assert eventually(lambda: door.waiting > 0)
        os.kill(os.getpid(), signal.SIGINT)

    with person(engine, rogue, interrupt), pytest.raises(KeyboardInterrupt):
        UserSession("idp", interactive=True, timeout=20)
    assert engine.logins() == []
    shared = engine.begin("idp")  # somebody else waits for the same
    with person(engine, rogue, interrupt), pytest.raises(KeyboardInterrupt):
        UserSession("idp", interactive=True, timeout=20)
    assert engine.logins() == [shared]


def test_a_broker_that_goes_ends_the_wait(engine, rogue, door, capfd):
    def close(_):
        assert eventually(lambda: door.waiting > 0)
        door.__exit__()

    with person(engine, rogue, close), pytest.raises(Exception, match="does not answer"):
        UserSession("idp", interactive=True, timeout=20)
    assert "does not answer" in capfd.readouterr().err


@pytest.mark.usefixtures("home")
def test_without_a_server_the_process_itself_is_the_place(rogue, monkeypatch):
    monkeypatch.setenv("BROWSER", "true")  # a browser that does nothing: the person has another
    own = Provider(name="own", issuer=rogue.issuer, client_id="notebook", scopes="openid")

    def browse(login):
        # As a browser: to the login's page, on to the provider, back to the listener.
        assert eventually(lambda: connect().login(login.id).url is not None)
        return requests.get(connect().login(login.id).url, timeout=10)

    connect().register(own)
    with person(connect(), rogue, browse):
        session = UserSession(own, interactive=True, timeout=20)
    assert session.get(f"{rogue.issuer}/api/x").json()["sub"] == rogue.sub
    assert pickle.loads(pickle.dumps(session)).get(f"{rogue.issuer}/api/x").ok  # noqa: S301
    assert child(lambda: session.get(f"{rogue.issuer}/api/x").status_code) == 200
    session.logout()


# Which provider


@pytest.mark.usefixtures("door", "signed_in")
def test_the_only_provider_needs_no_name():
    assert UserSession(interactive=False).provider == "idp"


@pytest.mark.usefixtures("door")
def test_an_unknown_provider_is_said():
    with pytest.raises(ProviderNotFound, match="ipd"):
        UserSession("ipd")


@pytest.mark.usefixtures("door")
def test_a_provider_made_in_code(engine, rogue):
    own = Provider(name="own", issuer=rogue.issuer, client_id="notebook", scopes="openid")
    with person(engine, rogue):
        session = UserSession(own, interactive=True, timeout=20)
    assert session.get(f"{rogue.issuer}/api/x").ok


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


def test_repr_without_an_account_or_a_broker(session, door):
    session.logout()
    assert repr(session) == "<UserSession 'idp', not signed in>"
    os.environ["JUPYTER_AUTH_URL"] = "https://hub.example"  # no engine takes over
    try:
        os.environ["JUPYTER_AUTH_CONNECTION"] = str(door.path)
        other = copy.copy(session)
    finally:
        del os.environ["JUPYTER_AUTH_URL"]
    door.__exit__()
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


# Signing out, and ends that nobody wished


def test_after_signing_out_a_request_raises_and_nobody_is_asked(door, signed_in, rogue):
    session = UserSession("idp", interactive=True)
    outcome = session.logout()
    assert (outcome.removed, outcome.revoked) == (True, True)
    with pytest.raises(LoginRequired, match="You signed out"):
        session.get("/api/x")
    assert signed_in.logins() == []
    with person(signed_in, rogue):
        session.authenticate()
    assert session.get("/api/x").ok
    assert door.path.exists()


@pytest.mark.usefixtures("door")
def test_signing_out_without_revoking(signed_in, rogue):
    UserSession("idp").logout(revoke=False)
    assert signed_in.accounts() == []
    assert rogue.revoked == []


@pytest.mark.usefixtures("door")
def test_a_sign_out_elsewhere_is_noticed_and_nobody_is_asked(signed_in):
    session = UserSession("idp", interactive=True)
    assert session.get("/api/x").ok
    signed_in.logout("idp")
    assert eventually(lambda: session._sign_in.tokens._held is None, 1.0)
    with pytest.raises(LoginRequired, match="Nobody is signed in"):
        session.get("/api/x")
    assert signed_in.logins() == []


def test_a_refused_refresh_raises_where_nobody_is_there(session, rogue):
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    with pytest.raises(RefreshRejected):
        session.get("/api/x")


@pytest.mark.usefixtures("door")
def test_a_refused_refresh_asks_whoever_is_there(signed_in, rogue):
    session = UserSession("idp", interactive=True, timeout=20)
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    with person(signed_in, rogue):
        assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.usefixtures("door")
def test_threads_that_find_the_account_ended_show_one_prompt(signed_in, rogue, capfd):
    session = UserSession("idp", interactive=True, timeout=20)
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(session.get("/api/x").status_code))
        for _ in range(8)
    ]
    with person(signed_in, rogue):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert answers == [200] * 8
    assert capfd.readouterr().err.count("Waiting") == 1


# Requests


def test_relative_urls(session, rogue, elsewhere):
    assert session.get("api/x").json()["path"] == "/api/x"
    assert session.get("/api/y").json()["path"] == "/api/y"
    assert session.get(b"/api/z").json()["path"] == "/api/z"
    deeper = UserSession("idp", base_url=f"{rogue.issuer}/api/v1", interactive=False)
    assert deeper.get("x?a=b").json()["path"] == "/api/v1/x"
    assert deeper.get("/api/x").json()["path"] == "/api/x"
    assert session.get(f"//{elsewhere.origin.partition('//')[2]}/x").ok
    assert "authorization" not in elsewhere.seen[0].headers


def test_who_names_a_base_url_means_its_origin(elsewhere, session):
    del session
    mine = UserSession("idp", base_url=elsewhere.origin, interactive=False)
    mine.get("x")
    assert elsewhere.seen[0].bearer == str(mine.access_token)
    with pytest.raises(ConfigurationError, match="not https"):
        UserSession("idp", base_url="http://api.example.com", interactive=False)


def test_api_origins_are_instead_of_the_providers(elsewhere, session, rogue):
    mine = UserSession("idp", api_origins=elsewhere.origin, interactive=False)
    mine.get(f"{elsewhere.origin}/x")
    assert elsewhere.seen[0].bearer == str(session.access_token)
    with pytest.warns(AuthWarning, match="api_origins"):
        assert mine.get(f"{rogue.issuer}/api/x").status_code == 401


class Recording(requests.adapters.HTTPAdapter):
    """Sends as always, and remembers how."""

    def send(self, request, **kwargs):
        self.timeout = kwargs["timeout"]
        return super().send(request, **kwargs)


def test_timeouts(session):
    adapter = Recording()
    session.mount("http://", adapter)
    session.get("/api/x")
    assert adapter.timeout == (10, 60)
    session.get("/api/x", timeout=3)
    assert adapter.timeout == 3
    session.get("/api/x", timeout=None)
    assert adapter.timeout is None
    session.request("GET", "/api/x", None, None, None, None, None, None, 4)
    assert adapter.timeout == 4
    session.send(session.prepare_request(requests.Request("GET", f"{session._base_url}/api/x")))
    assert adapter.timeout == (10, 60)


def test_the_callers_own_auth_wins(session, rogue):
    session.get("/api/x", auth=("me", "password"))
    assert rogue.seen("api")[0].headers["authorization"].startswith("Basic ")


def test_netrc_replaces_nothing(session, rogue, elsewhere, home):
    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    assert requests.utils.get_netrc_auth(rogue.issuer)
    assert session.get("/api/x").ok
    rogue.script("api", away(elsewhere.origin))
    assert session.get("/api/x").ok
    session.get(f"{elsewhere.origin}/y")
    assert not any("authorization" in each.headers for each in elsewhere.seen)


@pytest.fixture(params=["Authorization", "x-api-key"])
def keyed(request, engine, rogue, door, capsys):  # noqa: ARG001
    """A session whose token travels in that header."""
    template = {"Authorization": "Bearer {token}"}.get(request.param, "{token}")
    own = Provider(
        name="own",
        issuer=rogue.issuer,
        client_id="notebook",
        scopes=("openid",),
        header=Header(name=request.param, template=template),
    )
    with person(engine, rogue):
        session = UserSession(own, interactive=True, timeout=20)
    session.own_header = request.param.lower()
    return session


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_takes_no_token_along(keyed, rogue, elsewhere, code):
    rogue.script("api", away(elsewhere.origin, code))
    assert keyed.get(f"{rogue.issuer}/api/x").ok
    assert keyed.own_header in rogue.seen("api")[0].headers
    secret = str(keyed.access_token)
    assert secret not in repr(elsewhere.seen[0].headers)


def test_a_redirect_back_gets_the_token_again(keyed, rogue, elsewhere):
    elsewhere.reply = Reply(302, headers={"Location": f"{rogue.issuer}/api/back"})
    script_pages(rogue, away(elsewhere.origin), page({}))
    keyed.get(f"{rogue.issuer}/api/x")
    first, last = rogue.seen("api")[0], rogue.seen("api")[-1]
    assert last.path == "/api/back"
    assert first.headers[keyed.own_header] == last.headers[keyed.own_header]
    assert keyed.own_header not in elsewhere.seen[0].headers


def test_a_callers_header_is_not_carried_away_either(session, rogue, elsewhere):
    elsewhere.reply = Reply(302, headers={"Location": f"{rogue.issuer}/api/x"})
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert elsewhere.seen[0].headers["authorization"] == "mine"
    assert rogue.seen("api")[0].bearer == str(session.access_token)
    session.auth = None  # a session without us is one of requests
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert "authorization" not in rogue.seen("api")[-1].headers


def test_a_callers_header_stays_at_its_host(session, elsewhere):
    other = elsewhere.origin.replace("127.0.0.1", "localhost")
    elsewhere.replies = [Reply(302, headers={"Location": f"{other}/y"})]
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert ["authorization" in each.headers for each in elsewhere.seen] == [True, False]


def test_what_is_redirected_is_decided_anew(keyed, rogue):
    answer = keyed.get(f"{rogue.issuer}/api/x", stream=True)
    evil = rogue.issuer.replace("127.0.0.1", "127.0.0.1.evil")
    for url in ("https://elsewhere.example/x", f"{evil}/x"):
        moved = answer.request.copy()
        assert keyed.own_header in moved.headers
        moved.url = url  # whatever way it came to be
        keyed.rebuild_auth(moved, answer)
        assert keyed.own_header not in moved.headers


# Pages


def page(body, link=""):
    headers = {"Content-Type": "application/json; charset=utf-8"} | ({"Link": link} if link else {})
    return lambda _: Reply(200, json.dumps(body).encode(), headers)


def script_pages(rogue, *replies):
    for each in replies:
        rogue.script("api", each, times=1)


def test_pages_by_odata_next_and_link(session, rogue):
    script_pages(
        rogue,
        page({"value": [1], "@odata.nextLink": f"{rogue.issuer}/api/2"}),
        page({"results": [2], "next": "/api/3?page=3"}),
        page([3], '</api/4>; rel="next", </api/1>; rel="first"'),
        page({"value": [4], "next": None}),
    )
    pages = list(session.get_pages("/api/1", params={"top": "1"}, headers={"x-mine": "1"}))
    assert [each.status_code for each in pages] == [200] * 4
    seen = rogue.seen("api")
    assert [each.path for each in seen] == ["/api/1", "/api/2", "/api/3", "/api/4"]
    assert [each.query for each in seen] == [{"top": "1"}, {}, {"page": "3"}, {}]
    assert ["x-mine" in each.headers for each in seen] == [True, False, False, False]
    assert len({each.bearer for each in seen}) == 1


def test_an_error_is_the_last_page(session, rogue):
    script_pages(rogue, page({"next": "/api/2"}), status(500), page({"next": "/api/4"}))
    assert [each.status_code for each in session.get_pages("/api/1")] == [200, 500]


def test_a_next_page_elsewhere_gets_no_token(session, rogue, elsewhere):
    script_pages(rogue, page({"next": f"{elsewhere.origin}/2"}))
    assert len(list(session.get_pages("/api/1"))) == 2
    assert "authorization" not in elsewhere.seen[0].headers


def test_pages_that_name_themselves_end(session, rogue):
    rogue.script("api", page({"next": "/api/1"}))
    assert len(list(session.get_pages("/api/1"))) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "text/html"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"next": {"a": 1}}', "application/json"),
        (b'{"next": ""}', "application/json"),
    ],
)
def test_what_names_no_next_page(session, rogue, body, kind):
    rogue.script("api", lambda _: Reply(200, body, {"Content-Type": kind}))
    assert len(list(session.get_pages("/api/1"))) == 1


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
        timeout=30,
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
        thread.join(60)
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
    with OpenDoor(engine, tmp_path / "runtime"):
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
        assert eventually(lambda: second._sign_in.tokens._held is None, 1.0)
        with pytest.raises(LoginRequired):
            second.get(f"{oidc.issuer}/api/me")


# In a kernel


def test_in_a_kernel(engine, rogue, door, tmp_path):
    with Kernel(tmp_path / "kernel", door.path) as kernel:
        ran = kernel.run(
            "from jupyter_auth.kernel.sessions import UserSession; UserSession('idp')",
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
        assert eventually(lambda: engine.logins() != [] and door.waiting > 1, 20)
        kernel.interrupt()
        assert "KeyboardInterrupt" in kernel.result(waiting).text()
        assert engine.logins() == []
