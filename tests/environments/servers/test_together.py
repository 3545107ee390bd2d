"""One person, several servers, kernels and scripts at once: one account for all of them."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

import jupyter_auth
from environments.home import configure
from environments.servers.server_kernel import ServerKernel, ServerTerminal, TypedServer
from environments.terminal import run
from jupyter_auth.core.errors import LoginRequired
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from kernel.kernel_process import Kernel
from patience import until
from server.jupyter_process import JupyterProcess

CALL = "from jupyter_auth import UserSession\n"
CALL += "session = UserSession('idp')\nprint(session.get('me').json()['username'])"
CLI = ("-m", "jupyter_auth.cli")


@pytest.fixture(scope="module")
def home(oidc, tmp_path_factory):
    made = tmp_path_factory.mktemp("person") / "home"
    configure(made / "user", oidc)
    return made


@pytest.fixture(scope="module")
def one(home):
    """The server that this person always has."""
    server = JupyterProcess(home, base_url="/")
    server.extensions = {"jupyter_auth": True, "jupyter_server_terminals": True}
    with server:
        yield server


@pytest.fixture(autouse=True)
def nobody_is_signed_in(one):
    yield
    client = BrokerClient(one.connection_file)
    client.logout("idp", revoke=False)
    client.close()


def env(server):
    """What this person's scripts find, started outside of any server."""
    found = {**os.environ, **server.environment()}
    del found["JUPYTER_AUTH_CONNECTION"]
    return found


def connection(server):
    """What those find besides that it started itself."""
    return {"JUPYTER_AUTH_CONNECTION": str(server.connection_file)}


def sign_in(server, oidc, path=None, who="alice"):
    browser = server.browser()
    path = path or server.kernel().begin()["path"]
    assert browser.arrive(oidc.login(browser.open({"path": path}), who)) == path


def test_two_servers_and_a_script(one, home, oidc):
    with JupyterProcess(home) as two:
        sign_in(two, oidc)
        clients = [BrokerClient(server.connection_file) for server in (one, two)]
        old = clients[0].token("idp")
        assert clients[1].token("idp") == old
        refused = (
            "from jupyter_auth.core.tokens.need import Need\n"
            "from jupyter_auth.kernel.broker.connect import connect\n"
            f"print(connect().token('idp', need=Need(rejected='{old.digest}')).digest)"
        )
        with ThreadPoolExecutor(3) as pool:
            script = pool.submit(run, env(one), "-c", refused)
            tokens = [
                pool.submit(each.token, "idp", need=Need(rejected=old.digest)) for each in clients
            ]
            digests = {each.result().digest for each in tokens}
            assert digests == {script.result().stdout.strip()}
        assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)
        assert "Signed out" in run(env(one), *CLI, "logout", "idp").stdout
        for client in clients:
            with pytest.raises(LoginRequired):
                client.token("idp")
            client.close()


def test_a_terminal_of_jupyterlab(one, oidc):
    with ServerTerminal(one) as terminal:
        terminal.type(f"{sys.executable} {' '.join(CLI)} login idp")
        path = terminal.read(rf"The IdP \(\S+\): {one.origin}(/jupyter-auth/login/\S+)")[1]
        sign_in(one, oidc, path)
        terminal.read("Signed in to The IdP as alice")


def test_a_second_server_started_in_a_terminal_of_the_first(one, oidc):
    """What it inherits names the first one's socket; its own kernels find its own."""
    oidc.add_client("second", "http://127.0.0.1/jupyter-auth/callback/second")
    mine = {"issuer": oidc.issuer, "client_id": "second", "base_url": f"{oidc.issuer}/api"}
    with ServerTerminal(one) as terminal:
        terminal.type('echo "<$JUPYTER_AUTH_CONNECTION>"')
        assert terminal.read(r"<(/[^>]+)>")[1] == str(one.connection_file)
        with TypedServer(one, terminal, providers={"second": mine}) as two:
            assert two.connection_file != one.connection_file
            with ServerKernel(two) as kernel:
                look = "import os; print(os.environ['JUPYTER_AUTH_CONNECTION'])"
                assert kernel.ok(look).text().strip() == str(two.connection_file)
                sign_in(two, oidc, two.kernel().begin("second")["path"])
                assert "alice" in kernel.ok(CALL.replace("idp", "second")).text()
    assert one.kernel().ask("GET", "providers/second")[0] == 404  # no other server knows that one


