"""A login ends with a sentence whatever is raised while it is completed: nobody waits for it."""

from __future__ import annotations

import contextlib
import copy
import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from core.login.device_login import begun
from core.sign_in import REDIRECT_URI, USER, arrive, provider_at
from jupyter_auth.core.errors import AuthError, LoginFailed
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login.logins import LIFETIME, STORING
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import identity, oauth
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "rt-of-an-exception's-message"
RAISED = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    RecursionError("maximum recursion depth exceeded"),
    KeyError(SECRET),
    MemoryError(),
]
kinds = pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)


class BrokenStore(MemoryStore):
    """Can be read, and raises ``raised`` where something is saved."""

    raised: Exception | None = None

    @contextlib.contextmanager
    def locked(self, key) -> Iterator:
        if self.raised:
            raise copy.copy(self.raised)
        with super().locked(key) as slot:
            yield slot


@pytest.fixture
def broken(engines, rogue):
    engine = engines(BrokenStore(), idp=rogue)
    engine.configure(provider_at(rogue, "school", grants=["password"]))
    engine.since = engine.changes().sequence
    return engine


def said_of(engine, login) -> str:
    """What it ended with. Whoever waits is told."""
    now = engine.login(login.id)
    assert now.status == "failed"
    assert now.error["code"] == "login_failed"
    told = [each.login for each in engine.changes(engine.since).changes]
    assert (told[-1].id, told[-1].status) == (login.id, "failed")
    return now.error["message"]


@kinds
def test_by_a_store(broken, rogue, raised, caplog):
    login = broken.begin(LoginRequest("idp"))
    back = arrive(broken, login, rogue)
    broken._store.raised = raised
    assert back.finish(broken).status == "failed"
    assert type(raised).__name__ in said_of(broken, login)
    assert "test_unforeseen.py" in caplog.text  # where it was raised
    assert SECRET not in caplog.text


@kinds
def test_by_what_judges_the_answer(broken, rogue, raised, monkeypatch, caplog):
    login = broken.begin(LoginRequest("idp"))
    back = arrive(broken, login, rogue)
    monkeypatch.setattr(identity, "verified_claims", failing(raised))
    assert back.finish(broken).status == "failed"
    assert type(raised).__name__ in said_of(broken, login)
    assert SECRET not in caplog.text


def test_by_a_device_s_poll(broken, rogue, clock, caplog):
    waiting = begun(broken, clock)
    rogue.devices.approve(waiting.login.user_code)
    broken._store.raised = RAISED[0]
    assert waiting.poll().status == "failed"
    assert "OSError" in said_of(broken, waiting.login)
    assert broken.due() == []
    assert "could not be completed" in caplog.text


def test_by_a_password(broken, rogue, caplog):
    login = broken.begin(LoginRequest("school"))
    host = broken.typed.host(login.id)
    with pytest.raises(LoginFailed):  # the person may try again
        broken.typed.password(login.id, "rosa", Secret("wrong"), host=host)
    assert broken.login(login.id).status == "pending"
    broken._store.raised = RAISED[1]
    done = broken.typed.password(login.id, "rosa", Secret(rogue.password), host=host)
    assert done.status == "failed"
    assert "RecursionError" in said_of(broken, login)
    assert "could not be completed" in caplog.text


@pytest.mark.parametrize("where", ["exchange", "authorization_url"])
def test_by_a_request(broken, rogue, where, monkeypatch, caplog):
    login = broken.begin(LoginRequest("idp"))
    if where == "exchange":
        back = arrive(broken, login, rogue)
        monkeypatch.setattr(oauth, where, failing(RAISED[2]))
        assert back.finish(broken).status == "failed"
    else:
        monkeypatch.setattr(oauth, where, failing(RAISED[2]))
        with pytest.raises(LoginFailed, match="unexpected error"):
            broken.open(login.id, REDIRECT_URI, USER)
    assert SECRET not in said_of(broken, login) + caplog.text


def test_by_a_confirmed_account(broken, rogue, caplog):
    login = broken.begin(LoginRequest("idp"))
    held = arrive(broken, login, rogue).finish(broken, confirm_by="")
    assert held.status == "pending"
    proof = "proof"
    broken._logins.hold(login.id, broken._logins.held()[0], None)
    broken._store.raised = RAISED[0]
    assert broken.confirm(login.id, proof).status == "failed"
    assert "OSError" in said_of(broken, login)
    assert "could not be completed" in caplog.text


def test_a_full_disk_only_means_that_the_account_is_not_saved(engines, rogue, tmp_path):
    """A real one: no file can be written there."""
    directory = tmp_path / "store"
    engine = engines(FileStore(directory), idp=rogue)
    login = engine.begin(LoginRequest("idp"))
    back = arrive(engine, login, rogue)
    (tmp_path / "elsewhere").touch()
    directory.exists() and directory.rename(tmp_path / "moved")
    directory.symlink_to(tmp_path / "elsewhere")
    assert back.finish(engine).status == "complete"
    assert engine.accounts()[0].warning


def test_a_waiting_script_is_told(rogue, caplog):
    store = BrokenStore()
    table = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    with contextlib.closing(LocalAccounts(Providers({"idp": table}), store)) as accounts:
        login = accounts.begin(LoginRequest("idp"))
        ended = rogue.authorize(accounts.local.authorization_url(login.id))
        store.raised = RAISED[0]
        since = accounts.changes().sequence
        told = []
        wait = threading.Thread(target=lambda: told.append(accounts.changes(since, PATIENCE)))
        wait.start()
        accounts.local.paste(login.id, ended)
        wait.join(PATIENCE)
        assert [each.login.status for each in told[0].changes] == ["failed"]
    assert "could not be completed" in caplog.text


def test_whoever_was_storing_and_is_gone_is_not_waited_for(engine, rogue, clock):
    """A replica that was killed there; while it may be at it, nobody ends the login."""
    login = engine.begin(LoginRequest("idp"))
    held = arrive(engine, login, rogue).finish(engine, confirm_by="").id
    assert engine._logins.claim(held, engine._logins.held()[0])
    clock.advance(LIFETIME + STORING - 1)
    assert engine.login(login.id).status == "pending"
    assert engine.cancel(login.id).status == "pending"
    clock.advance(1)
    assert engine.login(login.id).status == "expired"


def test_what_was_foreseen_is_not_logged(broken, rogue, caplog):
    back = arrive(broken, broken.begin(LoginRequest("idp")), rogue)
    broken._store.raised = AuthError("The store is closed.")
    assert back.finish(broken).error["message"] == "The store is closed."
    assert not caplog.records


def failing(raised: Exception):
    def fail(*_: object, **__: object) -> None:
        raise copy.copy(raised)

    return fail
