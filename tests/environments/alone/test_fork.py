"""A pool of workers that is forked after a session exists, as pandas and joblib users have them.

Each program runs in a process of its own, with a time limit: a deadlock is a failure.
"""

from __future__ import annotations

import pytest

from environments.terminal import run
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers, user_file
from jupyter_auth.core.tokens.store import FileStore
from kernel.broker_socket import BrokerSocket

# A thread of the parent is in the midst of a request, and one waits for changes, at each fork.
PROGRAM = """
import concurrent.futures, multiprocessing, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: that is the point
from jupyter_auth import UserSession

session = UserSession("idp", interactive=False)
def who(number):
    return number, session.get("me").json()["username"]

who(0)
stop = threading.Event()
def busy():
    while not stop.is_set():
        session.get("me")
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
session._account.tokens.drop()  # all of them want a token, at once
context = multiprocessing.get_context("fork")
{pool}
stop.set()
for thread in threads:
    thread.join()
assert answers == [(n, "alice") for n in range(16)], answers
assert who(0) == (0, "alice")
print("done")
"""
POOLS = {
    "multiprocessing": """
with context.Pool(4) as pool:
    answers = pool.map(who, range(16))
""",
    "concurrent.futures": """
with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as pool:
    answers = list(pool.map(who, range(16)))
""",
    "one process for each": """
queue = context.Queue()
children = [context.Process(target=lambda n=n: queue.put(who(n))) for n in range(16)]
for child in children:
    child.start()
answers = sorted(queue.get() for _ in children)
for child in children:
    child.join()
""",
}


@pytest.fixture(params=["broker", "engine"])
def home(request, env, monkeypatch, oidc, tmp_path):
    """Somebody signed in: at a server whose kernel this is, or in the store alone."""
    from kernel.sign_in import sign_in

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, env[name])
    engine = Engine(Providers(user_file=user_file()), FileStore())
    assert sign_in(engine, oidc, engine.begin(LoginRequest("idp"))).status == "complete"
    if request.param == "engine":
        yield env
    else:
        with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
            yield env | {"JUPYTER_AUTH_CONNECTION": str(kernel_api.path)}
    engine.close()


@pytest.mark.parametrize("pool", POOLS)
def test_children_work_and_nobody_waits_for_ever(home, oidc, pool, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("{pool}", POOLS[pool].strip()))
    oidc.expire()
    ran = run(home, str(program))
    assert ran.stdout.splitlines()[-1:] == ["done"], ran.stderr
    assert ran.stderr == ""
    assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)


# As joblib's own processes are: started anew, and the session comes to them as a pickle.
PICKLED = """
import concurrent.futures, multiprocessing
from jupyter_auth import UserSession

if __name__ == "__main__":
    session = UserSession("idp", interactive=False)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        jobs = [pool.submit(session.get, "me") for _ in range(8)]
        print({job.result().json()["username"] for job in jobs})
"""


def test_a_session_travels_to_processes_that_are_no_children(home, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PICKLED)
    ran = run(home, str(program))
    assert ran.stdout.splitlines()[-1:] == ["{'alice'}"], ran.stderr
    assert ran.stderr == ""


REFRESHING = """
import multiprocessing, os, requests
from jupyter_auth import UserSession

session = UserSession("idp", interactive=False)
assert session.get("me").ok
context = multiprocessing.get_context("fork")
barrier = context.Barrier(9)
def twice(queue):
    before = session.get("me").status_code
    barrier.wait()
    barrier.wait()  # all tokens are dead now
    queue.put({before, session.get("me").status_code})
queue = context.Queue()
children = [context.Process(target=twice, args=(queue,)) for _ in range(8)]
for child in children:
    child.start()
barrier.wait()
requests.post(os.environ["CONTROL"] + "/_control/expire").raise_for_status()
barrier.wait()
print(set.union(*(queue.get() for _ in children)) | {session.get("me").status_code})
for child in children:
    child.join()
"""


def test_the_children_refresh_once(home, oidc, tmp_path):
    """The token ends while they run: one of them, or the parent, gets the next for all."""
    program = tmp_path / "program.py"
    program.write_text(REFRESHING)
    ran = run(home | {"CONTROL": oidc.issuer}, str(program))
    assert ran.stdout.splitlines()[-1:] == ["{200}"], ran.stderr
    assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)
