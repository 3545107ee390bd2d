"""Many want a token at once: one refresh, nobody fails, and the account lives.

The real provider rotates refresh tokens and ends an account when a spent one comes again.
"""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.sign_in import account_of, expire_here, provider_at, sharing, sign_in
from core.tokens.store_files import processes
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import LoginRequired
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.single_flight import SingleFlight
from patience import PATIENCE, until
from providers import troubles

HERE = Path(__file__).parent
THREADS, PROCESSES = 64, 16


def together(count: int, call) -> list:
    """What that many threads get that call at the same moment; an exception is an outcome."""
    barrier = threading.Barrier(count)

    def one(number: int):
        barrier.wait(PATIENCE)
        try:
            return call(number)
        except Exception as error:  # noqa: BLE001 (an outcome)
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def expired(engines, files, oidc):
    """An engine on files whose account at the real provider has run out, and its old token."""
    engine = engines(files, time.time, idp=oidc)
    old = sign_in(engine, oidc)
    expire_here(files, old)
    oidc.expire()
    return engine, old


def interrupted_while_waiting(call):
    """Press Ctrl-C as soon as a refresh is under way."""

    def press() -> None:
        while not sharing():
            time.sleep(0.01)
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    thread = threading.Thread(target=press)
    thread.start()
    try:
        return call()
    finally:
        thread.join()


def alive(engine, oidc) -> bool:
    """Whether the provider still takes what rests in the account."""
    account = account_of(engine)
    tokens = (account.access_token, account.refresh_token)
    return all(oidc.introspect(token.reveal())["active"] for token in tokens)


# -- against the real provider -------------------------------------------------------------------


def test_64_threads_one_refresh(expired, oidc):
    engine, _ = expired
    got = together(THREADS, lambda _: engine.token("idp").digest)
    assert len(set(got)) == 1, got
    assert oidc.refresh_count == 1
    assert oidc.reuse_count == 0
    assert alive(engine, oidc)


def test_64_threads_with_a_refused_token_one_refresh(engines, files, oidc):
    engine = engines(files, time.time, idp=oidc)
    refused = sign_in(engine, oidc).access_token.digest

    def ask(number: int) -> str:
        return engine.token("idp", need=Need(rejected=refused if number % 2 else None)).digest

    got = together(THREADS, ask)
    assert {*got[1::2]} != {refused}
    assert len({*got[1::2]}) == 1
    assert oidc.refresh_count == 1
    assert oidc.reuse_count == 0
    assert alive(engine, oidc)


@pytest.mark.parametrize("refused", [False, True])
def test_16_processes_one_refresh(expired, files, oidc, refused):
    engine, old = expired
    got = processes(oidc, files, PROCESSES, old.access_token.digest if refused else "")
    assert len(got) == PROCESSES
    assert len(set(got)) == 1, got
    assert got[0].startswith("token ")
    assert oidc.refresh_count == 1
    assert oidc.reuse_count == 0
    assert alive(engine, oidc)


def test_threads_and_processes_together_one_refresh(expired, files, oidc):
    engine, old = expired
    refused = old.access_token.digest
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(processes, oidc, files, 8, refused)
        mine = together(
            16, lambda n: engine.token("idp", need=Need(rejected=refused * (n % 2))).digest
        )
        got = {outcome.removeprefix("token ") for outcome in others.result()}
    assert got == set(mine)
    assert oidc.refresh_count == 1
    assert oidc.reuse_count == 0


def test_an_interrupt_in_the_midst_of_a_refresh_costs_nothing(expired, oidc):
    """The refresh token is spent as soon as it is sent: what comes back must not be lost."""
    engine, _ = expired
    oidc.delay("token", milliseconds=500)
    with pytest.raises(KeyboardInterrupt):
        interrupted_while_waiting(lambda: engine.token("idp"))
    oidc.delay("token", milliseconds=0)
    assert engine.token("idp")
    assert oidc.refresh_count == 1
    assert oidc.reuse_count == 0
    assert alive(engine, oidc)


