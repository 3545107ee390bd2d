"""``UserSession``: who is asked to sign in and when, and how it ends."""

from __future__ import annotations

import os
import pickle
import signal
import threading

import pytest
import requests

from jupyter_auth.core.errors import (
    InsufficientScope,
    LoginCancelled,
    LoginDenied,
    LoginRequired,
    ProviderNotFound,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.broker.watcher import WAIT
from jupyter_auth.kernel.session import user_account
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.forks_and_interrupts import child
from kernel.sign_in import person, sign_in
from patience import PATIENCE, eventually
from providers.troubles import deny, error, fields

# Signing in


@pytest.mark.usefixtures("kernel_api")
def test_a_person_signs_in_while_the_call_waits(engine, rogue, capfd):
    with person(engine, rogue):
        session = UserSession("idp", interactive=True, timeout=PATIENCE)
    shown = capfd.readouterr()
    assert "/base/jupyter-auth/login/" in shown.err
    assert "Signed in to The IdP as rosa." in shown.err
    assert shown.out == ""
    assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_a_stored_account_is_used_and_said_once_to_a_person(rogue, capfd, monkeypatch):
    monkeypatch.setattr(user_account, "_known", set())  # as in a process that begins
    UserSession("idp")
    assert capfd.readouterr() == ("", "")
    session = UserSession("idp", interactive=True)
    UserSession("idp", interactive=True)
    said = "Signed in to The IdP as rosa. Not you? UserSession('idp', auth_force=True)\n"
    assert capfd.readouterr() == ("", said)
    assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_force_asks_again(engine, rogue):
    with person(engine, rogue) as done:
        UserSession("idp", auth_force=True, interactive=True, timeout=PATIENCE)
    assert done[0].status == "complete"
    assert [each.query.get("prompt") for each in rogue.seen("authorize")] == [None, "login"]


@pytest.mark.parametrize("interactive", [False, None])
@pytest.mark.usefixtures("kernel_api")
def test_with_nobody_there_it_says_at_once_what_to_do(engine, interactive):
    with pytest.raises(LoginRequired, match="You're not signed in to The IdP") as caught:
        UserSession("idp", interactive=interactive)
    assert "`jupyter auth login idp` in a terminal" in caught.value.hint
    assert engine.logins() == []


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_somebody_elses_account_is_not_used(engine, rogue):
    with pytest.raises(LoginRequired, match="alice is not signed in to The IdP; rosa is") as caught:
        UserSession("idp", username="alice", interactive=False)
    assert "`jupyter auth login idp --key alice` in a terminal" in caught.value.hint
    with person(engine, rogue), pytest.raises(UserMismatch):
        UserSession("idp", username="alice", interactive=True, timeout=PATIENCE)
    assert rogue.seen("authorize")[-1].query["prompt"] == "login"
    rogue.username = "alice"
    with person(engine, rogue):
        session = UserSession("idp", username="alice", interactive=True, timeout=PATIENCE)
    assert session.username == "alice"


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_more_scopes_are_asked_for_with_those_there_are(engine, rogue):
    with pytest.raises(InsufficientScope) as caught:
        UserSession("idp", scopes=["openid", "write"], interactive=False)
    assert caught.value.scopes == ("write",)
    with person(engine, rogue):
        session = UserSession("idp", scopes="write", interactive=True, timeout=PATIENCE)
    assert set(session.scopes) == {"openid", "write"}
    UserSession("idp", scopes=["write", "offline_access"], interactive=False)
    rogue.script("token", fields(scope="openid"))
    with person(engine, rogue), pytest.raises(InsufficientScope, match="admin"):
        UserSession("idp", scopes=["admin"], interactive=True, timeout=PATIENCE)


@pytest.mark.usefixtures("kernel_api")
def test_the_configured_scopes_are_asked_for_with_those_there_are(engine, rogue, configured):
    """Two sessions that want different ones do not sign each other out."""
    wider = configured["idp"] | {"scopes": ["openid", "profile"]}
    engine.configure(provider_from_mapping("idp", wider))
    with person(engine, rogue):
        UserSession("idp", scopes="openid write", interactive=True, timeout=PATIENCE)
    with pytest.raises(InsufficientScope, match="lacks the scopes profile"):
        UserSession("idp", interactive=False)
    with person(engine, rogue):
        session = UserSession("idp", interactive=True, timeout=PATIENCE)
    assert set(session.scopes) == {"openid", "write", "profile"}
    for scopes in (None, "openid write"):
        UserSession("idp", scopes=scopes, interactive=False)


@pytest.mark.usefixtures("kernel_api")
def test_denied_and_cancelled(engine, rogue, capfd):
    rogue.script("authorize", deny(), times=1)
    with person(engine, rogue), pytest.raises(LoginDenied):
        UserSession("idp", interactive=True, timeout=PATIENCE)
    cancel = lambda login: engine.cancel(login.id)  # noqa: E731
    with person(engine, rogue, cancel), pytest.raises(LoginCancelled):
        UserSession("idp", interactive=True, timeout=PATIENCE)
    assert "was cancelled" in capfd.readouterr().err


@pytest.mark.usefixtures("kernel_api")
def test_after_the_time_the_link_still_works(engine, rogue):
    with pytest.raises(LoginRequired, match="run this again"):
        UserSession("idp", interactive=True, timeout=0.2)
    (login,) = engine.logins()
    sign_in(engine, rogue, login)
    assert UserSession("idp", interactive=False).username == "rosa"


def test_an_interrupt_leaves_the_login(engine, rogue, kernel_api):
    def interrupt(_):
        assert eventually(lambda: kernel_api.waiting > 0)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), person(engine, rogue, interrupt):
        UserSession("idp", interactive=True, timeout=PATIENCE)
    assert engine.logins() == []
    assert eventually(lambda: kernel_api.waiting == 0)
    shared = engine.begin(LoginRequest("idp"))  # somebody else waits for the same
    with pytest.raises(KeyboardInterrupt), person(engine, rogue, interrupt):
        UserSession("idp", interactive=True, timeout=PATIENCE)
    assert engine.logins() == [shared]


