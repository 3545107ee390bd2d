"""Secrets in files and systemd's credentials, and what is warned of (SECURITY 11, 14)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from environments.terminal import run
from jupyter_auth.core.common import private_files
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.client_credentials import exposed, from_environment, secret_of
from jupyter_auth.core.provider.client_credentials import password_from_environment as password
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from kernel.kernel_process import environment
from security.another_user import CAN_BE
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider

NAME = "JUPYTER_AUTH_ACME_CLIENT_SECRET"
FILE = f"{NAME}_FILE"
ACME = {"issuer": "https://login.acme.example", "client_id": "mine"}
# Root, without what makes it root: an ordinary user, whose processes are all alike.
ORDINARY = [shutil.which("setpriv"), "--bounding-set=-all"] if CAN_BE else []
READ = """
import sys
try:
    print(open(f"/proc/{sys.argv[1]}/environ").read())
except PermissionError:
    print("closed")
"""


@pytest.fixture
def file(tmp_path):
    return kept(tmp_path / "acme.secret")


def kept(file: Path, text: str = "s3cret\n", mode: int = 0o600) -> Path:
    file.touch(mode=0o600)
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_file_counts_before_a_credential_and_that_before_the_variable(tmp_path, file):
    environ = {NAME: "plain", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret_of(environ, NAME) == Secret("plain")
    kept(tmp_path / NAME, "credential\r\n", 0o400)
    assert secret_of(environ, NAME) == Secret("credential")
    assert secret_of(environ | {FILE: str(file)}, NAME) == Secret("s3cret")
    assert secret_of({}, NAME) is secret_of({NAME: ""}, NAME) is None
    assert from_environment(environ, "acme").client_secret == Secret("credential")


def test_a_password_can_be_in_one_too(file):
    environ = {"JUPYTER_AUTH_ACME_PASSWORD_FILE": str(file)}
    assert password(environ, "acme") is None  # half of it
    found = password(environ | {"JUPYTER_AUTH_ACME_USERNAME": "rosa"}, "acme")
    assert found == ("rosa", Secret("s3cret"))


@pytest.mark.parametrize("mode", [0o604, 0o622, 0o644, 0o660])
def test_one_that_others_can_read_is_refused_and_the_remedy_works(file, mode):
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match="others can read it") as caught:
        secret_of({FILE: str(file), NAME: "plain"}, NAME)
    subprocess.run(caught.value.hint.partition(": ")[2], shell=True, check=True)  # noqa: S602
    assert secret_of({FILE: str(file)}, NAME) == Secret("s3cret")


if CAN_BE:  # root's files, as systemd and Kubernetes make them for somebody else

    @pytest.mark.parametrize("me", [0, 1000])
    @pytest.mark.parametrize("mode", [0o400, 0o440])
    def test_one_that_is_roots_may_be_read_by_its_group(file, mode, me, monkeypatch):
        file.chmod(mode)
        monkeypatch.setattr(private_files.os, "geteuid", lambda: me)
        assert secret_of({FILE: str(file)}, NAME) == Secret("s3cret")

    def test_but_one_that_is_ones_own_may_not(file, monkeypatch):
        file.chmod(0o640)
        os.chown(file, 1000, -1)
        monkeypatch.setattr(private_files.os, "geteuid", lambda: 1000)
        with pytest.raises(ConfigurationError, match=r"others can read it.*: chmod 600"):
            secret_of({FILE: str(file)}, NAME)

    @pytest.mark.parametrize("mode", [0o444, 0o460, 0o404])
    def test_nor_by_anybody_else(file, mode, monkeypatch):
        file.chmod(mode)
        monkeypatch.setattr(private_files.os, "geteuid", lambda: 1000)
        with pytest.raises(ConfigurationError, match=r"others can read it.*sudo chmod g-wx,o="):
            secret_of({FILE: str(file)}, NAME)


def test_on_a_read_only_mount_the_remedy_is_the_mounts(file, monkeypatch):
    """As Kubernetes and Docker have them: no chmod helps there."""
    file.chmod(0o444)
    read_only = SimpleNamespace(f_flag=os.ST_RDONLY | os.ST_NOSUID)
    monkeypatch.setattr(private_files.os, "statvfs", lambda _: read_only)
    with pytest.raises(ConfigurationError, match="others can read it") as caught:
        secret_of({FILE: str(file)}, NAME)
    assert "chmod" not in caught.value.hint
    assert "`defaultMode: 0400`" in caught.value.hint


def test_credentials_of_another_users_unit_are_none(tmp_path):
    """A service inherits the variable, and may not even look into the directory."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    code = f"""
