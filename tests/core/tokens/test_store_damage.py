"""A store's files are whole or not there, whatever happens to them (SECURITY 14)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tokens.store_files import ACCOUNT, KEY, file_of, full_disk, put
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.models import Account
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from jupyter_auth.core.tokens.store import FileStore

HERE = Path(__file__).parent

# -- whole or not at all -------------------------------------------------------------------------


def test_it_is_synced_before_it_is_renamed_and_the_directory_after(files, monkeypatch):
    put(files)
    steps = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor):
        is_directory = os.path.isdir(f"/proc/self/fd/{descriptor}")  # noqa: PTH112 (a link)
        steps.append("directory" if is_directory else "file")
        return fsync(descriptor)

    def renamed(path, target):
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    put(files)
    assert steps == ["file", "rename", "directory"]


def test_on_a_full_disk_the_old_one_stays(files):
    put(files)
    with full_disk(), pytest.raises(StoreError, match="cannot be saved") as caught:
        put(files, dataclasses.replace(ACCOUNT, access_token=Secret("new")))
    assert "planted" not in str(caught.value)
    assert files.load(KEY) == ACCOUNT
    assert [p.name for p in file_of(files).parent.iterdir()] == [file_of(files).name]


def test_killed_at_any_moment_it_is_whole(files):
    for _ in range(4):
        saver = subprocess.Popen(
            [sys.executable, HERE / "endless_saves.py", files.directory],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert saver.stdout
        for _line in zip(range(5), saver.stdout, strict=False):
            pass
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
        found = files.load(KEY)
        assert found is not None
        assert int(found.access_token.reveal()) >= 4
    put(files)
    assert files.load(KEY) == ACCOUNT
    accounts = files.directory / "accounts"
    assert [path.name for path in accounts.iterdir()] == [file_of(files).name]


def test_what_a_killed_save_left_is_gone_after_a_sign_out(files):
    put(files)
    left = file_of(files).parent / f".{file_of(files).stem}-killed"
    left.write_bytes(file_of(files).read_bytes())
    others = file_of(files).parent / ".idp.another-under-way"
    others.write_text("")
    with files.locked(KEY) as slot:
        slot.delete()
    assert list(others.parent.iterdir()) == [others]


# -- what cannot be read -------------------------------------------------------------------------

CORRUPT = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"version": 1}',
    b"\x00" * 100,
    b"\xff\xfe",
    b"[" * 100_000,
]
CHANGES = [
    {"access_token": None},
    {"access_token": ""},
    {"access_token": 5},
    {"refresh_token": ["x"]},
    {"provider": None},
    {"session_key": None},
    {"fingerprint": 5},
    {"scopes": "openid"},
    {"scopes": [5]},
    {"issued_at": "soon"},
    {"issued_at": None},
    {"expires_at": "soon"},
    {"username": {}},
    {"unknown": 1},
    {"version": "banana"},
    {"version": None},
]


def corrupted(files: FileStore, content: bytes | dict) -> Path:
    put(files)
    path = file_of(files)
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_bytes()) | content).encode()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", CORRUPT + CHANGES, ids=lambda content: str(content)[:30])
def test_a_corrupt_file_is_nobody_and_is_set_aside(files, content, caplog):
    path = corrupted(files, content)
    damaged = path.read_bytes()
    assert files.load(KEY) is None
    assert files.accounts() == []
    assert path.exists()  # without the lock somebody may just be replacing it
    with files.locked(KEY) as slot:
        assert slot.load() is None
    (aside,) = path.parent.iterdir()
    assert ".corrupt-" in aside.name
    assert aside.read_bytes() == damaged
    assert str(aside) in caplog.text
    put(files)
    assert files.load(KEY) == ACCOUNT


@given(data=st.data())
def test_no_damage_is_more_than_a_sign_out(files, data):
    put(files)
    whole = bytearray(file_of(files).read_bytes())
    end = data.draw(st.integers(0, len(whole)))
    damage = data.draw(st.dictionaries(st.integers(0, len(whole) - 1), st.integers(0, 255)))
    for at, byte in damage.items():
        whole[at] = byte
    file_of(files).write_bytes(whole[: data.draw(st.sampled_from([end, len(whole)]))])
    with contextlib.suppress(StoreError):  # the version may have been hit
        assert isinstance(files.load(KEY), Account | None)


@pytest.mark.parametrize("version", [2, 0, -1])
def test_another_versions_file_is_left_alone(files, version):
    path = corrupted(files, {"version": version})
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another version"):
        files.load(KEY)
    with files.locked(KEY) as slot, pytest.raises(StoreError):
        slot.load()
    assert files.accounts() == []
    assert path.read_bytes() == before
    put(files)  # who signs in again has meant it
    assert files.load(KEY) == ACCOUNT


@pytest.mark.parametrize("content", [b"planted", {"version": "planted"}, {"planted": 1}], ids=str)
def test_no_log_shows_what_was_in_the_file(files, content, caplog):
    corrupted(files, content)
    with files.locked(KEY) as slot:
        slot.load()
    assert caplog.text
    assert "planted" not in caplog.text