def test_a_broker_that_goes_ends_the_wait(engine, rogue, kernel_api, capfd):
    def close(_):
        assert eventually(lambda: kernel_api.waiting > 0)
        kernel_api.__exit__()

    with person(engine, rogue, close), pytest.raises(Exception, match="does not answer"):
        UserSession("idp", interactive=True, timeout=PATIENCE)
    assert "does not answer" in capfd.readouterr().err


@pytest.mark.usefixtures("home")
def test_without_a_server_the_process_itself_is_the_place(rogue, monkeypatch):
    monkeypatch.setenv("BROWSER", "true")  # a browser that does nothing: the person has another
    own = Provider(name="own", issuer=rogue.issuer, client_id="notebook", scopes="openid")

    def browse(login):
        # As a browser: to the login's page, on to the provider, back to the listener.
        assert eventually(lambda: connect().login(login.id).url is not None)
        return requests.get(connect().login(login.id).url, timeout=PATIENCE)

    connect().register(own)
    with person(connect(), rogue, browse):
        session = UserSession(own, interactive=True, timeout=PATIENCE)
    assert session.get(f"{rogue.issuer}/api/x").json()["sub"] == rogue.sub
    assert pickle.loads(pickle.dumps(session)).get(f"{rogue.issuer}/api/x").ok  # noqa: S301
    assert child(lambda: session.get(f"{rogue.issuer}/api/x").status_code) == 200
    session.logout()


# Which provider


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_the_only_provider_needs_no_name():
    assert UserSession(interactive=False).provider == "idp"


@pytest.mark.usefixtures("kernel_api")
def test_an_unknown_provider_is_said():
    with pytest.raises(ProviderNotFound, match="ipd"):
        UserSession("ipd")


