"""InsideView's lockouts are known to all programs of a person on one machine, server or not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from environments.terminal import Terminal, run
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from kernel.broker_socket import BrokerSocket
from providers.presets.insideview import Credential, InsideView
from systems.at_home import person_at

SECRET = InsideView.client_secret
ENVIRON = {
    "JUPYTER_AUTH_INSIDEVIEW_CLIENT_ID": InsideView.client_id,
    "JUPYTER_AUTH_INSIDEVIEW_CLIENT_SECRET": SECRET,
}
OWN = f"ClientSession({InsideView.client_id!r}, {SECRET!r}, provider='insideview')"
THEIRS = "ClientSession(provider='insideview')"
USE = """
import sys
from jupyter_auth import ClientSession, Throttled, provider
session = {session}
try:
    while True:
        print(session.get("companies").status_code, flush=True)
        if "once" in sys.argv:
            break
except Throttled as error:
    print("Throttled until", error.retry_at)
"""
WAIT = """
import time
from jupyter_auth import ClientSession, Throttled
from jupyter_auth.kernel.http import rate_limits
session = {session}
print(session.get("companies").status_code, flush=True)
input()
(limits,) = rate_limits._all
while limits._until < time.time():  # it is told of it, with no call of its own
    time.sleep(0.05)
try:
    session.get("companies")
except Throttled as error:
    print("Throttled until", error.retry_at)
"""


@pytest.fixture
def env(table, tmp_path):
    return person_at(tmp_path, {"insideview": table}) | ENVIRON


def use(env, session, *words):
    """The lines of a program that uses the API, as long as it may or ``once``."""
    ran = run(env, "-c", USE.format(session=session), *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


MADE = OWN.replace("'insideview'", "provider('insideview', throttle={'limit': 10})")


@pytest.mark.parametrize("second", [THEIRS, OWN, MADE])
def test_the_next_program_sends_nothing(env, insideview, second):
    insideview.limit = 2
    first = use(env, OWN)
    assert first[:3] == ["200", "200", "429"]
    sent = len(insideview.seen("/api"))
    assert use(env, second) == first[3:]  # until the same moment
    assert len(insideview.seen("/api")) == sent


def test_one_that_runs_already_hears_of_it(env, insideview):
    with Terminal(env, "-c", WAIT.format(session=THEIRS)) as other:
        other.read("200")
        insideview.limit = 1
        assert use(env, OWN)[:2] == ["200", "429"]
        sent = len(insideview.seen("/api"))
        other.type("")
        other.read("Throttled until")
        assert len(insideview.seen("/api")) == sent


def test_a_program_beside_a_jupyter_server_and_a_kernel_of_it(env, insideview, table, tmp_path):
    providers = Providers({"insideview": table}, environ=ENVIRON)
    engine = Engine(providers, FileStore(Path(env["XDG_DATA_HOME"]) / "jupyter_auth"))
    with BrokerSocket(engine, tmp_path / "kernel_api") as kernel_api:
        kernel = env | {"JUPYTER_AUTH_CONNECTION": str(kernel_api.path)}
        insideview.limit = 1
        assert use(env, OWN)[-1].startswith("Throttled")
        sent = len(insideview.seen("/api"))
        assert use(kernel, THEIRS)[-1].startswith("Throttled")
        assert len(insideview.seen("/api")) == sent
    engine.close()


def test_another_credential_goes_on(env, insideview):
    insideview.credentials["iv-other"] = Credential("other")
    insideview.limit = 1
    assert use(env, OWN)[-1].startswith("Throttled")
    assert use(env, "ClientSession('iv-other', 'other', provider='insideview')", "once") == ["200"]


def test_one_that_is_over_stops_nobody(env, insideview):
    insideview.limit = 1
    use(env, OWN)
    (file,) = lockouts(env)
    file.write_text('{"until": 1.5}')
    insideview.limit = None
    insideview.credentials[insideview.client_id].locked_until = 0.0
    assert use(env, OWN, "once") == ["200"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"until": "soon"}', '{"until": null}', "\0"])
def test_what_cannot_be_read_stops_nobody(env, insideview, text):
    insideview.limit = 1
    use(env, OWN)
    (file,) = lockouts(env)
    file.write_text(text)
    assert use(env, OWN, "once") == ["429"]  # the API itself says so


def test_the_file_is_its_person_s_alone_and_says_nothing(env, insideview):
    insideview.limit = 1
    use(env, OWN)
    (file,) = lockouts(env)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.stat().st_uid == os.geteuid()
    shown = f"{file.name} {file.read_text()}"
    for word in (SECRET, InsideView.client_id, insideview.origin, "5c0ffee"):
        assert word not in shown


def lockouts(env):
    return list((Path(env["XDG_DATA_HOME"]) / "jupyter_auth" / "lockouts").iterdir())
