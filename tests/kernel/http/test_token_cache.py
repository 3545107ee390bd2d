"""One account's token in memory: who waits for a new one, who does not, and when it is dropped."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import LoginRequired, RefreshRejected
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.broker.watcher import WAIT, watcher_of
from jupyter_auth.kernel.http.token_cache import CachedTokens
from kernel.forks_and_interrupts import child
from kernel.sign_in import sign_in
from memory_store import MemoryStore
from patience import PATIENCE, eventually
from providers.troubles import Gate, error, status

LIFETIME = 3600.0
MARGIN = 60.0


class Counting:
    """Passes everything on to ``accounts`` and counts the calls for tokens."""

    def __init__(self, accounts):
        self._accounts = accounts
        self.calls = 0

    def __getattr__(self, name):
        return getattr(self._accounts, name)

    def token(self, *args, **kwargs):
        self.calls += 1
        return self._accounts.token(*args, **kwargs)


@pytest.fixture
def accounts(configured, rogue, clock):
    """An engine on a clock of its own, with rosa signed in."""
    engine = Engine(Providers(configured), MemoryStore(), clock=clock)
    rogue.clock = clock
    sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    yield Counting(engine)
    rogue.behave()
    engine.close()


@pytest.fixture
def tokens(accounts, clock):
    return CachedTokens(accounts, "idp", clock=clock)


def at_rest(tokens):
    """No thread is about to get a token."""
    return lambda: not tokens._renewing


def test_a_valid_token_is_asked_for_once(tokens, accounts, clock):
    first = tokens.token()
    clock.advance(LIFETIME - MARGIN - 1)
    assert tokens.token() is first
    assert accounts.calls == 1


def test_a_token_near_its_end_is_given_out_while_the_next_is_fetched(tokens, rogue, clock):
    old = tokens.token()
    clock.advance(LIFETIME - MARGIN + 1)
    gate = rogue.script("refresh", Gate())
    assert tokens.token() is old  # nobody waits for the provider, which does not answer yet
    assert gate.arrived.wait(PATIENCE)
    assert tokens.token() is old
    gate.release()
    assert eventually(lambda: tokens.token() is not old)
    assert rogue.active(tokens.token().access_token.reveal())
    assert rogue.refreshes == 1


def test_an_expired_token_is_not_given_out(tokens, rogue, clock):
    old = tokens.token()
    clock.advance(LIFETIME)
    assert tokens.token().digest != old.digest
    assert rogue.refreshes == 1


def test_a_token_valid_for_longer_is_fetched(tokens, clock):
    old = tokens.token()
    assert tokens.token(LIFETIME / 4) is old
    clock.advance(LIFETIME - 100)
    assert tokens.token(120).digest != old.digest


def test_many_threads_make_one_refresh(tokens, rogue, clock):
    old = tokens.token()
    clock.advance(LIFETIME)
    together = threading.Barrier(64)

    def use(_):
        together.wait(PATIENCE)
        return tokens.token().digest

    with ThreadPoolExecutor(64) as pool:
        found = set(pool.map(use, range(64)))
    assert len(found) == 1
    assert found != {old.digest}
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_many_threads_with_a_refused_token_make_one_refresh(tokens, rogue):
    old = tokens.token()
    together = threading.Barrier(64)

    def refused(_):
        together.wait(PATIENCE)
        return tokens.rejected(old).digest

    with ThreadPoolExecutor(64) as pool:
        found = set(pool.map(refused, range(64)))
    assert len(found) == 1
    assert found != {old.digest}
    assert rogue.refreshes == 1


@pytest.mark.usefixtures("accounts")
def test_threads_share_a_failure(tokens, rogue, clock):
    tokens.token()
    clock.advance(LIFETIME)
    rogue.script("refresh", status(500))
    gate = threading.Barrier(8)

    def use(_):
        gate.wait(PATIENCE)
        with pytest.raises(ProviderUnavailable):
            tokens.token()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    rogue.behave()
    assert tokens.token()


def test_failed_tries_in_the_background_are_silent_and_rare(tokens, rogue, clock, accounts):
    old = tokens.token()
    clock.advance(LIFETIME - MARGIN + 1)
    rogue.script("refresh", status(500))
    for _ in range(5):
        assert tokens.token().digest == old.digest
        assert eventually(at_rest(tokens))
    assert accounts.calls == 2
    clock.advance(31)
    rogue.behave()
    assert eventually(lambda: tokens.token().digest != old.digest)


def test_short_tokens_are_tried_again_within_their_life(rogue, clock, configured):
    rogue.access_token_ttl = 50
    engine = Engine(Providers(configured), MemoryStore(), clock=clock)
    rogue.clock = clock
    sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    accounts = Counting(engine)
    tokens = CachedTokens(accounts, "idp", clock=clock)
    tokens.token()
    clock.advance(45.5)
    rogue.script("refresh", status(500))
    tokens.token()
    assert eventually(at_rest(tokens))
    calls = accounts.calls
    clock.advance(2)
    tokens.token()
    assert eventually(at_rest(tokens))
    clock.advance(4)
    rogue.behave()
    assert accounts.calls == calls
    assert tokens.token()  # expired by now
    engine.close()


@pytest.fixture
def person(accounts, rogue):
    """Signs in when asked to; ``asked`` has each reason."""

    class Person:
        def __init__(self):
            self.asked = []

        def sign_in(self, error):
            self.asked.append(error)
            sign_in(accounts._accounts, rogue, accounts.begin(LoginRequest("idp")))

    return Person()


def test_a_refusal_in_the_background_is_told_to_who_needs_a_token(accounts, rogue, clock, person):
    tokens = CachedTokens(accounts, "idp", clock=clock, sign_in=person.sign_in)
    old = tokens.token()
    clock.advance(LIFETIME - MARGIN + 1)
    rogue.script("refresh", error("invalid_grant"))
    tokens.token()
    assert eventually(at_rest(tokens))
    assert not person.asked  # a thread in the background asks nobody
    assert tokens.token().digest == old.digest
    clock.advance(MARGIN)
    assert tokens.token().digest != old.digest
    assert [type(each) for each in person.asked] == [RefreshRejected]


def test_one_thread_asks_the_person_for_all(accounts, clock, person):
    together = threading.Barrier(8)
    tokens = CachedTokens(accounts, "idp", clock=clock, sign_in=person.sign_in)
    accounts.logout("idp")

    def use(_):
        together.wait(PATIENCE)
        return tokens.token().digest

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(use, range(8)))) == 1
    assert len(person.asked) == 1


ENDS_MEANWHILE = """
import json, pathlib, sys, time
from jupyter_auth.kernel.http.token_cache import CachedTokens
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore

