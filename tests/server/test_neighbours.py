"""Two people of one machine, as two real Unix users: neither gets at what is the other's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

OWNER, NEIGHBOUR = "nobody", "daemon"

BECOME = """
import os, pathlib, pwd, socket, sys
import tornado.httpserver, tornado.platform.asyncio
tornado.ioloop.IOLoop.current()
def become(name):  # after all imports: root's Python may lie where others cannot go
    who = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)
"""
AT_HOME = """
import filelock  # else the first save imports them
from jupyter_auth.core.models import Account
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.server.kernel_api.socket import KernelSocket
home = pathlib.Path(sys.argv[2])
account = Account(provider="idp", session_key="default", fingerprint="f",
                  access_token=Secret("at"), issued_at=0.0, signed_in_at=0.0)
become(sys.argv[1])
with FileStore(home / "store").locked(account.key) as slot:
    slot.save(account)
door = KernelSocket.open(None, home / "runtime")
print(door.connection.path)
print(door.connection.address.removeprefix("unix:"))
print(*(home / "store" / "accounts").iterdir(), flush=True)
sys.stdin.read()
door.close()
"""
NEXT_DOOR = """
become(sys.argv[1])
connection, address, *files = sys.argv[2:]
for path in (connection, *files):
    try:
        open(path, "rb").read()
    except PermissionError:
        print("refused")
try:
    socket.socket(socket.AF_UNIX).connect(address)
except PermissionError:
    print("refused")
"""


@pytest.fixture
def home() -> Path:
    """Open to all who pass, as /home is; what is in it has to protect itself."""
    place = Path(tempfile.mkdtemp(prefix="neighbours-", dir="/tmp"))
    place.chmod(0o755)
    shutil.chown(place, OWNER)
    yield place
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two people")
def test_neither_store_nor_connection_file_nor_socket_opens_to_a_neighbour(home: Path) -> None:
    place = subprocess.Popen(
        [sys.executable, "-c", BECOME + AT_HOME, OWNER, str(home)],
        env=os.environ | {"HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with place:
        connection, address, file = (place.stdout.readline().strip() for _ in range(3))
        assert Path(file).is_file()
        told = subprocess.run(
            [sys.executable, "-c", BECOME + NEXT_DOOR, NEIGHBOUR, connection, address, file],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        place.stdin.close()
    assert told.split() == ["refused"] * 3
