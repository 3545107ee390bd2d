"""Files that are believed, or that hold secrets: who else could have written or read them.

As ``ssh`` looks at its own. Root is nobody else. On Windows a profile is its user's anyway.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
ON_READ_ONLY = (  # where no chmod helps
    "It is on a read-only mount: set the mode where that is made. Kubernetes: `defaultMode: 0400`,"
    " and `fsGroup` where the server is not root. Docker Swarm: `mode: 0400`, with the server's"
    " `uid`. Docker Compose: the file's own mode and owner on the host."
)


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
    if secret and stat.S_IMODE(status.st_mode) & 0o077 & ~group:
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
