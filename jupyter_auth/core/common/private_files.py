"""Files that are trusted or hold secrets, and who else could have read or written them.

Those that this package writes are private: this user's alone, 0600 in a directory of 0700. Those
that people and administrators write are checked as ``ssh`` checks its own; root is trusted. On
Windows a profile is its user's anyway.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_auth.core.common.codec import DAMAGED, list_from_json, list_to_json
from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.errors import StoreError

T = TypeVar("T")
OTHERS = 0o077  # the permissions of group and others
FOREIGN = "it belongs to another user"
LOOSE = "others have access to it"
MAX_BYTES = 1 << 20
ON_READ_ONLY = (  # where no chmod helps
    "It is on a read-only mount: set the mode where that is made. Kubernetes: `defaultMode: 0400`,"
    " and `fsGroup` where the server is not root. Docker Swarm: `mode: 0400`, with the server's"
    " `uid`. Docker Compose: the file's own mode and owner on the host."
)


INSECURE_VARIABLE = "JUPYTER_ALLOW_INSECURE_WRITES"  # Jupyter's own: jupyter_core.paths
INSECURE = f"If only you can reach that file system, start Jupyter with {INSECURE_VARIABLE}=true."
LOST = {errno.EIO, errno.ENOSPC, errno.EDQUOT}  # other errors of fsync say that there is none


class NotPrivateError(OSError):
    """A file is not this user's alone; ``strerror`` says why."""


def insecure_allowed() -> bool:
    """Whether files may be accessible to others, on file systems without modes (SMB, FUSE)."""
    return os.environ.get(INSECURE_VARIABLE, "").lower() in {"true", "1"}


def refused(found: os.stat_result) -> str:
    """As ``not_private``, but ``LOOSE`` does not count where Jupyter itself may write so."""
    why = not_private(found)
    return "" if why == LOOSE and insecure_allowed() else why


def not_private(found: os.stat_result) -> str:
    """``FOREIGN`` or ``LOOSE``, if what has that status is not this user's alone; else ""."""
    if os.name == "nt":
        return ""
    if found.st_uid != os.geteuid():
        return FOREIGN
    return LOOSE if found.st_mode & OTHERS else ""