# -- who waits for it ----------------------------------------------------------------------------


def test_one_who_waits_can_be_interrupted_and_the_others_go_on(engine, rogue, clock):
    sign_in(engine, rogue)
    clock.advance(3600)
    gate = rogue.script("refresh", troubles.Gate())
    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(engine.token, "idp") for _ in range(8)]
        assert gate.arrived.wait(PATIENCE)
        with pytest.raises(KeyboardInterrupt):
            interrupted_while_waiting(lambda: engine.token("idp"))
        gate.release()
        assert len({each.result(PATIENCE).digest for each in others}) == 1
    assert rogue.refreshes == 1


def test_another_configuration_of_the_same_name_has_no_part_in_it(engine, rogue, clock):
    """It would get a token that it may send where the first one would not."""
    sign_in(engine, rogue)
    clock.advance(3600)
    gate = rogue.script("refresh", troubles.Gate())
    other = provider_at(rogue, client_id="another", api_origins=["https://evil.example"])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(engine.token, "idp")
        assert gate.arrived.wait(PATIENCE)
        second = pool.submit(engine._tokens.token, other, AccountKey("idp"), Need())
        until(lambda: sharing() == 2)
        gate.release()
        assert first.result(PATIENCE)
        with pytest.raises(LoginRequired):
            second.result(PATIENCE)


def test_a_failure_is_shared_too(engine, rogue, clock):
    sign_in(engine, rogue)
    clock.advance(3600)
    gate = rogue.script("refresh", troubles.Gate(then=troubles.status(500)), times=1)
    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(engine.token, "idp") for _ in range(THREADS)]
        until(lambda: sharing() == THREADS)
        gate.release()
    assert {type(each.exception()) for each in asking} == {ProviderUnavailable}
    assert len(rogue.seen("refresh")) == 1
    assert engine.token("idp")


def test_the_end_of_an_account_is_told_to_all(engine, rogue, clock):
    sign_in(engine, rogue)
    clock.advance(3600)
    rogue.script("refresh", troubles.error("invalid_grant"))
    got = together(THREADS, lambda _: engine.token("idp"))
    assert all(isinstance(each, LoginRequired) for each in got)
    assert len(rogue.seen("refresh")) == 1


def test_of_many_who_hold_the_same_outcome_one_may_have_been_refused_it(engine, rogue):
    """Somebody's refused token is the current one: sharing a flight must not hand it back."""
    first = sign_in(engine, rogue).access_token.digest
    got = together(
        THREADS, lambda n: engine.token("idp", need=Need(rejected=first if n % 2 else "x")).digest
    )
    assert first not in got[1::2]
    assert rogue.refreshes == 1
    assert account_of(engine).access_token.digest == got[1]


# -- the flight itself ---------------------------------------------------------------------------


def test_outcomes_are_shared_by_key_and_only_while_in_the_air():
    flights: SingleFlight[int] = SingleFlight()
    go, calls = threading.Event(), []

    def call() -> int:
        calls.append(1)
        go.wait(PATIENCE)
        return len(calls)

    with ThreadPoolExecutor(8) as pool:
        same = [pool.submit(flights.run, "a", call) for _ in range(4)]
        other = pool.submit(flights.run, "b", lambda: 99)
        assert other.result(PATIENCE) == (99, True)
        go.set()
        results = [each.result(PATIENCE) for each in same]
    assert sum(mine for _, mine in results) == len(calls)
    before = len(calls)
    assert flights.run("a", call) == (before + 1, True)
    assert flights._flights == {}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_a_call_raises_is_raised_and_nobody_is_left_waiting(error):
    flights: SingleFlight[int] = SingleFlight()

    def call() -> int:
        raise error

    with pytest.raises(error):
        flights.run("a", call)
    assert flights.run("a", lambda: 1) == (1, True)
