"""What the store will not take is not lost, is said, and is saved once it can be (SECURITY 14)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from core.sign_in import account_of, sign_in
from core.tokens.store_files import file_of, full_disk
from jupyter_auth.core.errors import LoginRequired, StoreError
from jupyter_auth.core.tokens.account_tokens import SAVE_PAUSE
from providers import troubles

if TYPE_CHECKING:
    from jupyter_auth.core.tokens.store import FileStore


@pytest.fixture
def engine(engines, files, rogue):
    return engines(files, idp=rogue)


@pytest.fixture
def rotated(engine, rogue, files, clock):
    """Signed in, then refreshed while the disk was full: the token that is held in memory."""
    before = sign_in(engine, rogue)
    clock.advance(3600)
    with full_disk():
        token = engine.token("idp")
    assert token.digest != before.access_token.digest
    assert files.load(before.key) == before
    return token


def warning(engine) -> str:
    (info,) = engine.accounts()
    return info.warning


def test_a_fresh_token_is_saved_before_it_is_used(engine, rogue, files, clock):
    account = sign_in(engine, rogue)
    clock.advance(3600)
    rests = []
    engine.listen(lambda: rests.append(files.load(account.key).access_token.digest))
    token = engine.token("idp")
    assert rests == [token.digest]
    assert files.load(account.key).access_token.digest == token.digest


def test_on_a_full_disk_it_is_used_from_memory_and_that_is_said(engine, rogue, rotated):
    with full_disk():
        assert engine.token("idp").digest == rotated.digest
    assert rogue.active(rotated.access_token.reveal())
    assert "could not be saved" in warning(engine)
    assert rogue.refreshes == 1


def test_and_refreshed_again_from_memory(engine, rogue, rotated, clock):
    clock.advance(3600)
    with full_disk():
        again = engine.token("idp")
        assert again.digest != rotated.digest
        assert rogue.active(again.access_token.reveal())
    assert rogue.reuses == 0


def test_it_is_saved_when_there_is_space_again(engine, rogue, files, rotated, clock):
    since = engine.changes().sequence
    clock.advance(SAVE_PAUSE)
    assert engine.token("idp").digest == rotated.digest
    assert files.load(account_of(engine).key).access_token.digest == rotated.digest
    assert warning(engine) == ""
    assert [change.kind for change in engine.changes(since).changes] == ["account"]
    assert rogue.refreshes == 1


def test_while_there_is_none_the_disk_is_left_in_peace(engine, rotated, clock):
    clock.advance(SAVE_PAUSE)
    with full_disk():
        engine.token("idp")
    for _ in range(3):
        assert engine.token("idp").digest == rotated.digest
    assert "could not be saved" in warning(engine)


@pytest.mark.usefixtures("rotated")
def test_what_another_process_saved_counts_more(engine, engines, files, rogue):
    other = engines(files, idp=rogue)
    newer = sign_in(other, rogue)
    assert engine.token("idp").digest == newer.access_token.digest
    assert warning(engine) == ""


@pytest.mark.usefixtures("rotated")
def test_a_sign_out_elsewhere_ends_what_is_held(engine, engines, files, rogue):
    assert engines(files, idp=rogue).logout("idp").removed
    with pytest.raises(LoginRequired):
        engine.token("idp")


@pytest.mark.usefixtures("rotated")
def test_a_sign_out_here_ends_it_too_and_revokes_what_is_held(engine, rogue, files):
    held = account_of(engine)
    assert engine.logout("idp").revoked
    assert rogue.revoked == [held.refresh_token.reveal(), held.access_token.reveal()]
    assert files.accounts() == []
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        engine.token("idp")


def test_one_that_cannot_delete_revokes_what_is_held(engine, rogue, files, rotated):
    with in_the_way(files):
        assert engine.logout("idp").revoked
        assert rogue.revoked[1:] == [rotated.access_token.reveal()]
        with pytest.raises(LoginRequired):
            engine.token("idp")


@pytest.mark.usefixtures("rotated")
def test_its_end_at_the_provider_ends_what_is_held(engine, rogue, clock):
    clock.advance(3600)
    rogue.script("refresh", troubles.error("invalid_grant"), times=1)
    with full_disk():
        for _ in range(2):
            with pytest.raises(LoginRequired):
                engine.token("idp")
    (info,) = engine.accounts()
    assert "invalid_grant" in info.trouble
    assert info.over(clock())


def test_a_login_on_a_full_disk_replaces_the_account_there_was(engine, rogue):
    before = sign_in(engine, rogue)
    with full_disk():
        after = sign_in(engine, rogue, force=True)
        assert engine.token("idp").digest == after.access_token.digest
    assert before.access_token != after.access_token
    assert "could not be saved" in warning(engine)


def test_so_does_one_where_the_lock_cannot_be_had(engine, rogue, files):
    before = sign_in(engine, rogue)
    with in_the_way(files):
        after = sign_in(engine, rogue, force=True)
        assert engine.token("idp").digest == after.access_token.digest
        assert files.load(before.key) == before
        assert "could not be saved" in warning(engine)


@contextlib.contextmanager
def in_the_way(files: FileStore):
    """Until the end no lock can be had: there is a file in the place of their directory."""
    locks, aside = files.directory / "locks", files.directory / "aside"
    locks.rename(aside)
    locks.write_text("")
    try:
        yield
    finally:
        locks.unlink()
        aside.rename(locks)


def test_what_cannot_be_deleted_is_revoked_and_said(engine, rogue, files, clock):
    account = sign_in(engine, rogue)
    with in_the_way(files):
        gone = engine.logout("idp")
        assert (gone.removed, gone.revoked) == (True, True)
        assert "It is still stored, and other programs may use it." in gone.note
        assert "locks is not a directory" in gone.note
        assert rogue.revoked == [account.refresh_token.reveal(), account.access_token.reveal()]
        assert engine.accounts() == []
        assert engine.account(account.key) is None
        with pytest.raises(LoginRequired):
            engine.token("idp")
        assert files.load(account.key) == account
    clock.advance(SAVE_PAUSE)
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert files.accounts() == []  # deleted, once it could be


def test_another_sign_in_counts_more_than_such_a_sign_out(engine, engines, rogue, files):
    sign_in(engine, rogue)
    with in_the_way(files):
        engine.logout("idp")
    newer = sign_in(engines(files, idp=rogue), rogue)
    assert [each.key for each in engine.accounts()] == [newer.key]
    assert engine.token("idp").digest == newer.access_token.digest


def test_a_store_that_cannot_be_changed_still_gives_what_is_valid(engine, rogue, files, clock):
    account = sign_in(engine, rogue)
    with in_the_way(files):
        assert engine.token("idp").digest == account.access_token.digest
        clock.advance(3600)
        with pytest.raises(StoreError):
            engine.token("idp")
    assert rogue.seen("refresh") == []  # a token that could not be locked was not spent
    assert engine.token("idp")


def test_a_corrupt_account_is_signed_out_and_can_sign_in(engine, rogue, files):
    sign_in(engine, rogue)
    file_of(files).write_bytes(b"{")
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert sign_in(engine, rogue)


def test_another_versions_account_is_said_and_can_be_signed_out(engine, rogue, files):
    sign_in(engine, rogue)
    path = file_of(files)
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(StoreError, match="Upgrade"):
        engine.token("idp")
    engine.logout("idp")
    assert not path.exists()
