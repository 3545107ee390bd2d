"""The extension's life, and how its configuration is read."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Application, Config

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.kernel.broker.transport import read_connection_file
from jupyter_auth.server.broker.broker import Broker
from jupyter_auth.server.config import read_settings
from jupyter_auth.server.kernel_api.socket import KernelSocket
from memory_store import MemoryStore
from patience import until
from server.jupyter_process import JupyterProcess, Kernel

if TYPE_CHECKING:
    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider

GOOD = {"issuer": "https://login.example", "client_id": "jupyter"}


def settings(**config: Any) -> Any:
    app = Application(config=Config({"JupyterAuth": config}))
    return read_settings(app, "/user/alice/")


def test_what_is_configured_is_read(tmp_path: Path) -> None:
    found = settings(
        providers={"acme": GOOD},
        default_provider="acme",
        allow_user_providers=False,
        public_url="https://Hub.Example:443/user/alice/",
        store_directory=str(tmp_path),
    )
    assert found.providers == {"acme": GOOD}
    assert (found.default_provider, found.allow_user_providers) == ("acme", False)
    assert found.public_origin == "https://hub.example"
    assert found.store_directory == tmp_path
    assert settings().public_origin is None
    assert settings().allow_user_providers


def test_a_client_secret_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_AUTH_ACME_2_CLIENT_SECRET", "planted-secret")
    monkeypatch.setenv("JUPYTER_AUTH_4INSIGHT_CLIENT_ID", "nightly")
    monkeypatch.setenv("JUPYTER_AUTH_4INSIGHT_CLIENT_SECRET", "planted-secret")
    found = settings(providers={"acme.2": GOOD})
    assert not [name for name in os.environ if "CLIENT_" in name]  # no kernel inherits it
    assert "planted-secret" not in repr(found)
    providers = Providers(found.providers, environ=found.environ)
    assert providers.get("acme.2").client_secret.reveal() == "planted-secret"
    service = providers.service("4insight")
    assert (service.client_id, service.client_secret.reveal()) == ("nightly", "planted-secret")
    assert providers.get("4insight").client_id != "nightly"  # a person's sign-in is another client


def test_it_is_taken_also_where_a_setting_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_AUTH_ACME_CLIENT_SECRET", "planted-secret")
    assert settings(allow_user_providers="maybe").problems
    assert "planted-secret" not in os.environ.values()


@pytest.mark.parametrize(
    ("config", "words", "counts"),
    [
        ({"providers": [{"client_secret": "planted"}]}, "c.JupyterAuth.providers", ()),
        ({"providers": {"Not A Name": GOOD, "acme": GOOD}}, "'Not A Name'", ("acme",)),
        ({"allow_user_providers": "maybe"}, "c.JupyterAuth.allow_user_providers", False),
        ({"allow_code_providers": "maybe"}, "c.JupyterAuth.allow_code_providers", False),
        ({"default_provider": 5}, "c.JupyterAuth.default_provider", None),
        ({"public_url": "jupyter.example.org"}, "c.JupyterAuth.public_url", None),
        ({"public_url": "https://a@b"}, "c.JupyterAuth.public_url", None),
        ({"public_url": "https://hub.example/other/"}, "/other", None),
        ({"login_lifetime": "planted"}, "login_lifetime must be a number of seconds, 1", 600),
        ({"login_lifetime": 700}, "login_lifetime must be a number of seconds, 1 to 600.", 600),
        ({"login_lifetime": 0}, "login_lifetime must be a number of seconds, 1 to 600.", 1),
        ({"login_lifetime": float("nan")}, "login_lifetime must be", 600),
        ({"store_directory": ["planted"]}, "c.JupyterAuth.store_directory", None),
    ],
)
def test_what_is_wrong_is_said_and_counts_as_its_safe_default(
    config: dict[str, Any], words: str, counts: object
) -> None:
    found = settings(**config)
    (problem,) = found.problems
    assert words in str(problem)
    assert "planted" not in str(problem)
    (name,) = config
    if name == "providers":
        right = [k for k, v in found.providers.items() if not isinstance(v, ConfigurationError)]
        assert tuple(right) == counts
    else:
        assert getattr(found, name.replace("public_url", "public_origin")) == counts


def test_a_setting_that_there_is_not_is_said() -> None:
    (problem,) = settings(alow_user_providers="planted").problems
    assert str(problem) == (
        "c.JupyterAuth has no setting 'alow_user_providers'. Did you mean allow_user_providers?"
        " Correct it and restart the server."
    )


def _environment(server: JupyterProcess) -> dict[str, str]:
    """What a kernel of that server inherits."""
    assert server._process is not None
    pid = server._process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("only Linux tells what a process was started with")
    before = set(children.read_text().split())
    browser = server.browser()
    browser.session.cookies.set("_xsrf", "0" * 32, path="/base/", domain="127.0.0.1")
    kernel = browser.send("POST", "api/kernels", {"name": "python3"}).json()
    try:
        (child,) = set(children.read_text().split()) - before
        lines = Path(f"/proc/{child}/environ").read_text().split("\0")
        return dict(line.split("=", 1) for line in lines if line)
    finally:
        browser.send("DELETE", f"api/kernels/{kernel['id']}")


def test_no_kernel_inherits_a_service_accounts_secret(
    tmp_path: Path, oidc: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY 11 and 13: the server has it, and a kernel gets a token without it."""
    monkeypatch.setenv("JUPYTER_AUTH_NIGHTLY_CLIENT_ID", oidc.service_id)
    monkeypatch.setenv("JUPYTER_AUTH_NIGHTLY_CLIENT_SECRET", oidc.service_secret)
    nightly = {"issuer": oidc.issuer, "service": {}}
    with JupyterProcess(tmp_path, providers={"nightly": nightly}) as server:
        inherited = _environment(server)
        assert "JUPYTER_AUTH_CONNECTION" in inherited
        assert not [name for name in inherited if "CLIENT_" in name]
        asked = {"provider": "nightly", "grant": "client_credentials"}
        token = server.kernel().call("POST", "token", asked)["access_token"]
        assert oidc.introspect(token)["active"]
        assert oidc.service_secret not in server.log


