"""This process, and how its environment affects HTTP requests, for ``doctor``."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.protocol.http import BUNDLES, require_certificates
from jupyter_auth.core.pyodide import IN_PYODIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "jupyter-auth-session"
LIBRARIES = ("requests-oauthlib",) if IN_PYODIDE else ("requests-oauthlib", "joserfc")


def environment() -> Iterator[Finding]:
    """This process: its Python, its packages, and what affects its requests to a provider."""
    yield python()
    more = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    yield Finding(DISTRIBUTION, f"{metadata.version(DISTRIBUTION)} (with {more})")
    yield _proxies()
    yield _netrc()
    yield _certificates()
    yield from _of_ssl()


def python() -> Finding:
    """The interpreter that packages would have to be installed for."""
    return Finding("Python", f"{platform.python_version()} at {sys.executable}")


def _proxies() -> Finding:
    """A proxy's user name and password are left out."""
    found = {kind: urlsplit(url) for kind, url in getproxies().items() if kind in {"https", "all"}}
    if not found:
        return Finding("Proxy", "None: providers are reached directly.")
    where = ", ".join(f"{url.hostname or '?'}:{url.port or ''}" for url in found.values())
    says = f"Providers are reached through {where}; this machine itself never is."
    fix = "If a provider cannot be reached: is that proxy up, or should NO_PROXY name the host?"
    return Finding("Proxy", says, fix, "note")


def _netrc() -> Finding:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    says = f"{file} exists. It never replaces a token." if file.exists() else "None."
    return Finding("netrc", says)


def _certificates() -> Finding:
    variable = next((name for name in BUNDLES if os.environ.get(name)), None)
    if variable is None:
        return Finding("Certificates", f"Those of {DEFAULT_CA_BUNDLE_PATH}.")
    try:
        require_certificates()
    except ConfigurationError as error:
        return wrong("Certificates", error)
    return Finding("Certificates", f"Those of {os.environ[variable]} ({variable}).")


def _of_ssl() -> Iterator[Finding]:
    """What Python's ``ssl``, httpx and urllib trust instead; ``requests`` does not."""
    try:
        require_certificates(("SSL_CERT_FILE",))
    except ConfigurationError as error:
        says = f"{error.message.partition(',')[0]}, which cannot be read. httpx and others use it."
        yield Finding("Certificates", says, error.own_hint, "note")
