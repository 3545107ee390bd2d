"""Where tokens rest: apart, and for their owner alone (SECURITY 14)."""

from __future__ import annotations

import dataclasses
import itertools
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tokens.store_files import ACCOUNT, KEY, file_of, modes, named, put
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ProviderNotFound, StoreError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens import store as store_module
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

# -- any store -----------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "files"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "store")


def test_an_empty_store_has_nobody(store):
    assert store.load(KEY) is None
    assert store.accounts() == []
    assert store.stamp() == {}
    with store.locked(KEY) as slot:
        assert slot.load() is None
        assert slot.delete() is False


def test_what_is_saved_is_loaded(store):
    put(store)
    assert store.load(KEY) == ACCOUNT
    assert store.accounts() == [ACCOUNT]
    with store.locked(KEY) as slot:
        assert slot.load() == ACCOUNT


def test_what_is_deleted_is_gone(store):
    put(store)
    with store.locked(KEY) as slot:
        assert slot.delete() is True
    assert store.load(KEY) is None
    assert store.accounts() == []


def test_accounts_are_apart(store):
    put(store)
    put(store, named("work"))
    put(store, dataclasses.replace(ACCOUNT, provider="other"))
    with store.locked(AccountKey("idp", "work")) as slot:
        slot.delete()
    assert [account.key for account in store.accounts()] == [KEY, AccountKey("other")]


def test_a_stamp_differs_after_each_change(store):
    stamps = [store.stamp()]
    for number in range(5):
        put(store, dataclasses.replace(ACCOUNT, access_token=Secret(str(number))))
        stamps.append(store.stamp())
    with store.locked(KEY) as slot:
        slot.delete()
    stamps.append(store.stamp())
    assert all(before != after for before, after in itertools.pairwise(stamps))
    assert store.stamp() == stamps[-1]


@pytest.mark.parametrize(
    "key",
    [
        *("", ".", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "CON", "default.json", "*"),
        *("x" * 10_240, "\N{GRINNING FACE}", "\ud800", "a\x00b", "a\nb"),
    ],
    ids=lambda key: repr(key[:12]),
)
def test_no_session_key_is_too_strange(store, key):
    put(store)
    put(store, named(key))
    assert store.load(AccountKey("idp", key)) == named(key)
    assert store.load(KEY) == ACCOUNT
    assert len(store.accounts()) == 2


@given(st.text())
def test_no_session_key_leaves_its_directory(tmp_path_factory, key):
    store = FileStore(tmp_path_factory.getbasetemp() / "any-key")
    path = store._path(AccountKey("idp", key))
    assert path.parent == store.directory / "accounts"
    assert len(path.name) < 120


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".", "..", "a\x00", "A", "x" * 300])
def test_nor_does_a_providers_name(files, tmp_path, name):
    key = AccountKey(name)
    with pytest.raises(ProviderNotFound):
        files.load(key)
    with pytest.raises(ProviderNotFound), files.locked(key):
        pytest.fail("it was locked")
    assert list(tmp_path.iterdir()) == []


def test_one_lock_for_one_account(store, monkeypatch):
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT", 0.05)
    outcome = []

    def lock(key: AccountKey) -> None:
        try:
            with store.locked(key):
                outcome.append("had")
        except ProviderUnavailable:
            outcome.append("busy")

    with store.locked(KEY):
        for key in (KEY, AccountKey("idp", "work")):
            thread = threading.Thread(target=lock, args=(key,))
            thread.start()
            thread.join()
    lock(KEY)
    assert outcome == ["busy", "had", "had"]


def test_a_lock_is_released_whatever_happens(store):
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), store.locked(KEY):
            raise error
    put(store)


# -- who can read it -----------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_all_is_born_for_its_owner_alone(files, umask, monkeypatch):
    """Born so: at no moment before the rename is there a file that others could open."""
    seen = {}
    replace = Path.replace

    def watched(path, target):
        seen.update(modes(files.directory))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    monkeypatch.setattr(Path, "chmod", lambda *_: pytest.fail("it was looser before"))
    before = os.umask(umask)
    try:
        put(files)
    finally:
        os.umask(before)
    for found in (seen, modes(files.directory)):
        assert set(found.values()) == {"700", "600"}
        assert {name for name, mode in found.items() if mode == "700"} == {
            "store", "accounts", "locks"
        }  # fmt: skip


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o777])
def test_looser_directories_are_tightened(files, mode):
    put(files)
    for directory in (files.directory, *files.directory.iterdir()):
        directory.chmod(mode)
    put(files)
    assert set(modes(files.directory).values()) == {"700", "600"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_looser_files_are_tightened_when_read(files, mode):
    put(files)
    file_of(files).chmod(mode)
    assert files.load(KEY) == ACCOUNT
    assert file_of(files).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", [".", "accounts", "locks"])
def test_a_link_in_the_place_of_a_directory_is_refused(files, tmp_path, place):
    put(files)
    directory = files.directory / place
    directory.rename(tmp_path / "elsewhere")
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is not a directory that belongs to you alone"):
        put(files)


def test_a_link_in_the_place_of_a_file_is_refused(files, tmp_path):
    put(files)
    path = file_of(files)
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(StoreError, match="is not a file that belongs to you alone"):
        files.load(KEY)
    assert files.accounts() == []


def test_a_save_replaces_a_link_and_does_not_follow_it(files, tmp_path):
    put(files)
    other = tmp_path / "other"
    other.write_text("untouched")
    path = file_of(files)
    path.unlink()
    path.symlink_to(other)
    put(files)
    assert other.read_text() == "untouched"
    assert files.load(KEY) == ACCOUNT


@needs_root
@pytest.mark.parametrize("place", [".", "accounts", "locks"])
def test_somebody_elses_directory_is_refused(files, place):
    put(files)
    os.chown(files.directory / place, 65534, 65534)
    with pytest.raises(StoreError, match="is not a directory that belongs to you alone"):
        put(files)


@needs_root
def test_somebody_elses_file_is_refused(files):
    put(files)
    os.chown(file_of(files), 65534, 65534)
    with pytest.raises(StoreError, match="is not a file that belongs to you alone"):
        files.load(KEY)
    with files.locked(KEY) as slot, pytest.raises(StoreError):
        slot.load()
    assert files.accounts() == []


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_what_is_no_file_is_refused(files, kind):
    put(files)
    path = file_of(files)
    path.unlink()
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(StoreError, match="is not a file that belongs to you alone"):
        files.load(KEY)


@pytest.mark.parametrize("depth", [0, 1])
def test_a_file_in_the_place_of_the_directory_is_said(tmp_path, depth):
    (tmp_path / "store").write_text("mine")
    directory = tmp_path / "store" / ("below" * depth)
    with pytest.raises(StoreError):
        put(FileStore(directory))
    assert FileStore(directory).accounts() == []
    assert (tmp_path / "store").read_text() == "mine"
