"""File systems without locks, modes, sync or room: what works, and what is said (SECURITY 14)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.sign_in import account_of, sign_in
from core.tokens.store_files import ACCOUNT, KEY, file_of, processes, put
from jupyter_auth.core.common import private_files
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.doctor.storage_checks import store_directory
from jupyter_auth.core.errors import LoginRequired, StoreError
from jupyter_auth.core.tokens import store as store_module
from jupyter_auth.core.tokens.store import FileStore

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


def said(store: FileStore) -> list[tuple[str, str]]:
    return [(each.state, each.says) for each in store_directory(store)]


# -- no locks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ABSENT, ids=errno.errorcode.get)
def test_without_flock_one_lock_for_one_account(files, number, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 0.05)
    put(files)
    outcome = []

    def lock() -> None:
        try:
            with files.locked(KEY):
                outcome.append("had")
        except ProviderUnavailable:
            outcome.append("busy")

    with files.locked(KEY):
        thread = threading.Thread(target=lock)
        thread.start()
        thread.join()
    lock()
    assert outcome == ["busy", "had"]
    assert files.load(KEY) == ACCOUNT
    assert list(files.directory.glob("locks/*.held")) == []
    assert any("cannot be locked" in says for _, says in said(files))


def test_with_flock_nothing_is_said_of_it(files):
    put(files)
    assert [state for state, _ in said(files)] == ["ok"]
    with files.locked(KEY):
        assert [state for state, _ in said(files)] == ["ok"]


@pytest.mark.parametrize("number", ABSENT, ids=errno.errorcode.get)
def test_without_flock_16_processes_one_refresh(engines, files, oidc, number, monkeypatch):
    engine = engines(files, time.time, idp=oidc)
    old = sign_in(engine, oidc)
    monkeypatch.setenv("NO_FLOCK", str(number))
    got = processes(oidc, files, 16, old.access_token.digest)
    refreshed = {each for each in got if old.access_token.digest not in each}
    assert len(refreshed) == 1, got
    assert refreshed.pop().startswith("token ")
    assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)


@pytest.fixture
def killed(files, monkeypatch) -> Path:
    """The marker of a process that was killed while it held the lock."""
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    put(files)
    code = f"""
import errno, fcntl, os, pathlib
def flock(*_): raise OSError(errno.ENOLCK, "")
fcntl.flock = flock
from jupyter_auth.core.common.private_files import file_lock
with file_lock(pathlib.Path({str(files.directory / "locks" / f"{file_of(files).stem}.lock")!r}), 5):
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (marker,) = files.directory.glob("locks/*.held")
    return marker


def test_a_killed_process_keeps_no_lock_on_this_machine(files, killed, monkeypatch):
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 5.0)
    put(files)
    assert not killed.exists()


def test_nor_on_another_once_its_marker_is_not_renewed(files, killed, monkeypatch):
    lease = 0.2
    text = re.sub("(?m)^host=.*$", "host=node-17", killed.read_text())
    killed.write_text(re.sub("(?m)^duration=.*$", f"duration={lease}", text))
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr(private_files, "LEASE", lease)
    with pytest.raises(ProviderUnavailable):
        put(files)
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 30.0)
    put(files)
    assert not killed.exists()


