"""Another user of this machine, who sees what the system shows to everybody."""

from __future__ import annotations

import os
import subprocess
import sys

NOBODY = 65534
CAN_BE = os.geteuid() == 0  # only root becomes somebody else
# Python itself may rest where nobody else may read: what the code imports is loaded before.
PRELUDE = "import json, os, pathlib, socket, sys, urllib.request\n"
BECOME = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"


def as_nobody(code: str, *args: str) -> str:
    """What ``code`` prints when another user runs it; without root, when this one does."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + BECOME * CAN_BE + code, *args],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
