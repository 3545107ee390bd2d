"""Saves accounts until it is killed: ``endless_saves.py DIRECTORY``, of test_store_damage.py."""

import dataclasses
import sys
from pathlib import Path

from jupyter_auth.core.models import Account
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore

store = FileStore(Path(sys.argv[1]))
account = Account(
    provider="idp",
    session_key="default",
    fingerprint="f",
    access_token=Secret("0"),
    id_token=Secret("x" * 200_000),  # so that a save takes its time
    issued_at=0.0,
    signed_in_at=0.0,
)
for number in range(1_000_000):
    with store.locked(account.key) as slot:
        slot.save(dataclasses.replace(account, access_token=Secret(str(number))))
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
