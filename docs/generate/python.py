"""The public names of the package, with their docstrings: `reference/{python,exceptions}.md`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import requests

import jupyter_auth
from jupyter_auth.server.http_errors import status_of

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUPS = {
    "Sessions": ("UserSession", "ClientSession"),
    "Tokens for other libraries": ("token", "TokenAuth", "httpx_auth", "credential"),
    "A widget": ("LoginWidget",),
    "Providers": (
        "provider", "Provider", "Header", "Endpoints", "Service", "Paste", "CredentialsFrom",
    ),
    "JupyterHub": ("hub_config", "user_redirect_hook"),
}  # fmt: skip
PLAIN = ("Provider", "Header", "Endpoints", "Service", "Paste", "CredentialsFrom")
"""Their arguments are on the page of a provider's fields."""
EACH = ("AuthError", "Exception", "BaseException", "object")


def pages() -> dict[str, str]:
    errors = [name for name in jupyter_auth.__all__ if _is_exception(getattr(jupyter_auth, name))]
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted([*grouped, *errors]) == sorted(jupyter_auth.__all__), "a name has no place here"
    return {"_generated/python.md": _python(), "_generated/exceptions.md": _exceptions(errors)}


def _python() -> str:
    parts = []
    for title, names in GROUPS.items():
        parts += [f"## {title}\n", *map(_documented, names)]
    return "\n".join(parts)


def _documented(name: str) -> str:
    value = getattr(jupyter_auth, name)
    if not inspect.isclass(value):
        return _rst(f".. autofunction:: jupyter_auth.{name}")
    if name in PLAIN:
        return _rst(f".. autoclass:: jupyter_auth.{name}(...)")
    members = {"UserSession": _of_sessions(value), "LoginWidget": _own(value)}.get(name, ())
    return _rst(f".. autoclass:: jupyter_auth.{name}", members)


def _of_sessions(session: type) -> Iterable[str]:
    """What it has that a session of requests has not; both kinds of sessions have the same."""
    return [each for each in dir(session) if each[0] != "_" and not hasattr(requests.Session, each)]


def _own(value: type) -> Iterable[str]:
    return [each for each in vars(value) if each[0] != "_"]


def _exceptions(names: list[str]) -> str:
    rows = ["| exception | code | HTTP status | is also |", "|---|---|---|---|"]
    for name in names:
        if issubclass(error := getattr(jupyter_auth, name), jupyter_auth.AuthError):
            link = f"{{py:class}}`~jupyter_auth.{name}`"
            rows.append(f"| {link} | `{error.code}` | {status_of(error(''))} | {_bases(error)} |")
    documented = [_rst(f".. autoexception:: jupyter_auth.{name}()") for name in names]
    return "\n".join([*rows, "", *documented])


def _bases(error: type) -> str:
    """What else catches it, but ``AuthError`` and ``Exception``, which catch each."""
    also = [
        base.__name__
        for base in error.__mro__[1:]
        if base.__name__ in jupyter_auth.__all__ or not base.__module__.startswith("jupyter_auth")
    ]
    return ", ".join(f"`{name}`" for name in also if name not in EACH)


def _rst(directive: str, members: Iterable[str] = ()) -> str:
    lines = [directive]
    if members:
        lines += [f"   :members: {', '.join(members)}", "   :inherited-members: Session"]
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def _is_exception(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)
