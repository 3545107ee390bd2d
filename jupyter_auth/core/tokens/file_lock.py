"""A lock that one process holds at a time, whatever the file system offers."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL = 0.01  # seconds
LEASE = 10.0  # seconds until another machine takes the lock of a process that was killed
# Of flock(2) on Lustre, and on NFS and FUSE without a lock service.
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


@contextlib.contextmanager
def file_lock(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock at ``path``, after waiting for ``seconds`` at most.

    Where the file system has no locks it is a second file, which exists while the lock is held: its
    owner renews it, so that other machines notice if the owner is gone.

    Raises:
        TimeoutError: another process holds it.
        OSError: it cannot be made.
    """
    from filelock import FileLock  # not needed to read

    lock = FileLock(path, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire(timeout=seconds, poll_interval=POLL)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        from filelock import SoftFileLease

        lock = SoftFileLease(path.with_suffix(".held"), mode=0o600, lease_duration=LEASE)
        lock.acquire(timeout=seconds, poll_interval=POLL)
    try:
        yield
    finally:
        lock.release()


def why_no_locks(file: Path) -> str:
    """Why ``file`` cannot be locked; "" if it can."""
    if os.name == "nt":
        return ""
    import fcntl

    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return ""
        except OSError as error:
            return error.strerror or "it has none"
    return ""
