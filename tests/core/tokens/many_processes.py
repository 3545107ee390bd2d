"""Many processes that want the same token at the same moment: see test_single_flight.py.

``python many_processes.py COUNT DIRECTORY ISSUER CLIENT_ID REJECTED`` prints what each of them got:
``token SHA-256`` or ``error CODE``. Every other one says that ``REJECTED`` was refused. NO_FLOCK
in the environment is the error number of each ``flock``.
"""

import fcntl
import os
import sys
from pathlib import Path

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.store import FileStore


def no_flock(*_: int) -> None:
    raise OSError(int(os.environ["NO_FLOCK"]), "as on Lustre, NFS or FUSE")


if "NO_FLOCK" in os.environ:
    fcntl.flock = no_flock
count, directory, issuer, client_id, rejected = sys.argv[1:]


def ask(number: int) -> str:
    providers = Providers({"idp": {"issuer": issuer, "client_id": client_id}})
    engine = Engine(providers, FileStore(Path(directory)))
    refused = rejected if rejected and number % 2 else None
    os.read(start, 1)  # ends when nobody holds the other end any more
    try:
        return f"token {engine.token('idp', need=Need(rejected=refused)).digest}"
    except AuthError as error:
        return f"error {error.code}"


start, barrier = os.pipe()
children = []
for number in range(int(count)):
    if (child := os.fork()) == 0:
        os.close(barrier)
        os.write(1, f"{ask(number)}\n".encode())
        os._exit(0)
    children.append(child)
os.close(barrier)
for child in children:
    os.waitpid(child, 0)
