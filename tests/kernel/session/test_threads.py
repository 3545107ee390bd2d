"""Threads that ask for a sign-in at once show one button, and share how it ends."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from jupyter_auth.core.errors import LoginDenied, LoginRequired
from jupyter_auth.kernel.prompt import front_end
from jupyter_auth.kernel.session import sign_in as asking
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.kernel_process import Kernel
from kernel.sign_in import person, sign_in
from patience import PATIENCE, eventually
from providers.troubles import deny

EIGHT = 8
BUTTON = "Sign in to The IdP"
IN_A_NOTEBOOK = """
from concurrent.futures import ThreadPoolExecutor
from jupyter_auth import UserSession
with ThreadPoolExecutor(8) as pool:
    sessions = list(pool.map(lambda _: UserSession("idp", timeout=60), range(8)))
print([each.username for each in sessions])
"""


def at_once(**options):
    """Eight threads' sessions, or errors."""
    barrier = threading.Barrier(EIGHT, timeout=PATIENCE)

    def make(_):
        barrier.wait()
        try:
            return UserSession("idp", interactive=True, timeout=PATIENCE, **options)
        except LoginDenied as error:
            return error

    with ThreadPoolExecutor(EIGHT) as pool:
        return list(pool.map(make, range(EIGHT)))


@pytest.mark.usefixtures("kernel_api")
def test_in_a_script(engine, rogue, capfd):
    with person(engine, rogue):
        made = at_once()
    assert [each.get("/api/x").json()["sub"] for each in made] == [rogue.sub] * EIGHT
    shown = capfd.readouterr()
    assert (shown.err.count(BUTTON), shown.out) == (1, "")
    assert len(rogue.seen("authorize")) == 1


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_by_force(engine, rogue, capfd):
    with person(engine, rogue):
        at_once(auth_force=True)
    assert capfd.readouterr().err.count(BUTTON) == 1


@pytest.mark.usefixtures("kernel_api")
def test_a_refusal_is_everyones(engine, rogue, capfd):
    rogue.script("authorize", deny())
    with person(engine, rogue):
        made = at_once()
    assert {type(each) for each in made} == {LoginDenied}
    assert capfd.readouterr().err.count(BUTTON) == 1


def test_in_a_notebook(engine, kernel_api, rogue, tmp_path):
    with Kernel(tmp_path, kernel_api.path) as kernel, person(engine, rogue):
        ran = kernel.ok(IN_A_NOTEBOOK)
    assert str(["rosa"] * EIGHT) in ran.text()
    assert len([each for each in ran.outputs if "data" in each]) == 1


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_sessions_whose_sign_in_ended_ask_once(engine, rogue, capfd):
    made = [UserSession("idp", interactive=True, timeout=PATIENCE) for _ in range(EIGHT)]
    rogue.expire()
    rogue._families.clear()
    with person(engine, rogue), ThreadPoolExecutor(EIGHT) as pool:
        answers = list(pool.map(lambda each: each.get("/api/x").status_code, made))
    assert answers == [200] * EIGHT
    assert capfd.readouterr().err.count(BUTTON) == 1


@pytest.mark.usefixtures("kernel_api")
def test_who_comes_when_it_is_done_asks_nobody(engine, rogue, capfd, monkeypatch):
    """It saw no account, and another thread's sign-in was complete before it could ask."""
    arrived, go = threading.Event(), threading.Event()

    def is_interactive():
        if threading.current_thread().name == "late":
            arrived.set()
            go.wait(PATIENCE)
        return True

    monkeypatch.setattr(front_end, "is_interactive", is_interactive)
    late = threading.Thread(target=UserSession, args=["idp"], name="late")
    late.start()
    assert arrived.wait(PATIENCE)
    with person(engine, rogue):
        UserSession("idp", timeout=PATIENCE)
    go.set()
    late.join(PATIENCE)
    assert not late.is_alive()
    assert capfd.readouterr().err.count(BUTTON) == 1


@pytest.mark.usefixtures("kernel_api")
def test_other_scopes_are_asked_for_apart(engine, rogue, capfd):
    def make(scopes):
        return UserSession("idp", scopes=scopes, interactive=True, timeout=PATIENCE)

    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(make, "openid"), pool.submit(make, "openid profile")]
        assert eventually(lambda: len(engine.logins()) == 2)
        for login in engine.logins():
            sign_in(engine, rogue, login)
        assert all(each.result(PATIENCE).authenticated for each in made)
    assert capfd.readouterr().err.count(BUTTON) == 2


@pytest.mark.usefixtures("kernel_api")
def test_an_interrupt_of_the_one_that_asks_ends_the_other_in_a_sentence(monkeypatch):
    asks, joined = threading.Event(), threading.Event()

    class Observed(Future):
        def result(self, timeout=None):
            joined.set()
            return super().result(timeout)

    def interrupted(*_):
        asks.set()
        joined.wait(PATIENCE)
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "Future", Observed)
    monkeypatch.setattr(asking.SignIn, "_wait", interrupted)
    ends = []

    def make():
        try:
            UserSession("idp", interactive=True, timeout=PATIENCE)
        except (KeyboardInterrupt, LoginRequired) as error:
            ends.append(str(error))

    threads = [threading.Thread(target=make) for _ in range(2)]
    threads[0].start()
    assert asks.wait(PATIENCE)
    threads[1].start()
    for each in threads:
        each.join(PATIENCE)
    assert sorted(ends) == ["", "The sign-in to The IdP was interrupted. Run this again."]
    assert not asking._under_way
