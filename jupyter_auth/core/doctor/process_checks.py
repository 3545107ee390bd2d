"""What this process is and what its environment makes of HTTP requests, for ``doctor``."""

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

from jupyter_auth.core.common.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "jupyter-auth-session"
LIBRARIES = ("requests-oauthlib", "joserfc")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in the order that requests looks at them


def environment() -> Iterator[Finding]:
    """This process: its Python, its packages, and what stands between it and a provider."""
    yield python()
    yield Finding(about=DISTRIBUTION, says=_versions())
    yield _proxies()
    yield _netrc()
    yield _certificates()


def python() -> Finding:
    """The interpreter, by the path at which something would have to be installed for it."""
    return Finding(about="Python", says=f"{platform.python_version()} at {sys.executable}")


def _versions() -> str:
    more = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return f"{metadata.version(DISTRIBUTION)} (with {more})"


def _proxies() -> Finding:
    """A proxy's user name and password are left out."""
    found = {kind: urlsplit(url) for kind, url in getproxies().items() if kind in {"https", "all"}}
    if not found:
        return Finding(about="Proxy", says="None: providers are reached directly.")
    where = ", ".join(f"{url.hostname or '?'}:{url.port or ''}" for url in found.values())
    return Finding(
        about="Proxy",
        says=f"Providers are reached through {where}; this machine itself never is.",
        fix="If a provider cannot be reached: is that proxy up, or should NO_PROXY name the host?",
        state="note",
    )


def _netrc() -> Finding:
    place = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    if not place.exists():
        return Finding(about="netrc", says="None.")
    return Finding(about="netrc", says=f"{place} is there. It never replaces a token of ours.")


def _certificates() -> Finding:
    variable = next((name for name in BUNDLES if os.environ.get(name)), None)
    if variable is None:
        return Finding(about="Certificates", says=f"Those of {DEFAULT_CA_BUNDLE_PATH}.")
    bundle = os.environ[variable]
    if os.access(bundle, os.R_OK):
        return Finding(about="Certificates", says=f"Those of {bundle} ({variable}).")
    return Finding(
        about="Certificates",
        says=f"{variable} names {bundle}, which cannot be read: no https request will work.",
        fix=f"Let {variable} name your organisation's bundle in PEM format, or unset it.",
        state="wrong",
    )