# -- no sync ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.EACCES, errno.ENOSYS], ids=errno.errorcode.get
)
def test_what_cannot_be_synced_is_saved_and_said(files, number, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(number))
    put(files)
    assert files.load(KEY) == ACCOUNT
    assert ("note", True) in [(state, "cannot be synced" in says) for state, says in said(files)]
    with files.locked(KEY) as slot:
        assert slot.delete()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_what_is_lost_in_a_sync_was_not_saved(files, number, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(StoreError, match=os.strerror(number)):
        put(files)


# -- no modes --------------------------------------------------------------------------------------


@pytest.fixture
def without_modes(files, monkeypatch) -> FileStore:
    """All is 0777, and chmod changes nothing: as on drvfs, SMB and many FUSE file systems."""
    put(files)
    for each in [files.directory, *files.directory.rglob("*")]:
        each.chmod(0o777)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    monkeypatch.setattr(os, "fchmod", failing(errno.EPERM))
    return files


def test_without_modes_nothing_is_stored_and_the_way_out_is_named(without_modes):
    with pytest.raises(StoreError, match="JUPYTER_ALLOW_INSECURE_WRITES=true"):
        put(without_modes)
    with pytest.raises(StoreError, match="JUPYTER_ALLOW_INSECURE_WRITES=true"):
        without_modes.load(KEY)
    assert "wrong" in {state for state, _ in said(without_modes)}


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_unless_jupyter_itself_may_write_so(without_modes, value, monkeypatch):
    monkeypatch.setenv("JUPYTER_ALLOW_INSECURE_WRITES", value)
    assert without_modes.load(KEY) == ACCOUNT
    put(without_modes)
    found = said(without_modes)
    assert {state for state, _ in found} == {"note"}
    assert "JUPYTER_ALLOW_INSECURE_WRITES allows that" in found[0][1]


def test_where_modes_work_files_are_tightened_all_the_same(files, monkeypatch):
    monkeypatch.setenv("JUPYTER_ALLOW_INSECURE_WRITES", "true")
    put(files)
    for each in (files.directory, file_of(files)):
        each.chmod(0o777)
    put(files)
    assert files.load(KEY) == ACCOUNT
    assert files.directory.stat().st_mode & 0o77 == file_of(files).stat().st_mode & 0o77 == 0


def test_and_another_users_are_refused(files, monkeypatch):
    monkeypatch.setenv("JUPYTER_ALLOW_INSECURE_WRITES", "true")
    put(files)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(StoreError, match="it belongs to another user"):
        put(files)


# -- no room, and nothing that can be written ------------------------------------------------------


@pytest.fixture
def mounted(tmp_path) -> Iterator[Path]:
    """A file system of its own, which root can mount again otherwise."""
    place = tmp_path / "mounted"
    place.mkdir()
    if os.geteuid() != 0 or mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", place):
        pytest.skip("only root can mount one")
    yield place
    subprocess.run(["umount", place], check=True)


def mount(*how: str | Path) -> int:
    return subprocess.run(["mount", *how], check=False, capture_output=True).returncode


def test_in_a_read_only_home_a_sign_in_is_held_in_memory(engines, mounted, rogue, clock):
    mount("-o", "remount,ro", mounted)
    store = FileStore(mounted / "share" / "jupyter_auth")
    engine = engines(store, idp=rogue)
    sign_in(engine, rogue)
    clock.advance(3600)
    assert engine.token("idp")
    (info,) = engine.accounts()
    assert "could not be saved" in info.warning
    ((state, says),) = said(store)
    assert (state, says) == (
        "wrong", f"{mounted} cannot be written to, so sign-ins end with this process."
    )  # fmt: skip
    assert engine.logout("idp").revoked
    assert engine.accounts() == []


def test_what_became_read_only_is_revoked_by_a_sign_out(engines, mounted, rogue):
    store = FileStore(mounted / "store")
    engine = engines(store, idp=rogue)
    account = sign_in(engine, rogue)
    mount("-o", "remount,ro", mounted)
    gone = engine.logout("idp")
    assert gone.revoked
    assert "Read-only file system" in gone.note
    assert rogue.revoked == [account.refresh_token.reveal(), account.access_token.reveal()]
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert "cannot be written to" in said(store)[0][1]
    again = sign_in(engine, rogue)
    assert (
        engine.token("idp").digest
        == again.access_token.digest
        == account_of(engine).access_token.digest
    )


def test_on_a_full_file_system_a_refresh_is_held_until_there_is_room(
    engines, mounted, rogue, clock
):
    store = FileStore(mounted / "store")
    engine = engines(store, idp=rogue)
    sign_in(engine, rogue)
    clock.advance(3600)
    ballast = mounted / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as opened:
        while opened.write(b"x" * 4096):
            pass
    token = engine.token("idp")
    assert store.load(KEY).access_token.digest != token.digest
    ballast.unlink()
    clock.advance(3600)
    assert engine.token("idp").digest == store.load(KEY).access_token.digest
    assert (rogue.refreshes, rogue.reuses) == (2, 0)
