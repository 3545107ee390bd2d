"""The public names of the package, with their docstrings: `reference/{python,exceptions}.md`."""

from __future__ import annotations

import inspect
from typing import Any

import requests
from traitlets import HasTraits

import jupyter_auth
from jupyter_auth.server.http_errors import status_of

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
MEMBERS = {"LoginWidget": ("session", "on_signed_in")}  # its traits are in its docstring
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
    members = _of_sessions(value) if name == "UserSession" else MEMBERS.get(name, ())
    directives = {each: _directive(inspect.getattr_static(value, each)) for each in members}
    inner = [f"   .. {kind}:: jupyter_auth.{name}.{each}\n" for each, kind in directives.items()]
    return _rst(f".. autoclass:: jupyter_auth.{name}{_signature(value)}\n", *inner)


def _of_sessions(session: type) -> list[str]:
    """What it has that a session of requests has not; both kinds of sessions have the same."""
    return [each for each in dir(session) if each[0] != "_" and not hasattr(requests.Session, each)]


def _directive(member: object) -> str:
    return "autoproperty" if isinstance(member, property) else "automethod"


def _signature(value: type) -> str:
    """That of a widget, which its metaclass hides."""
    if not issubclass(value, HasTraits):
        return ""
    signature = inspect.signature(value.__init__)
    _, *given = signature.parameters.values()
    return str(inspect.Signature([each.replace(annotation=each.empty) for each in given]))


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


def _rst(*directives: str) -> str:
    return "\n".join(["```{eval-rst}", *directives, "```", ""])


def _is_exception(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)
