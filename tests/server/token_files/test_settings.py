"""How ``c.JupyterAuth.token_files`` is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.server.token_files.settings import VARIABLE, TokenFile, read_token_files

if TYPE_CHECKING:
    from jupyter_auth.core.errors import ConfigurationError


def _read(said: Any, **environ: str) -> tuple[tuple[TokenFile, ...], list[str]]:
    problems: list[ConfigurationError] = []
    return read_token_files(said, environ, problems), [str(each) for each in problems]


def test_a_path_a_table_and_the_place_of_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    table = {"path": "$HOME/id", "token": "id_token", "variable": "AWS_FILE", "session_key": "work"}
    found, problems = _read({"acme": "~/t/a", "b": [True, table]}, XDG_RUNTIME_DIR="/run/user/7")
    assert problems == []
    assert found == (
        TokenFile(provider="acme", path=Path("/home/alice/t/a")),
        TokenFile(
            provider="b",
            path=Path(f"/run/user/7/bt_u{os.geteuid()}"),
            variable="BEARER_TOKEN_FILE",
        ),
        TokenFile(
            provider="b",
            path=Path("/home/alice/id"),
            token="id_token",
            variable="AWS_FILE",
            session_key="work",
        ),
    )


def test_those_of_the_hub_count_where_none_are_set() -> None:
    told = {VARIABLE: json.dumps({"acme": "/run/a"})}
    assert [each.path for each in _read(None, **told)[0]] == [Path("/run/a")]
    assert _read({}, **told) == ((), [])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"a": 5}, "'a' in c.JupyterAuth.token_files: it must be True, a path"),
        ({"a": False}, "it must be True, a path"),
        ({"a": "token"}, "`path` must be absolute"),
        ({"a": "$NOT_SET/token"}, "`path` must be absolute"),
        ({"a": {"path": "/a", "mode": "0644"}}, "there is no 'mode'"),
        ({"a": {"path": "/a", "token": "refresh_token"}}, "must be access_token or id_token"),
        ({"a": {"path": "/a", "variable": "A=B"}}, "`variable` must be the name"),
        ({"a": ["/a", "/a"]}, "another token is kept in /a"),
    ],
)
def test_what_is_wrong_is_said_and_left_out(given: Any, says: str) -> None:
    found, (problem,) = _read({**given, "right": "/right"})
    assert says in problem
    assert Path("/right") in [each.path for each in found]


def test_what_is_no_json_is_said() -> None:
    assert "it must be True, a path" in _read(None, **{VARIABLE: "{"})[1][0]