shift = 0.0
clock = lambda: time.time() + shift
store = FileStore(pathlib.Path(sys.argv[2]))
engine = Engine(Providers(json.loads(sys.argv[1])), store, clock=clock)
tokens = CachedTokens(engine, "idp", clock=clock)
tokens.token()
shift = 3570.0
tokens.token()
"""


def test_a_process_that_ends_meanwhile_still_saves(signed_in, configured, rogue, tmp_path):
    gate = rogue.script("refresh", Gate())
    with subprocess.Popen(
        [sys.executable, "-c", ENDS_MEANWHILE, json.dumps(configured), str(tmp_path / "store")]
    ) as ending:
        assert gate.arrived.wait(PATIENCE)
        with pytest.raises(subprocess.TimeoutExpired):
            ending.wait(0.5)
        rogue.clock = lambda: time.time() + 3570
        rogue.behave()
        assert ending.wait(PATIENCE) == 0
    rogue.clock = time.time
    fresh = signed_in.token("idp", need=Need(rejected=signed_in.token("idp").digest))
    assert rogue.active(fresh.access_token.reveal())
    assert (rogue.refreshes, rogue.reuses) == (2, 0)


@pytest.mark.usefixtures("kernel_api")
def test_a_sign_out_elsewhere_drops_the_token(signed_in):
    tokens = CachedTokens(connect(), "idp")
    tokens.token()
    signed_in.logout("idp")
    assert eventually(lambda: tokens._held is None, WAIT - 5)  # long before the poll ends
    with pytest.raises(LoginRequired):
        tokens.token()


@pytest.mark.usefixtures("kernel_api")
def test_a_change_of_another_account_drops_nothing(signed_in, rogue):
    tokens = CachedTokens(connect(), "idp")
    mine = tokens.token()
    heard = threading.Event()
    end = tokens._watcher.listen(lambda _: heard.set())
    sign_in(signed_in, rogue, signed_in.begin(LoginRequest("idp", "other")))
    assert heard.wait(PATIENCE)
    end()
    assert tokens.token() is mine


def test_a_token_from_before_a_change_is_not_kept(tokens, accounts):
    ask = accounts._accounts.token

    def slow(*args, **kwargs):
        found = ask(*args, **kwargs)
        tokens.drop()  # the sign-out is heard while the answer is on its way
        return found

    accounts._accounts.token = slow
    tokens.token()
    assert tokens._held is None


def watchers():
    return {each for each in threading.enumerate() if each.name == "jupyter_auth watcher"}


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_the_watch_ends_with_the_last_who_wants_it(monkeypatch):
    monkeypatch.setattr("jupyter_auth.kernel.broker.watcher.WAIT", 0.05)
    before = watchers()
    tokens = CachedTokens(connect(), "idp")
    tokens.token()
    (thread,) = watchers() - before
    assert thread.is_alive()
    assert thread.daemon
    del tokens
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_a_child_asks_and_watches_for_itself():
    accounts = connect()
    tokens = CachedTokens(accounts, "idp")
    mine = tokens.token().digest

    def use():
        held = tokens._held
        digest = tokens.token().digest
        return held is None, digest == mine, len(watchers()) == 1

    with tokens._lock, watcher_of(accounts)._lock:  # as if other threads were in the midst of it
        assert child(use) == (True, True, True)


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_a_pickle_has_no_token():
    tokens = CachedTokens(connect(), "idp", "default")
    secret = tokens.token().access_token.reveal()
    pickled = pickle.dumps(tokens)
    assert secret.encode() not in pickled
    copied = pickle.loads(pickled)  # noqa: S301
    assert copied.token().access_token.reveal() == secret
    assert secret not in repr((tokens, vars(tokens)))
