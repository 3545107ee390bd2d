"""A login ends once, whoever comes second, leaves, cancels or is late."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import (
    REDIRECT_URI,
    USER,
    account_of,
    arrive,
    engine_of,
    sign_in,
)
from jupyter_auth.core.errors import (
    AuthError,
    LoginCancelled,
    LoginExpired,
    LoginFailed,
    LoginRequired,
    StoreError,
)
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.core.wire import login_error
from memory_store import MemoryStore
from patience import PATIENCE
from providers import troubles

# -- the first to complete -----------------------------------------------------------------------


def test_the_first_to_complete_wins_and_the_other_sees_that(engine, rogue, login):
    one, two, three = (arrive(engine, login, rogue) for _ in range(3))
    first = two.finish(engine)
    assert first.status == "complete"
    assert one.finish(engine) == first
    assert len(rogue.seen("token")) == 1  # nothing more was exchanged
    with pytest.raises(LoginFailed):
        three.finish(engine, user="mallory")


def test_of_two_at_once_the_second_gives_its_tokens_back(engine, rogue, login):
    one = arrive(engine, login, rogue)
    rogue.sub = "somebody else"
    two = arrive(engine, login, rogue)
    gate = rogue.script("token", troubles.Gate(after=True), times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.finish, engine)
        assert gate.arrived.wait(PATIENCE)
        fast = two.finish(engine)
        kept = account_of(engine)
        gate.release()
        assert slow.result(PATIENCE) == fast
    assert account_of(engine) == kept
    assert len(rogue.revoked) == 2
    assert not {kept.access_token.reveal(), kept.refresh_token.reveal()} & {*rogue.revoked}


def test_but_not_where_that_would_end_the_grant_of_the_first(engine, rogue, login):
    one, two = arrive(engine, login, rogue), arrive(engine, login, rogue)
    gate = rogue.script("token", troubles.Gate(after=True), times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.finish, engine)
        assert gate.arrived.wait(PATIENCE)
        two.finish(engine)
        gate.release()
        assert slow.result(PATIENCE).status == "complete"
    assert rogue.revoked == []


# -- cancelled, left, expired --------------------------------------------------------------------


def test_a_cancelled_login_is_over_for_everybody(engine, rogue, login, callback):
    assert engine.cancel(login.id).status == "cancelled"
    assert isinstance(login_error(engine.login(login.id)), LoginCancelled)
    with pytest.raises(LoginCancelled):
        engine.open(login.id, REDIRECT_URI, USER)
    with pytest.raises(LoginExpired):
        callback.finish(engine)
    assert rogue.seen("token") == []


def test_one_cancelled_during_the_exchange_stores_nothing_and_gives_back(
    engine, rogue, login, callback
):
    gate = rogue.script("token", troubles.Gate(after=True))
    with ThreadPoolExecutor(1) as pool:
        finishing = pool.submit(callback.finish, engine)
        assert gate.arrived.wait(PATIENCE)
        engine.cancel(login.id)
        gate.release()
        assert finishing.result(PATIENCE).status == "cancelled"
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2


def test_one_expired_during_the_exchange_stores_nothing_and_gives_back(
    engine, rogue, callback, clock
):
    gate = rogue.script("token", troubles.Gate(after=True))
    with ThreadPoolExecutor(1) as pool:
        finishing = pool.submit(callback.finish, engine)
        assert gate.arrived.wait(PATIENCE)
        clock.advance(LIFETIME)
        engine.poll()
        gate.release()
        assert finishing.result(PATIENCE).status == "expired"
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2


def test_the_last_to_leave_cancels(engine, login):
    engine.begin(LoginRequest("idp"))
    assert engine.leave(login.id).status == "pending"
    assert engine.leave(login.id).status == "cancelled"
    assert engine.leave(login.id).status == "cancelled"


def test_who_leaves_after_the_end_changes_nothing(engine, login, callback):
    callback.finish(engine)
    assert engine.leave(login.id).status == "complete"
    assert engine.cancel(login.id).status == "complete"
    assert account_of(engine)


def test_one_that_nobody_finished_expires(engine, login, clock):
    since = engine.changes().sequence
    clock.advance(LIFETIME)
    assert engine.login(login.id).status == "expired"
    assert engine.logins() == []
    (change,) = engine.changes(since).changes
    assert change.login.status == "expired"
    with pytest.raises(LoginExpired):
        engine.open(login.id, REDIRECT_URI, USER)


def test_an_outcome_is_remembered_for_ten_minutes(engine, login, callback, clock):
    callback.finish(engine)
    clock.advance(LIFETIME - 1)
    assert engine.login(login.id).status == "complete"
    clock.advance(2)
    with pytest.raises(LoginExpired):
        engine.login(login.id)


@pytest.mark.parametrize("call", ["login", "cancel", "leave"])
@pytest.mark.parametrize("login_id", ["", "x", "\ud800"])
def test_an_unknown_login_is_over(engine, call, login_id):
    with pytest.raises(LoginExpired):
        getattr(engine, call)(login_id)
    with pytest.raises(LoginExpired):
        engine.open(login_id, REDIRECT_URI, USER)


# -- the store will not --------------------------------------------------------------------------


def test_a_login_is_good_for_this_program_where_nothing_can_be_saved(engines, tmp_path, rogue):
    (tmp_path / "store").write_text("in the way")
    engine = engines(FileStore(tmp_path / "store"), idp=rogue)
    sign_in(engine, rogue)
    assert engine.token("idp")
    (info,) = engine.accounts()
    assert "could not be saved" in info.warning
    assert engine.logout("idp").removed
    assert engine.accounts() == []
    with pytest.raises((LoginRequired, StoreError)):
        engine.token("idp")


def test_no_exception_of_a_login_shows_a_secret(engine, rogue, callback, caplog):
    caplog.set_level("DEBUG")
    code, state = callback.params["code"], callback.params["state"]
    rogue.script("token", troubles.error("invalid_grant", 400, f"{code} is no code of {state}"))
    finished = callback.finish(engine)
    verifier = rogue.seen("token")[0].form["code_verifier"]
    shown = f"{finished!r}{finished.error}{login_error(finished)!r}{caplog.text}"
    assert not [each for each in (code, verifier) if each in shown]
    with pytest.raises(AuthError) as caught:
        callback.finish(engine)
    assert state not in str(caught.value)


def test_logins_of_one_engine_are_safe_in_threads(engine, rogue):
    """Whatever comes in between, each login ends once and each account is whole."""
    barrier = threading.Barrier(16)

    def one(number: int) -> str:
        barrier.wait(PATIENCE)
        login = engine.begin(LoginRequest("idp", f"key-{number % 4}"))
        callback = arrive(engine, login, rogue)
        try:
            return callback.finish(engine).status
        except LoginExpired:
            return "late"

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(one, range(16)))
    assert set(statuses) <= {"complete", "late"}
    assert len(engine.accounts()) == 4
    assert engine.logins() == []


def test_the_engine_of_one_user_knows_no_other(rogue, clock):
    alice, bob = (engine_of(MemoryStore(), clock, idp=rogue) for _ in range(2))
    callback = arrive(alice, alice.begin(LoginRequest("idp")), rogue)
    with pytest.raises(LoginExpired):
        callback.finish(bob)
    assert callback.finish(alice).status == "complete"
    assert bob.accounts() == []
