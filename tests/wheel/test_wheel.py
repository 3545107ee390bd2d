"""The wheel as a user gets it: built, put into an empty environment, and run there."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from readme_renderer import markdown

from providers.oidc import CONFIDENTIAL_CLIENT, SERVICE_CLIENT, USERS

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
LAB = "share/jupyter/labextensions/jupyter-auth-session"
CONFIG = "etc/jupyter/jupyter_server_config.d/jupyter_auth.json"

pytestmark = pytest.mark.timeout(1800)  # the first time, pip downloads what Jupyter Server needs


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment with nothing but the wheel and what it asks for. Node.js is out of order."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{without_node(tmp_path_factory.mktemp('bin'))}{os.environ['PATH']}")
        run(home / "bin" / "pip", "install", "--quiet", wheel)
    return home


def without_node(directory: Path) -> str:
    """For the beginning of PATH: programs in the place of Node.js, that fail."""
    for name in ("node", "npm"):
        (directory / name).write_text("#!/bin/sh\nexit 1\n")
        (directory / name).chmod(0o755)
    return f"{directory}{os.pathsep}"


def test_it_holds_the_package_and_its_configuration_alone(wheel):
    name = f"jupyter_auth_session-{VERSION}"
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    ours = ("jupyter_auth/", f"{name}.dist-info/")
    data = f"{name}.data/data"
    others = [f for f in files if not f.startswith((*ours, f"{data}/{LAB}/"))]
    assert others == [f"{data}/{CONFIG}"]
    assert "jupyter_auth/py.typed" in files
    migrations = "jupyter_auth/server/hub/storage/migrations"  # which Alembic finds as files
    assert {f"{migrations}/env.py", f"{migrations}/versions/schema_1.py"} <= {*files}
    assert not [f for f in files if "__pycache__" in f or "/tests/" in f]


def test_pypi_and_the_extension_manager_show_it_as_it_is(wheel):
    """PyPI renders the README, where no relative link leads anywhere. JupyterLab finds extensions
    by a classifier, and shows their links.
    """
    with zipfile.ZipFile(wheel) as archive:
        said = archive.read(f"jupyter_auth_session-{VERSION}.dist-info/METADATA").decode()
    about = email.message_from_string(said)
    links = re.findall(r'(?:href|src)="([^#"][^"]*)"', markdown.render(about.get_payload()))
    assert {link for link in links if not link.startswith("https://")} == set()
    kind = "Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt"
    assert kind in about.get_all("Classifier")
    urls = dict(each.split(", ") for each in about.get_all("Project-URL"))
    assert urls.keys() == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
    pictures = urls["Source"].replace("github.com", "raw.githubusercontent.com")
    for place in (urls["Documentation"], urls["Source"], pictures):
        assert [link for link in links if link.startswith(place)], place


def test_it_holds_the_labextension_once(wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = [info for info in archive.infolist() if "labextension" in info.filename]
    names = [info.filename.partition(f"{LAB}/")[2] for info in files]
    assert {"package.json", "install.json", "static/style.js"} <= set(names)
    assert len([name for name in names if name.startswith("static/remoteEntry.")]) == 1
    assert sum(info.compress_size for info in files) <= 60_000


def test_the_labextension_has_the_version_of_the_package():
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["version"] == VERSION


SECRETS = [client["client_secret"] for client in (CONFIDENTIAL_CLIENT, SERVICE_CLIENT)]
SECRETS += [user["password"] for user in USERS.values()] + ["PRIVATE KEY"]


def test_it_holds_no_secret_of_the_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for file in archive.namelist():
            content = archive.read(file)
            assert not [s for s in SECRETS if s.encode() in content], file


def test_it_runs_where_nothing_else_is(installed):
    imported = "import jupyter_auth; print(jupyter_auth.__file__)"
    assert str(installed) in run(installed / "bin" / "python", "-I", "-c", imported)
    assert VERSION in run(installed / "bin" / "jupyter", "auth", "--version")
    run(installed / "bin" / "pip", "check")


def test_a_wheel_made_from_the_sdist_needs_no_node(tmp_path, monkeypatch):
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, ROOT)
    [sdist] = tmp_path.glob("*.tar.gz")
    assert_nothing_of_the_tests(sdist)
    monkeypatch.setenv("PATH", f"{without_node(tmp_path)}{os.environ['PATH']}")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, sdist)
    [made] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        assert [f for f in archive.namelist() if f.endswith(f"{LAB}/static/style.js")]


def assert_nothing_of_the_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            content = archive.extractfile(member).read()
            assert not [s for s in SECRETS if s.encode() in content], member.name
            assert "/tests/" not in member.name


def test_the_extension_is_enabled_by_its_data_file(installed):
    config = json.loads((installed / CONFIG).read_text())
    assert config["ServerApp"]["jpserver_extensions"]["jupyter_auth"] is True
    listed = run(installed / "bin" / "jupyter", "server", "extension", "list")
    plain = re.sub(r"\x1b\[\d+m", "", listed)
    assert "jupyter_auth enabled" in plain
    assert f"jupyter_auth {VERSION} OK" in plain
