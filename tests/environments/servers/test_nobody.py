"""Nobody at the keyboard: an account is used where there is one, else ``LoginRequired`` at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbconvert.preprocessors import ExecutePreprocessor

from environments.home import configure
from environments.servers.server_kernel import api
from environments.terminal import run
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers, user_file
from jupyter_auth.core.tokens.store import FileStore
from kernel.broker_socket import BrokerSocket
from patience import PATIENCE, eventually
from server.jupyter_process import JupyterProcess

SCHEDULER = Path(sys.prefix) / "scheduler"
# Three times, and the quickest counts: a machine may stall, but not each time.
CALL = """
import time
from jupyter_auth import LoginRequired, UserSession
took = []
for _ in range(3):
    began = time.monotonic()
    try:
        print("as", UserSession("idp").get("me").json()["username"])
    except LoginRequired as error:
        took.append(time.monotonic() - began)
        refused = error
    else:
        break
else:
    print("LoginRequired:", refused, "after", min(took))
"""
RAISE = f"{CALL}\n    raise refused"


def by_nbclient(notebook, _):
    NotebookClient(notebook, kernel_name="python3").execute()
    return notebook


def by_nbconvert(notebook, _):
    ExecutePreprocessor(kernel_name="python3").preprocess(notebook)
    return notebook


def by_papermill(notebook, folder):
    nbformat.write(notebook, folder / "in.ipynb")
    return papermill.execute_notebook(folder / "in.ipynb", folder / "out.ipynb", progress_bar=False)


def printed(notebook):
    """What the last cell printed: nothing of it is ours."""
    kinds = {each.get("name", each.output_type) for each in notebook.cells[-1].outputs}
    assert kinds <= {"stdout", "error"}
    return "".join(each.text for each in notebook.cells[-1].outputs if "text" in each)


def a_notebook(code=CALL):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "x", "language": "python"}
    return notebook


def sentence_in_time(text):
    """Whether it says at once that nobody is signed in, and what to do."""
    found = re.search(r"LoginRequired: You're not signed in to The IdP\. (.*) after ([\d.]+)", text)
    assert found, text
    assert "`jupyter auth login idp` in a terminal" in found[1]
    return float(found[2]) < 1


@pytest.fixture
def person(env, monkeypatch):
    """Whose environment this process has, and so has all that it starts."""
    for name in set(os.environ) - set(env):
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def engine(person):  # noqa: ARG001 (it looks into that environment)
    made = Engine(Providers(user_file=user_file()), FileStore())
    yield made
    made.close()


def sign_in(engine, oidc):
    from kernel.sign_in import sign_in

    assert sign_in(engine, oidc, engine.begin(LoginRequest("idp"))).status == "complete"


@pytest.mark.parametrize("runner", [by_nbclient, by_nbconvert, by_papermill])
def test_a_notebook(runner, engine, oidc, tmp_path, monkeypatch):
    assert sentence_in_time(printed(runner(a_notebook(), tmp_path)))
    sign_in(engine, oidc)
    assert printed(runner(a_notebook(), tmp_path)) == "as alice\n"  # from the store
    with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
        assert printed(runner(a_notebook(), tmp_path)) == "as alice\n"
        engine.logout("idp")
        assert sentence_in_time(printed(runner(a_notebook(), tmp_path)))


def test_a_job_of_cron(env, oidc, engine):
    """Which starts it with next to no environment, and no terminal."""
    few = {"HOME": env["HOME"], "LOGNAME": "x", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    home = Path(env["HOME"])
    configure(home / ".config", oidc)
    assert sentence_in_time(run(few, "-c", CALL).stdout)
    sign_in(engine, oidc)
    store = home / ".local" / "share" / "jupyter_auth"
    shutil.copytree(Path(env["XDG_DATA_HOME"]) / "jupyter_auth", store)
    ran = run(few, "-c", CALL)
    assert (ran.stdout, ran.stderr) == ("as alice\n", "")
    token = [sys.executable, "-m", "jupyter_auth.cli", "token", "idp"]
    piped = subprocess.run(token, env=few, capture_output=True, text=True, check=True).stdout
    assert oidc.introspect(piped.strip())["active"]


def test_jupyter_scheduler(oidc, tmp_path, monkeypatch):
    """Its jobs run in processes of the server, and so find the server's broker. (By nbconvert.)"""
    monkeypatch.setenv("PYTHONPATH", str(SCHEDULER))
    server = JupyterProcess(tmp_path / "home", base_url="/")
    server.extensions |= {"jupyter_scheduler": True}
    configure(server.home / "user", oidc)
    with server:
        job, text = scheduled(server, a_notebook(RAISE))
        assert sentence_in_time(text)
        assert job["status"] == "FAILED"
        assert "LoginRequired: You're not signed in to The IdP." in job["status_message"]
        browser, path = server.browser(), server.kernel().begin()["path"]
        assert browser.arrive(oidc.login(browser.open({"path": path}))) == path
        job, text = scheduled(server, a_notebook())
        assert job["status"] == "COMPLETED", server.log
        assert "as alice" in text


def scheduled(server, notebook):
    """The job once it has ended, and what it printed."""
    nbformat.write(notebook, server.home / "root" / "nightly.ipynb")
    wanted = {"name": "nightly", "input_uri": "nightly.ipynb", "output_formats": ["ipynb"]}
    wanted |= {"runtime_environment_name": "x", "runtime_environment_parameters": {}}
    place = f"../scheduler/jobs/{api(server, 'POST', '../scheduler/jobs', **wanted)['job_id']}"

    def ended():
        return api(server, "GET", place)["status"] in {"COMPLETED", "FAILED"}

    assert eventually(ended, 4 * PATIENCE), server.log
    job = api(server, "GET", place)
    staged = server.home / "data" / "scheduler_staging_area" / job["job_id"]
    (output,) = staged.glob("nightly-*.ipynb")
    return job, printed(nbformat.read(output, 4))