@pytest.mark.usefixtures("kernel_api")
def test_a_provider_made_in_code(engine, rogue):
    own = Provider(name="own", issuer=rogue.issuer, client_id="notebook", scopes="openid")
    with person(engine, rogue):
        session = UserSession(own, interactive=True, timeout=PATIENCE)
    assert session.get(f"{rogue.issuer}/api/x").ok


# Signing out, and ends that nobody wished


def test_after_signing_out_a_request_raises_and_nobody_is_asked(kernel_api, signed_in, rogue):
    session = UserSession("idp", interactive=True)
    outcome = session.logout()
    assert (outcome.removed, outcome.revoked) == (True, True)
    with pytest.raises(LoginRequired, match="You signed out"):
        session.get("/api/x")
    assert signed_in.logins() == []
    with person(signed_in, rogue):
        session.authenticate()
    assert session.get("/api/x").ok
    assert kernel_api.path.exists()


@pytest.mark.usefixtures("kernel_api")
def test_signing_out_without_revoking(signed_in, rogue):
    UserSession("idp").logout(revoke=False)
    assert signed_in.accounts() == []
    assert rogue.revoked == []


@pytest.mark.usefixtures("kernel_api")
def test_a_sign_out_elsewhere_is_noticed_and_nobody_is_asked(signed_in):
    session = UserSession("idp", interactive=True)
    assert session.get("/api/x").ok
    signed_in.logout("idp")
    assert eventually(lambda: session._account.tokens._held is None, WAIT - 5)  # of one poll
    with pytest.raises(LoginRequired, match="You're not signed in to idp"):
        session.get("/api/x")
    assert signed_in.logins() == []


def test_a_refused_refresh_raises_where_nobody_is_there(session, rogue):
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    with pytest.raises(RefreshRejected):
        session.get("/api/x")


@pytest.mark.usefixtures("kernel_api")
def test_a_refused_refresh_asks_whoever_is_there(signed_in, rogue):
    session = UserSession("idp", interactive=True, timeout=PATIENCE)
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    with person(signed_in, rogue):
        assert session.get("/api/x").json()["sub"] == rogue.sub


@pytest.mark.parametrize("words", ["invalid_grant", "interaction_required"])
def test_a_new_session_says_and_asks_too(session, signed_in, rogue, words):
    """The account is kept, but nobody is taken for signed in."""
    rogue.expire()
    rogue.script("refresh", error(words))
    with pytest.raises(RefreshRejected, match=words):
        session.get("/api/x")
    assert not session.authenticated
    with pytest.raises(RefreshRejected, match=words):
        UserSession("idp", interactive=False)
    with person(signed_in, rogue):
        again = UserSession("idp", interactive=True, timeout=PATIENCE)
    assert again.authenticated
    assert again.get("/api/x").ok
    assert session.get("/api/x").ok


def test_an_interrupted_request_leaves_the_login(signed_in, rogue, kernel_api, capfd):
    session = UserSession("idp", interactive=True, timeout=PATIENCE)
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))

    def interrupt(_):
        assert eventually(lambda: kernel_api.waiting > 1)  # the session hears of changes besides
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), person(signed_in, rogue, interrupt):
        session.get("/api/x")
    assert signed_in.logins() == []
    said = capfd.readouterr().err
    assert "Interrupted before you signed in to" in said
    assert "Run this again" in said
    with person(signed_in, rogue):
        assert session.get("/api/x").ok
    assert "cancelled" not in said + capfd.readouterr().err  # nor by the thread that waited


@pytest.mark.usefixtures("kernel_api")
def test_threads_that_find_the_account_ended_show_one_prompt(signed_in, rogue, capfd):
    session = UserSession("idp", interactive=True, timeout=PATIENCE)
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
            thread.join(PATIENCE)
    assert answers == [200] * 8
    assert capfd.readouterr().err.count("Waiting") == 1
