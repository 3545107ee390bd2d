"""A kernel whose Jupyter server lacks the extension says so once, and goes on by itself."""

from __future__ import annotations

import json
import socket
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from environments.home import configure
from environments.servers.server_kernel import ServerKernel
from patience import eventually
from server.jupyter_process import JupyterProcess

CALL = "from jupyter_auth import UserSession, LoginRequired\ntry:\n    UserSession('idp')\n"
CALL += "except LoginRequired as error:\n    print(type(error).__name__)"


class Lacking(JupyterProcess):
    ready = "is running at"

    def __init__(self, home):
        super().__init__(home, "--KernelSpecManager.ensure_native_kernel=False")
        self.extensions = {}
        self.of_kernel: dict[str, str] = {}

    def environment(self):
        return super().environment() | {
            "JUPYTER_AUTH_CONNECTION": "",
            "JUPYTER_PREFER_ENV_PATH": "0",
            "PYTHONPATH": sysconfig.get_path("purelib"),
        }

    def start(self):
        spec = self.home / "data" / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel = {"argv": argv, "display_name": "x", "language": "python", "env": self.of_kernel}
        spec.write_text(json.dumps(kernel))
        super().start()
        assert eventually(self._listens)
        return self

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def switched_on(folder: Path) -> dict[str, str]:
    """The environment of a kernel that sees a configuration with the extension."""
    folder.mkdir()
    setting = {"ServerApp": {"jpserver_extensions": {"jupyter_auth": True}}}
    (folder / "jupyter_server_config.json").write_text(json.dumps(setting))
    return {"JUPYTER_NO_CONFIG": "", "JUPYTER_CONFIG_PATH": str(folder)}


@pytest.mark.parametrize("where", ["another", "another by uv", "the same", "the same, switched on"])
def test_it_says_which_environment_to_install_into(tmp_path, oidc, where):
    server = Lacking(tmp_path / "home")
    jupyter = Path(sys.executable).with_name("jupyter")
    if where.startswith("another"):
        venv.create(tmp_path / "venv", symlinks=True)
        server.python = str(tmp_path / "venv" / "bin" / "python")
        advice = f"`{server.python} -m pip install jupyter-auth-session`"
        if "uv" in where:
            with (tmp_path / "venv" / "pyvenv.cfg").open("a") as made_by:
                made_by.write("uv = 0.13.9\n")
            advice = f"`uv pip install --python {server.python} jupyter-auth-session`"
    elif "on" in where:
        advice = f"`{jupyter} server extension list`, `jpserver_extensions` in the"
        server.of_kernel = switched_on(tmp_path / "on")
    else:
        advice = f"`{jupyter} server extension enable jupyter_auth`"
    with server, ServerKernel(server) as kernel:
        configure(server.home / "user", oidc)
        first = kernel.run(CALL, allow_stdin=False).text()
        assert advice in first
        assert "LoginRequired" in first  # it looked into the store, and nobody is there to ask
        second = kernel.run(CALL, allow_stdin=False).text()
        assert "LoginRequired" in second
        assert "jupyter_auth:" not in second
        report = kernel.run("%load_ext jupyter_auth\n%auth doctor", allow_stdin=False).text()
        assert "WRONG  Extension" in report
        assert advice.strip("`").split()[-1] in report