def test_a_kernel_that_is_restarted(one, oidc):
    sign_in(one, oidc)
    with ServerKernel(one) as kernel:
        assert "alice" in kernel.ok(CALL).text()
        kernel.restart()
        assert kernel.run("session").status == "error"
        assert "alice" in kernel.ok(CALL).text()
    assert len(oidc.events("authorization.success")) == 1


def test_two_kernels_of_two_people(one, oidc):
    """Neither goes on as the other, and by user name they do not sign each other out."""
    call = "print(session.get('me').json()['username'])"
    sign_in(one, oidc)
    with ServerKernel(one) as alices, ServerKernel(one) as bobs:
        assert "alice" in alices.ok(CALL).text()
        sign_in(one, oidc, one.kernel().begin(force=True)["path"], "bob")
        assert "bob" in bobs.ok(CALL).text()
        alices.ok("session._account.tokens.drop()")  # it has heard of that, or will in a moment
        ran = alices.run(call)
        assert "UserMismatch" in ran.text()
        assert "bob has signed in to The IdP" in ran.text()
        waiting = alices.send(CALL.replace("'idp'", "'idp', username='alice'"))
        until(lambda: one.kernel().call("GET", "logins")["logins"])
        (login,) = one.kernel().call("GET", "logins")["logins"]
        sign_in(one, oidc, login["path"])
        assert "alice" in alices.result(waiting).text()
        assert "bob" in bobs.ok(call).text()
        assert "alice" in bobs.ok(CALL.replace("'idp'", "'idp', username='alice'")).text()
    one.kernel().call("DELETE", "accounts?provider=idp&session_key=alice&revoke=0")


@pytest.fixture
def outliving():
    """Starts kernels that outlive their server: kept by a service, or on another machine."""
    with ExitStack() as stack:

        def start(server):
            return stack.enter_context(Kernel(env=env(server) | connection(server)))

        yield start


@pytest.mark.usefixtures("one")
def test_a_server_that_is_restarted_under_its_kernels(home, oidc, outliving):
    with JupyterProcess(home) as two:
        sign_in(two, oidc)
        kernel = outliving(two)
        assert "alice" in kernel.ok(CALL).text()
    oidc.expire()
    again = kernel.ok("print(session.get('me').json()['username'])").text()
    assert "alice" in again
    assert "continuing with the accounts on disk" in again
    with JupyterProcess(home) as three:
        assert three.kernel().token()["access_token"]
        assert kernel.ok("session.logout(); print(session.authenticated)").text() == "False\n"
        assert three.kernel().ask("POST", "token", {"provider": "idp"})[0] == 401
    assert oidc.reuse_count == 0


def test_what_the_server_alone_knew_is_said_when_it_is_gone(tmp_path, oidc, outliving):
    provider = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    with JupyterProcess(tmp_path, providers={"mine": provider}) as server:
        kernel = outliving(server)
        kernel.ok(
            "from jupyter_auth.kernel.broker.connect import connect; connect().provider('mine')"
        )
    said = kernel.run("from jupyter_auth import UserSession; UserSession('mine')").text()
    assert "BrokerUnavailable" in said
    assert "Restart the Jupyter server, then this process." in said


@pytest.fixture
def newer(tmp_path):
    """An environment with the next version of the package, which speaks another wire."""
    folder = tmp_path / "newer"
    package = Path(jupyter_auth.__file__).parent
    shutil.copytree(package, folder / "jupyter_auth", ignore=shutil.ignore_patterns("__pycache__"))
    wire = folder / "jupyter_auth" / "core" / "wire.py"
    wire.write_text(wire.read_text().replace("VERSION = 1", "VERSION = 2"))
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}  # before the current directory


def test_a_kernel_of_an_older_environment_is_the_one_to_upgrade(tmp_path, newer, monkeypatch):
    with monkeypatch.context() as patch:
        for name, value in newer.items():
            patch.setenv(name, value)
        server = JupyterProcess(tmp_path / "home").start()
    try:
        ran = run(env(server) | connection(server), *CLI, "status")
        assert f"in this environment: `{sys.executable} -m pip install --upgrade" in ran.stderr
        assert "Traceback" not in ran.stderr
    finally:
        server.stop()


def test_or_the_server_is(tmp_path, newer):
    with JupyterProcess(tmp_path / "home") as server:
        ran = run(env(server) | connection(server) | newer, *CLI, "status")
    assert "Upgrade jupyter-auth-session in the environment of the Jupyter server." in ran.stderr
    assert "Traceback" not in ran.stderr
