"""``c.JupyterAuth.token_files``: by account a path, a table, True, or a list of those."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "JUPYTER_AUTH_TOKEN_FILES"  # of `hub_config`: the same, as JSON
DISCOVERY = "BEARER_TOKEN_FILE"  # WLCG Bearer Token Discovery
ACCESS_TOKEN, ID_TOKEN = "access_token", "id_token"


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """Where which token of which account is kept. ``variable`` names the path to kernels."""

    provider: str
    path: Path
    token: str = ACCESS_TOKEN
    variable: str = ""
    session_key: str = DEFAULT_KEY
    resource: str = ""


def read_token_files(
    said: Mapping[str, Any] | None,
    environ: Mapping[str, str],
    problems: list[ConfigurationError],
) -> tuple[TokenFile, ...]:
    """The configured files, else those of ``hub_config``. ``problems`` has what is wrong."""
    if said is None:
        try:
            said = json.loads(environ.get(VARIABLE) or "{}")
        except ValueError:
            said = {"?": None}
    found: dict[Path, TokenFile] = {}
    for name, table in _tables(said):
        try:
            file = _token_file(name, table, environ)
        except ValueError as error:
            problems.append(_wrong(name, str(error)))
            continue
        if file.path in found:
            problems.append(_wrong(name, f"another token is kept in {file.path}"))
        found.setdefault(file.path, file)
    return tuple(found.values())


def _tables(said: Any) -> Iterator[tuple[str, Any]]:
    for name, given in said.items() if isinstance(said, dict) else [("?", None)]:
        for each in given if isinstance(given, list) else [given]:
            yield str(name), {"path": each} if isinstance(each, str) else each


def _token_file(name: str, table: Any, environ: Mapping[str, str]) -> TokenFile:
    """ValueError: it is wrong."""
    if table is True:
        place = environ.get("XDG_RUNTIME_DIR") or jupyter_runtime_dir()
        table = {"path": f"{place}/bt_u{getattr(os, 'geteuid', int)()}", "variable": DISCOVERY}
    known = {each.name for each in fields(TokenFile)} - {"provider"}
    if not isinstance(table, dict) or not all(isinstance(each, str) for each in table.values()):
        raise ValueError("it must be True, a path, a dict of strings, or a list of those")
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"there is no {unknown[0]!r:.80}; there are {', '.join(known)}")
    if table.get("token", ACCESS_TOKEN) not in {ACCESS_TOKEN, ID_TOKEN}:
        raise ValueError(f"`token` must be {ACCESS_TOKEN} or {ID_TOKEN}")
    if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", table.get("variable", "")):
        raise ValueError("`variable` must be the name of an environment variable")
    path = Path(os.path.expandvars(table.get("path", ""))).expanduser()
    if not path.is_absolute() or "$" in str(path):
        raise ValueError("`path` must be absolute, or begin with ~ or a variable that is set")
    return TokenFile(provider=name, **table | {"path": path})


def _wrong(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name!r:.80} in c.JupyterAuth.token_files: {why}.",
        hint="Correct it and restart the server; until then it is left out.",
    )
