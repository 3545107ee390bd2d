"""``jupyter auth`` in a process of its own, and an engine that tells when it is waited for."""

from __future__ import annotations

import subprocess
import sys
import threading

from jupyter_auth.core.engine import Engine
from patience import PATIENCE


class Watched(Engine):
    """Tells when somebody asks how a login stands: whoever waits for one does."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.asked = threading.Event()

    def login(self, login_id):
        self.asked.set()
        return super().login(login_id)


def command(*words):
    return [sys.executable, "-m", "jupyter_auth.cli", *words]


def run(env, *words, status=0):
    ran = subprocess.run(
        command(*words), env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ran.returncode == status, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran


def started(env, *words):
    process = subprocess.Popen(
        command(*words), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said = process.stderr.readline()  # the prompt is shown once the login is begun
    return process, said
