"""A store's files, and what can be done to them."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.models import Account
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.tokens.store import FileStore

HERE = Path(__file__).parent
ACCOUNT = Account(
    provider="idp",
    session_key="default",
    fingerprint="f",
    access_token=Secret("planted-access-token"),
    refresh_token=Secret("planted-refresh-token"),
    id_token=Secret("planted-id-token"),
    scopes=("openid", "email"),
    issued_at=1.5,
    expires_at=3601.5,
    issuer="https://idp.example.com",
    subject="u-1",
    username="rosa",
    signed_in_at=1.5,
)
KEY = ACCOUNT.key


def put(store, account: Account = ACCOUNT) -> None:
    with store.locked(account.key) as slot:
        slot.save(account)


def named(key: str) -> Account:
    return dataclasses.replace(ACCOUNT, session_key=key)


def file_of(store: FileStore) -> Path:
    (path,) = (store.directory / "accounts").glob("*.json")
    return path


def modes(directory: Path) -> dict[str, str]:
    return {p.name: f"{p.lstat().st_mode & 0o777:o}" for p in [directory, *directory.rglob("*")]}


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Until the end no file of this process can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def processes(oidc, files, count: int, rejected: str = "") -> list[str]:
    """What that many processes get that ask at the same moment."""
    asker = [sys.executable, HERE / "many_processes.py", str(count)]
    told = [files.directory, oidc.issuer, oidc.client_id, rejected]
    ran = subprocess.run([*asker, *told], capture_output=True, text=True, timeout=100, check=True)
    return ran.stdout.splitlines()
