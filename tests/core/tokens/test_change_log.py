"""Whoever waits learns at once what happened, also in another process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import digest_of, expire_here, sign_in
from jupyter_auth.core.models import AccountKey, Change, LoginRequest
from jupyter_auth.core.tokens.change_log import REMEMBERED, ChangeLog
from jupyter_auth.core.tokens.need import Need
from patience import PATIENCE


def change(name: str = "idp") -> Change:
    return Change(kind="account", provider=name)


@pytest.fixture
def log() -> ChangeLog:
    return ChangeLog()


def kinds(changes) -> list[tuple[str, str]]:
    return [(each.kind, each.session_key) for each in changes.changes]


# -- the log -------------------------------------------------------------------------------------


def test_changes_come_in_order_and_once(log):
    since = log.after(0).sequence
    for name in ("a", "b", "c"):
        log.add(change(name))
    news = log.after(since)
    assert [each.provider for each in news.changes] == ["a", "b", "c"]
    assert log.after(news.sequence).changes == ()
    assert [each.provider for each in log.after(news.sequence - 1).changes] == ["c"]


def test_who_knows_nothing_looks_anew(log):
    for since in (0, -1, log.after(0).sequence + 1, 2**62):
        news = log.after(since)
        assert news.reset
        assert news.changes == ()
        assert not log.after(news.sequence).reset


def test_who_was_away_too_long_looks_anew(log):
    since = log.after(0).sequence
    log.add(change())
    first = log.after(since).sequence
    for _ in range(REMEMBERED - 1):
        log.add(change())
    assert len(log.after(since).changes) == REMEMBERED
    log.add(change())
    assert log.after(since).reset
    assert len(log.after(first).changes) == REMEMBERED


def test_a_later_processs_numbers_are_larger(log):
    for _ in range(100):
        log.add(change())
    before = log.after(0).sequence
    time.sleep(0.001)  # a process takes a thousand times as long to start
    later = ChangeLog()
    assert later.after(0).sequence > before
    assert later.after(before).reset
    assert later.after(0).sequence < 2**53  # a number in JavaScript too


def test_listeners_hear_of_each_until_they_leave(log):
    heard = []
    leave = log.listen(lambda: heard.append(log.after(0).sequence))
    log.add(change())
    log.add(change())
    leave()
    leave()
    log.add(change())
    assert len(set(heard)) == 2


def test_one_that_fails_harms_no_other(log, caplog):
    heard = []

    def broken() -> None:
        raise ValueError

    log.listen(broken)
    log.listen(lambda: heard.append(1))
    log.add(change())
    assert heard == [1]
    assert "A listener for changes failed" in caplog.text


# -- the engine ----------------------------------------------------------------------------------


def test_without_a_wait_it_never_blocks(engine):
    since = engine.changes().sequence
    took = []
    for _ in range(100):
        started = time.monotonic()
        engine.changes(since)
        took.append(time.monotonic() - started)
    assert min(took) < 0.1  # of a second that a look takes which waits


def test_whoever_waits_wakes_at_once(engine):
    since = engine.changes().sequence
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(engine.changes, since, 2 * PATIENCE) for _ in range(8)]
        engine.begin(LoginRequest("idp"))
        news = [each.result(PATIENCE) for each in waiting]
    assert all(each.changes[0].login.status == "pending" for each in news)


def test_a_wait_ends_with_nothing_new(engine):
    since = engine.changes().sequence
    assert engine.changes(since, 0.05).changes == ()


def test_a_wait_from_an_unknown_past_ends_at_once(engine):
    assert engine.changes(1, 60).reset


def test_another_process_is_seen_while_one_waits(engines, files, rogue):
    mine, other = engines(files, idp=rogue), engines(files, idp=rogue)
    since = mine.changes().sequence
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mine.changes, since, 2 * PATIENCE)
        sign_in(other, rogue)
        news = waiting.result(PATIENCE)
    assert kinds(news) == [("account", "default")]


def test_what_other_processes_did_is_told_once_each(engines, files, rogue):
    mine, other = engines(files, idp=rogue), engines(files, idp=rogue)

    def told(do) -> list[tuple[str, str]]:
        since = mine.changes().sequence
        do()
        for _ in range(3):
            mine.poll()
        return kinds(mine.changes(since))

    assert told(lambda: sign_in(other, rogue)) == [("account", "default")]
    assert told(lambda: sign_in(other, rogue, key="work")) == [("account", "work")]
    assert told(lambda: other.token("idp", need=Need(rejected=digest_of(other)))) == [
        ("account", "default")
    ]
    assert told(lambda: other.logout("idp")) == [("removed", "default")]
    assert told(lambda: None) == []


def test_what_was_done_here_is_not_told_twice(engines, files, rogue):
    mine = engines(files, idp=rogue)
    sign_in(mine, rogue)
    mine.token("idp", need=Need(rejected=digest_of(mine)))
    mine.logout("idp")
    since = mine.changes().sequence
    mine.poll()
    assert mine.changes(since).changes == ()


def test_an_account_there_before_is_no_news(engines, files, rogue):
    sign_in(engines(files, idp=rogue), rogue)
    new = engines(files, idp=rogue)
    since = new.changes().sequence
    new.poll()
    assert new.changes(since).changes == ()


def test_an_account_saved_while_others_look_is_never_told_as_gone(engines, files, rogue):
    """A poll that saw the store before a save, and the memory after it, must not mistake that."""
    engine = engines(files, idp=rogue)
    account = sign_in(engine, rogue)
    since = engine.changes().sequence
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            engine.poll()

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        for number in range(40):
            expire_here(files, account)
            engine._tokens.keep(_named(account, str(number)))
        stop.set()
        for each in looking:
            each.result(PATIENCE)
    told = kinds(engine.changes(since))
    assert ("account", "39") in told
    assert "removed" not in {kind for kind, _ in told}
    assert files.load(AccountKey("idp", "39"))


def _named(account, key: str):
    import dataclasses

    return dataclasses.replace(account, session_key=key)
