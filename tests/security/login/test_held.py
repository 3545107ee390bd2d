"""Promise 3: what is held for a person's yes is theirs alone, and is given back without it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clock import Clock
from core.sign_in import arrive, engine_of, sign_in
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.login.openings import digest
from jupyter_auth.core.models import LoginRequest
from memory_store import MemoryStore
from patience import PATIENCE, until

PROOF = "what-alice-s-browser-has"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(rogue, clock):
    made = engine_of(MemoryStore(), clock, idp=rogue)
    yield made
    made.close()


def held(engine, rogue, login):
    ended = arrive(engine, login, rogue).finish(engine, confirm_by=digest(PROOF))
    assert ended.status == "pending"
    assert (ended.candidate.username, ended.candidate.issuer) == ("rosa", rogue.issuer)
    assert engine.accounts() == []
    return ended


def test_a_yes_counts_with_the_proof_alone(engine, rogue):
    login = held(engine, rogue, engine.begin(LoginRequest("idp")))
    for proof in ("", "another", digest(PROOF)):
        with pytest.raises(LoginFailed, match="Only the browser"):
            engine.confirm(login.id, proof)
    assert engine.accounts() == []
    assert engine.confirm(login.id, PROOF).status == "complete"
    assert [each.username for each in engine.accounts()] == ["rosa"]
    assert rogue.revoked == []


def cancelled(engine, login, **_):
    engine.cancel(login.id)


def left(engine, login, **_):
    engine.leave(login.id)


def expired(engine, clock, **_):
    clock.advance(601)
    engine.poll()


def replaced(engine, rogue, login, **_):
    rogue.sub = "somebody else"
    held(engine, rogue, login)


@pytest.mark.parametrize("end", [cancelled, left, expired, replaced])
def test_without_a_yes_the_tokens_are_given_back(engine, rogue, clock, end):
    login = held(engine, rogue, engine.begin(LoginRequest("idp")))
    end(engine=engine, rogue=rogue, clock=clock, login=login)
    until(lambda: len(rogue.revoked) == 2)
    assert engine.accounts() == []


def given_back(engine, rogue):
    """What was given back until now, that of somebody else included."""
    rogue.sub = "somebody else"
    login = hold(engine, rogue, engine.begin(LoginRequest("idp", "hers")))
    hers = engine._logins.held()[-1].access_token.reveal()
    engine.cancel(login.id)
    until(lambda: hers in rogue.revoked)
    return len(rogue.revoked)


def hold(engine, rogue, login):
    return arrive(engine, login, rogue).finish(engine, confirm_by=digest(PROOF))


def test_nothing_is_given_back_of_a_grant_that_an_account_lives_on(engine, rogue):
    """Many providers end all that a person granted to this client, whichever token they get."""
    login = held(engine, rogue, engine.begin(LoginRequest("idp")))
    held(engine, rogue, login)  # another tab of it
    assert engine.confirm(login.id, PROOF).status == "complete"
    for request in ({"force": True}, {"session_key": "other"}):
        engine.cancel(hold(engine, rogue, engine.begin(LoginRequest("idp", **request))).id)
    assert (
        hold(engine, rogue, engine.begin(LoginRequest("idp", username="mallory"))).status
        == "failed"
    )
    assert given_back(engine, rogue) == 2


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"subject": "somebody else"}, False),
        ({"subject": None, "username": None}, True),  # the provider names nobody
        ({"subject": None, "username": None, "provider": "other"}, False),
        ({"kind": "api_key"}, False),
    ],
)
def test_which_accounts_may_be_of_one_grant(engine, rogue, change, may):
    account = sign_in(engine, rogue)
    assert account.may_share_grant(dataclasses.replace(account, **change)) is may


def test_what_comes_between_a_yes_and_the_store_ends_no_grant(engine, rogue):
    login = held(engine, rogue, engine.begin(LoginRequest("idp")))
    account = engine._logins.take_held(login.id, PROOF)
    hold(engine, rogue, login)
    party = engine._parties.of("idp")
    assert engine._completion.store(login.id, party, account).status == "complete"
    assert given_back(engine, rogue) == 2


def test_what_comes_after_the_end_is_not_exchanged(engine, rogue):
    login = engine.begin(LoginRequest("idp"))
    late = arrive(engine, login, rogue)
    assert arrive(engine, login, rogue).finish(engine, confirm_by=None).status == "complete"
    before = len(rogue.seen("token"))
    assert late.finish(engine, confirm_by=digest(PROOF)).status == "complete"
    assert len(rogue.seen("token")) == before, "nothing was exchanged for it"


def test_a_device_s_account_is_held_for_who_was_shown_the_code(rogue):
    engine = engine_of(MemoryStore(), time.time, idp=rogue)
    rogue.devices.interval = 0.05
    login = engine.begin(LoginRequest("idp", grant="device_code"))
    login = engine.device.start(login.id, confirm_by=digest(PROOF))
    engine.device.start(login.id, confirm_by=digest("mallory"))  # she opened the page as well
    rogue.devices.approve(login.user_code)
    until(lambda: engine.device.poll(login.id).candidate is not None)
    assert engine.login(login.id).user_code is None
    assert engine.accounts() == []
    with pytest.raises(LoginFailed):
        engine.confirm(login.id, "mallory")
    assert engine.confirm(login.id, PROOF).status == "complete"
    engine.close()


class SlowStore(MemoryStore):
    """Says when somebody comes to save, and lets them after that."""

    def __init__(self):
        super().__init__()
        self.came, self.go_on = threading.Event(), threading.Event()
        self.waiting = 0

    @contextlib.contextmanager
    def locked(self, key):
        self.waiting += 1
        self.came.set()
        assert self.go_on.wait(PATIENCE)
        with super().locked(key) as slot:
            yield slot


def test_a_login_is_completed_once(rogue, clock):
    """Also while the first account of it is on its way into the store."""
    store = SlowStore()
    engine = engine_of(store, clock, idp=rogue)
    login = engine.begin(LoginRequest("idp"))
    one = arrive(engine, login, rogue)
    rogue.sub = "somebody else"
    two = arrive(engine, login, rogue)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.finish, engine)
        assert store.came.wait(PATIENCE)
        second = pool.submit(two.finish, engine)
        until(lambda: second.done() or store.waiting == 2)
        assert second.done(), "it is being stored too"
        assert len(rogue.revoked) == 2, "its tokens"
        store.go_on.set()
        assert first.result(PATIENCE).status == "complete"
    assert len(rogue.revoked) == 2
    engine.close()
