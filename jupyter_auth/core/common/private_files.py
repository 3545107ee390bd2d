"""Files that are believed, or that hold secrets: who else could have written or read them.

Those that this package writes are private: this user's alone, 0600 in a directory of 0700. Those
that people and administrators write are looked at as ``ssh`` looks at its own; root is nobody else.
On Windows a profile is its user's anyway.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from jupyter_auth.core.errors import ConfigurationError

OTHERS = 0o077  # the permissions of everybody else
FOREIGN = "it belongs to another user"
LOOSE = "others have access to it"
MAX_BYTES = 1 << 20
ON_READ_ONLY = (  # where no chmod helps
    "It is on a read-only mount: set the mode where that is made. Kubernetes: `defaultMode: 0400`,"
    " and `fsGroup` where the server is not root. Docker Swarm: `mode: 0400`, with the server's"
    " `uid`. Docker Compose: the file's own mode and owner on the host."
)


class NotPrivateError(OSError):
    """What is there is not this user's alone; ``strerror`` says why."""


def not_private(found: os.stat_result) -> str:
    """Why what has that status is not this user's alone: ``FOREIGN`` or ``LOOSE``; "": it is."""
    if os.name == "nt":
        return ""
    if found.st_uid != os.geteuid():
        return FOREIGN
    return LOOSE if found.st_mode & OTHERS else ""


def open_private(path: Path, flags: int = os.O_RDONLY, *, tighten: bool = False) -> int:
    """A descriptor of a private file. It follows no link, and waits for no pipe.

    ``tighten``: a file of this user's that others have access to is made private.

    Raises:
        NotPrivateError: it is not.
        OSError: it cannot be opened.
    """
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():  # where the system has no O_NOFOLLOW
        raise NotPrivateError(errno.ELOOP, "it is a symbolic link", str(path))
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        why = not_private(found) if stat.S_ISREG(found.st_mode) else "it is not a file"
        if tighten and why == LOOSE:
            os.fchmod(descriptor, 0o600)
        elif why:
            raise NotPrivateError(errno.EACCES, why, str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_private(path: Path, *, most: int = -1, tighten: bool = False) -> bytes:
    """What a private file holds, at most its first ``most`` bytes. Raises as ``open_private``."""
    with os.fdopen(open_private(path, tighten=tighten), "rb") as opened:
        return opened.read(most)


def write_private(path: Path, content: bytes) -> None:
    """Born 0600, written whole, synced, then renamed over the old one. OSError: that is kept."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).replace(path)
        sync(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def sync(directory: Path) -> None:
    """A rename is durable once its directory is synced. Windows has no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_directory(path: Path) -> None:
    """Make it, 0700; or tighten it if it is this user's (SECURITY 14).

    Raises:
        NotPrivateError: it is a link, or somebody else's.
        OSError: it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if os.name == "nt":
        return
    why = not_private(found) if stat.S_ISDIR(found.st_mode) else "it is not a directory"
    if why == LOOSE:
        path.chmod(0o700)
    elif why:
        raise NotPrivateError(errno.EACCES, why, str(path))


def read_own(file: Path, *, secret: bool = False) -> str:
    """What ``file`` says, if nobody but this user (and root) can change it.

    ``secret``: nor read it, in a container either: nobody sees from inside who else is there. But a
    group may, of a file that is root's, as systemd's and Kubernetes' are.
    FileNotFoundError, OSError, ValueError: not there, not readable, or no text of a file.
    ConfigurationError: others can, with what ends that as the hint.
    """
    with open(file, "rb", opener=_not_waiting) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is no file")
        if os.name == "posix":
            _require_own(file, status, secret=secret)
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("it is too long")
    return content.decode("utf-8")


def _not_waiting(path: str, flags: int) -> int:
    """A pipe in the file's place would keep whoever opens it."""
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
                f"{path} belongs to somebody else.",
                hint=f"Look at what is there, then make it yours: {_command('chown', _me(), path)}",
            )
    group = 0o040 if status.st_uid == 0 else 0
    if secret and status.st_mode & OTHERS & ~group:
        mode = "g-wx,o=" if group else "600"
        hint = f"Make it yours alone: {_command('chmod', mode, file.resolve())}"
        if os.statvfs(file).f_flag & os.ST_RDONLY:
            hint = ON_READ_ONLY
        raise ConfigurationError(f"{file} holds secrets, and others can read it.", hint=hint)
    for path, found in places.items():
        if _others_write(found):
            raise ConfigurationError(
                f"Others on this machine can change {path}.",
                hint=f"Look at what is there, then end that: {_command('chmod', 'go-w', path)}",
            )


def _others_write(found: os.stat_result) -> bool:
    """In a sticky directory, such as /tmp, they write too, but change nothing of others."""
    if stat.S_ISLNK(found.st_mode) or (stat.S_ISDIR(found.st_mode) and found.st_mode & 0o1000):
        return False
    everybody = bool(found.st_mode & stat.S_IWOTH)
    return everybody or (bool(found.st_mode & stat.S_IWGRP) and not _is_mine_alone(found.st_gid))


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
    """For a shell; what is somebody else's needs an administrator."""
    import shlex

    words = [program, *(["-h"] if path.is_symlink() else []), how, str(path)]
    mine = os.geteuid() in {0, path.lstat().st_uid}
    return shlex.join(words if mine else ["sudo", *words])