def test_no_kernel_inherits_a_password_that_signs_the_server_in(
    tmp_path: Path, school_server: RogueProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY 10 and 11: a kernel gets a token without it, with nobody there to sign in."""
    monkeypatch.setenv("JUPYTER_AUTH_SCHOOL_USERNAME", "rosa")
    monkeypatch.setenv("JUPYTER_AUTH_SCHOOL_PASSWORD", school_server.password)
    school = {"issuer": school_server.issuer, "client_id": school_server.client_id}
    school["grants"] = ["authorization_code", "password"]
    with JupyterProcess(tmp_path, providers={"school": school}) as server:
        assert not [name for name in _environment(server) if "_SCHOOL_" in name]
        assert server.kernel().token("school")["access_token"]
        assert school_server.password not in server.log
    kept = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    assert school_server.password not in kept


def test_a_runtime_directory_that_cannot_be_written_to(tmp_path: Path) -> None:
    """The connection file is beside the socket then: that directory is surely private."""

    async def opened() -> None:
        socket = KernelSocket.open(Broker(engine, base_url="/"), tmp_path / "file" / "runtime")
        path = socket.connection.path
        assert read_connection_file(path).where == socket.connection.address
        assert path.parent == socket.connection.directory
        socket.close()
        assert not path.parent.exists()

    (tmp_path / "file").write_text("")
    engine = Engine(Providers(), MemoryStore())
    asyncio.run(opened())
    engine.close()


def test_what_cannot_be_made_again_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def squatted() -> None:
        socket = KernelSocket.open(Broker(engine, base_url="/"), tmp_path)
        directory = socket.connection.directory
        assert directory
        shutil.rmtree(directory)
        directory.write_text("another's")
        for _ in range(3):
            socket._restore()
        directory.unlink()
        socket._restore()
        assert (directory / "kernel.sock").is_socket()
        socket.close()

    engine = Engine(Providers(), MemoryStore())
    asyncio.run(squatted())
    engine.close()
    assert caplog.text.count("cannot be made again") == 1


@pytest.mark.parametrize("lost", ["socket", "connection file", "both"])
def test_what_is_cleaned_away_under_a_server_is_made_again(tmp_path: Path, lost: str) -> None:
    """As /tmp is by systemd-tmpfiles, and a runtime directory when its person logs out."""
    with JupyterProcess(tmp_path) as server:
        connection = server.connection_file
        directory = Path(server.kernel().path).parent
        if lost != "connection file":
            shutil.rmtree(directory)
        if lost != "socket":
            shutil.rmtree(connection.parent)
        client = BrokerClient(connection)
        until(client.answers)
        assert client.accounts() == []
        assert (connection.stat().st_mode & 0o777, directory.stat().st_mode & 0o777) == (
            0o600, 0o700,
        )  # fmt: skip
    assert not directory.exists()


def test_a_kernel_finds_the_broker_socket_of_its_own_server(jupyter: JupyterProcess) -> None:
    found = _environment(jupyter)["JUPYTER_AUTH_CONNECTION"]
    assert Path(found) == jupyter.connection_file


def test_a_server_that_stops_leaves_nothing_behind(tmp_path: Path) -> None:
    with JupyterProcess(tmp_path) as server:
        path = server.connection_file
        kernel = server.kernel()
        socket_file = Path(kernel.path)
        assert kernel.call("GET", "accounts")
        assert socket_file.exists()
    assert not path.exists()
    assert not socket_file.parent.exists()


def test_whoever_waits_is_let_go_when_the_server_stops(tmp_path: Path) -> None:
    from server.broker.waiting_poll import Waiting

    with JupyterProcess(tmp_path) as server:
        kernel = server.kernel()
        waiting = Waiting(kernel, kernel.call("GET", "changes?since=0")["sequence"])
        began = time.monotonic()
    assert time.monotonic() - began < waiting.wait - 5
    assert waiting.answer()["changes"] == []


def test_a_server_that_finds_no_port_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = JupyterProcess(tmp_path)
        server.port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match="did not start"):
            server.start()
    assert "is already in use" in server.log
    assert not list(server.runtime.glob("jupyter_auth-*"))


def test_a_second_server_in_a_terminal_of_the_first_has_a_broker_socket_of_its_own(
    tmp_path: Path,
) -> None:
    with JupyterProcess(tmp_path / "one") as one, JupyterProcess(tmp_path / "two") as two:
        assert one.connection_file != two.connection_file
        assert Kernel(one.connection_file).key != Kernel(two.connection_file).key


def test_a_killed_servers_file_names_a_broker_socket_that_nobody_answers(tmp_path: Path) -> None:
    with JupyterProcess(tmp_path) as server:
        kernel = server.kernel()
        assert server._process is not None
        server._process.send_signal(signal.SIGKILL)
        server._process.wait()
    with pytest.raises(OSError, match=r"refused|No such file"):
        kernel.call("GET", "accounts")
    Path(kernel.path).unlink(missing_ok=True)
    Path(kernel.path).parent.rmdir()


def test_the_wheels_data_file_enables_it() -> None:
    import jupyter_auth.server

    path = Path(jupyter_auth.server.__file__).with_name("jupyter_auth.json")
    enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_auth": True}}}
    assert json.loads(path.read_text()) == enabled


def test_loading_it_imports_nothing_heavy() -> None:
    """What a server pays for at start, besides what Jupyter Server imports itself."""
    code = (
        "import jupyter_server.serverapp, sys; before = set(sys.modules);"
        "import jupyter_auth.server.extension;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.check_output(command, text=True).split())
    assert not loaded & {
        "ipywidgets",
        "anywidget",
        "IPython",
        "joserfc",
        "cryptography",
        "oauthlib",
    }