def open_private(path: Path, flags: int = os.O_RDONLY, *, tighten: bool = False) -> int:
    """A descriptor of a private file. It follows no link, and waits for no pipe.

    ``tighten``: make a file of this user's private, if others have access to it.

    Raises:
        OSError: it cannot be opened, or is not private (``NotPrivateError``).
    """
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():  # where the system has no O_NOFOLLOW
        raise NotPrivateError(errno.ELOOP, "it is a symbolic link", str(path))
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        is_file = stat.S_ISREG(found.st_mode)
        if tighten and is_file and not_private(found) == LOOSE:
            with contextlib.suppress(OSError):  # some file systems refuse it, others ignore it
                os.fchmod(descriptor, 0o600)
            found = os.fstat(descriptor)
        if why := refused(found) if is_file else "it is not a file":
            raise NotPrivateError(errno.EACCES, why, str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path, *, most: int = -1, tighten: bool = False) -> bytes:
    """The first ``most`` bytes of a private file. Raises as ``open_private``."""
    with os.fdopen(open_private(path, tighten=tighten), "rb") as opened:
        return opened.read(most)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step by one of 0600, durably. On OSError the old one is kept."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            _sync(opened.fileno())
        Path(temporary).replace(path)
        sync(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def sync(directory: Path) -> bool:
    """Make renames in ``directory`` durable; whether its file system can: many of networks cannot.

    Raises:
        OSError: something is lost.
    """
    if os.name == "nt":
        return False
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # a directory that can be written to, but not read
        return False
    try:
        return _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> bool:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in LOST:
            raise
        return False
    return True


def make_private_directory(path: Path, *, tighten: bool = True) -> None:
    """Make a directory of 0700 (SECURITY 14). ``tighten``: make one of this user's so.

    Raises:
        OSError: it cannot be made, is a link, or another user's (``NotPrivateError``).
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if os.name == "nt":
        return
    is_directory = stat.S_ISDIR(found.st_mode)
    if tighten and is_directory and not_private(found) == LOOSE:
        with contextlib.suppress(OSError):  # as above
            path.chmod(0o700)
        found = path.lstat()
    if why := refused(found) if is_directory else "it is not a directory":
        raise NotPrivateError(errno.EACCES, why, str(path))


def read_own(file: Path, *, secret: bool = False) -> str:
    """The text of ``file``, if only this user and root can change it.

    ``secret``: and read it, in a container too, where other users cannot be seen from inside. But a
    group may read a file that is root's, as systemd's and Kubernetes' are.

    Raises:
        OSError, ValueError: it is missing, cannot be read, or is not text.
        ConfigurationError: others have access; the hint ends that.
    """
    with open(file, "rb", opener=_not_waiting) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a file")
        if os.name == "posix":
            _require_own(file, status, secret=secret)
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("it is too long")
    return content.decode("utf-8")


def _not_waiting(path: str, flags: int) -> int:
    """Opening a pipe in the file's place would wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _require_own(file: Path, status: os.stat_result, *, secret: bool) -> None:
    places = {file.parent: file.parent.stat()}
    if file.is_symlink():
        target = file.resolve()
        places |= {file: file.lstat(), target.parent: target.parent.stat()}
    places |= {file.resolve(): status}
    for path, found in places.items():
        if found.st_uid not in {0, os.geteuid()}:
            raise ConfigurationError(
                f"{path} belongs to another user.",
                hint=f"Check what is in it, then make it yours: {_command('chown', _me(), path)}",
            )
    if insecure_allowed():
        return
    group = 0o040 if status.st_uid == 0 else 0
    if secret and status.st_mode & OTHERS & ~group:
        mode = "g-wx,o=" if group else "600"
        hint = f"Make it private: {_command('chmod', mode, file.resolve())}"
        if os.statvfs(file).f_flag & os.ST_RDONLY:
            hint = ON_READ_ONLY
        raise ConfigurationError(f"{file} holds secrets, and others can read it.", hint=hint)
    for path, found in places.items():
        if _others_write(found):
            raise ConfigurationError(
                f"Others on this machine can change {path}.",
                hint=f"Check what is in it, then run: {_command('chmod', 'go-w', path)}",
            )


def _others_write(found: os.stat_result) -> bool:
    """In a sticky directory, such as /tmp, others write too, but change no file of this user."""
    if stat.S_ISLNK(found.st_mode) or (stat.S_ISDIR(found.st_mode) and found.st_mode & 0o1000):
        return False
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_mine_alone(found.st_gid)


def _is_mine_alone(group: int) -> bool:
    """Debian and Red Hat give each user a group of their own, and a umask that lets it write."""
    import grp
    import pwd

    try:
        me, members = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    same = (members.gr_gid, members.gr_name) == (me.pw_gid, me.pw_name)
    return same and set(members.gr_mem) <= {me.pw_name}


def _me() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container
        return str(os.geteuid())


def _command(program: str, how: str, path: Path) -> str:
    """For a shell; another user's file needs an administrator."""
    import shlex

    words = [program, *(["-h"] if path.is_symlink() else []), how, str(path)]
    mine = os.geteuid() in {0, path.lstat().st_uid}
    return shlex.join(words if mine else ["sudo", *words])


# -- locks: one process at a time, whatever the file system offers ---------------------------------

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


class PrivateList(Generic[T]):
    """Records of one kind, as JSON in a private file, with a lock file beside it.

    ``unusable`` makes the error for a file that cannot be read or saved. One that is damaged counts
    as empty, and ``damaged`` is called.
    """

    def __init__(
        self,
        path: Path,
        kind: type[T],
        *,
        unusable: Callable[[Path, OSError], StoreError],
        damaged: Callable[[Path], None],
    ) -> None:
        self._path, self._kind = path, kind
        self._unusable, self._damaged = unusable, damaged

    def read(self) -> list[T]:
        """All of them. Raises StoreError."""
        try:
            return list_from_json(self._kind, read_private(self._path, tighten=True))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._unusable(self._path, error) from None
        except DAMAGED:
            self._damaged(self._path)
            return []

    @contextlib.contextmanager
    def change(self, timeout: float) -> Iterator[list[T]]:
        """Exclusive access to them; changes are saved if the block succeeds.

        Raises:
            StoreError: they cannot be saved, or are not to be had in ``timeout`` seconds.
        """
        with contextlib.ExitStack() as held:
            try:
                for directory in (self._path.parents[1], self._path.parent):
                    make_private_directory(directory)
                held.enter_context(file_lock(self._path.with_suffix(".lock"), timeout))
            except OSError as error:
                raise self._unusable(self._path, error) from None
            before = self.read()
            entries = list(before)
            yield entries
            if entries == before:
                return
            try:
                write_private(self._path, list_to_json(entries))
            except OSError as error:
                raise self._unusable(self._path, error) from None