from jupyter_auth.core.provider.client_credentials import secret_of
print(secret_of({{"CREDENTIALS_DIRECTORY": {str(closed)!r}, {NAME!r}: "plain"}}, {NAME!r}).reveal())
"""
    command = [*ORDINARY, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "plain\n", done.stderr


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda file: file.unlink(), "No such file"),
        (lambda file: file.write_bytes(b"\xff"), "not a text file"),
        (lambda file: file.write_text("\n"), "is empty"),
        (lambda file: (file.unlink(), file.mkdir()), "Is a directory"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_else_takes_its_place(file, make, why):
    make(file)
    providers = Providers({"acme": ACME, "other": ACME}, environ={FILE: str(file), NAME: "plain"})
    with pytest.raises(ConfigurationError, match=why) as caught:
        providers.get("acme")
    assert FILE in str(caught.value)
    assert {each.name: each.source for each in providers.all()}["acme"] == "broken"
    assert providers.get("other").client_secret is None


def test_one_broken_file_hides_no_preset(file):
    file.unlink()
    found = Providers(environ={"JUPYTER_AUTH_BITFOUNT_CLIENT_SECRET_FILE": str(file)}).all()
    sources = {each.name: each.source for each in found}
    assert sources.pop("bitfount") == "broken"
    assert set(sources.values()) == {"preset"}


def test_only_a_secret_itself_is_warned_of():
    assert exposed({NAME: "x", "JUPYTER_AUTH_ACME_CLIENT_ID": "y"}) == [NAME]
    assert exposed({FILE: "/x", NAME: "x", "JUPYTER_AUTH_ACME_PASSWORD_FILE": "/y"}) == []


def test_a_script_has_its_secret_in_a_file(tmp_path, oidc: OidcProvider):
    script = f"""
from jupyter_auth import ClientSession, Provider
acme = Provider(name="acme", issuer={oidc.issuer!r})
print(ClientSession(provider=acme).access_token[:0] + "signed in")
"""
    given = {FILE: str(kept(tmp_path / "secret", oidc.service_secret))}
    env = environment(tmp_path) | given | {"JUPYTER_AUTH_ACME_CLIENT_ID": oidc.service_id}
    env.pop("JPY_PARENT_PID", None)
    assert "signed in" in run(env, "-c", script).stdout


# -- a Jupyter server ------------------------------------------------------------------------------


class OrdinaryServer(JupyterProcess):
    def command(self):
        return [*ORDINARY, *super().command()]

    def seen_by_another(self) -> str:
        """What another process of its user sees of the environment that it was started with."""
        assert self._process is not None
        command = [*ORDINARY, sys.executable, "-c", READ, str(self._process.pid)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def noted(server: JupyterProcess) -> list[dict[str, str]]:
    found = server.kernel().call("GET", "doctor")["findings"]
    return [each for each in found if NAME in each["says"]]


def nightly(server: JupyterProcess) -> str:
    asked = {"provider": "acme", "grant": "client_credentials"}
    return server.kernel().call("POST", "token", asked)["access_token"]


@pytest.fixture
def configured(oidc: OidcProvider):
    service = {"client_id": oidc.service_id}
    return {"providers": {"acme": {"issuer": oidc.issuer, "service": service}}}


def test_a_server_reads_a_file(tmp_path, configured, oidc, monkeypatch):
    monkeypatch.setenv(FILE, str(kept(tmp_path / "secret", f"{oidc.service_secret}\n")))
    with OrdinaryServer(tmp_path / "home", **configured) as server:
        assert oidc.introspect(nightly(server))["active"]
        assert noted(server) == []
        seen = server.seen_by_another()
        assert FILE in seen
        assert oidc.service_secret not in seen
        assert NAME not in server.log.replace(FILE, "")


def test_it_warns_of_a_variable_and_shows_it_to_no_other_process(
    tmp_path, configured, oidc, monkeypatch
):
    monkeypatch.setenv(NAME, oidc.service_secret)
    with OrdinaryServer(tmp_path / "home", **configured) as server:
        assert oidc.introspect(nightly(server))["active"]
        (note,) = noted(server)
        assert (note["state"], FILE in note["fix"]) == ("note", True)
        server.wait_for_log(f"{note['says']} {note['fix']}")
        assert oidc.service_secret not in server.log
        if sys.platform == "linux":
            assert server.seen_by_another().strip() == "closed"
