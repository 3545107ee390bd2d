"""A JupyterLite site with this package's wheel, built and served on this machine alone.

What a browser would get from a CDN (Pyodide) and from PyPI (wheels) is on the site too.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

import nbformat

from browser.notebook import Notebook
from processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

HERE = Path(__file__).parent
ENVIRONMENT = Path(sys.prefix) / "pyodide"  # made by `make`
PYODIDE = HERE / "pyodide" / "node_modules" / "pyodide"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Nothing is printed."""


class Site:
    """The site at ``url``, with one notebook of these cells; in ``home``, with that wheel."""

    def __init__(self, home: Path, wheel: Path, *cells: str) -> None:
        self.notebook = home / "files" / "first.ipynb"
        self._place = home / "site"
        self.notebook.parent.mkdir()
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)"}
        nbformat.write(made, self.notebook)
        put_pyodide(home / "static" / "pyodide")
        shutil.copytree(ENVIRONMENT / "wheels", home / "pypi")
        shutil.copy(wheel, home / "pypi")
        config = {"jupyter-config-data": {"exposeAppInBrowser": True}}
        config |= {"jupyter-lite-schema-version": 0}
        (home / "jupyter-lite.json").write_text(json.dumps(config))
        build = [ENVIRONMENT / "bin" / "jupyter", "lite", "build", "--apps", "notebooks"]
        build += ["--contents", "files", "--output-dir", self._place, "--no-sourcemaps"]
        build += ["--no-libarchive", f"--LiteBuildConfig.federated_extensions={wheel}"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(build, cwd=home, text=True, check=False, **pipes)
        assert done.returncode == 0, done.stdout

    def __enter__(self) -> Self:
        handler = functools.partial(Quiet, directory=str(self._place))
        self._server = ThreadingHTTPServer(("127.0.0.1", free_port()), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.callback = f"{self.url}/extensions/jupyter-auth-session/static/callback.html"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def open(self, context: BrowserContext) -> Notebook:
        """Its notebook, once its kernel runs: Python starts in the browser."""
        page = context.new_page()
        page.goto(f"{self.url}/notebooks/index.html?path={self.notebook.name}")
        return Notebook(self, page, self.notebook)._ready()


def put_pyodide(place: Path) -> None:
    """npm's Pyodide, whose lock file names only what is there: its installer."""
    shutil.copytree(PYODIDE, place)
    [installer] = (ENVIRONMENT / "wheels").glob("micropip-*.whl")
    shutil.copy(installer, place)
    lock = json.loads((place / "pyodide-lock.json").read_text())
    entry = {
        "name": "micropip",
        "version": installer.name.split("-")[1],
        "file_name": installer.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(installer.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": ["micropip"],
        "depends": [],
        "unvendored_tests": False,
    }
    (place / "pyodide-lock.json").write_text(json.dumps(lock | {"packages": {"micropip": entry}}))
