"""What proves who somebody is is compared in constant time. SECURITY 2, 5, 18.

No clock shows that on a busy machine. So this reads the code: the comparisons that have to be of
that kind are, and no secret is compared in another way.
"""

from __future__ import annotations

import ast
import functools
from collections import Counter
from pathlib import Path

import pytest

import jupyter_auth

ROOT = Path(jupyter_auth.__file__).parent
COMPARISONS = {
    "core/secret.py:__eq__": 1,  # two secrets, whoever compares them
    "core/login/openings.py:take": 2,  # a browser's binding, and its user
    "core/login/logins.py:take_held": 1,  # the browser that signed in, which alone says yes
    "server/browser/login_page.py:_checked_proof": 1,  # and what it was shown
    "core/login/loopback/pages.py:knows": 1,  # a browser's binding, where there is no server
    "core/protocol/id_token.py:_same": 1,  # nonce and at_hash
    "server/kernel_api/handlers.py:broker": 1,  # the key of the kernel API
    "server/hub/take_login/door.py:prepare": 1,  # the service's own token
    "server/hub/app.py:accepts": 1,  # the session of an OAuth state
}


@functools.cache
def functions() -> list[tuple[str, ast.AST]]:
    return [
        (f"{path.relative_to(ROOT).as_posix()}:{node.name}", node)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def calls(node: ast.AST, name: str) -> int:
    made = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return sum(isinstance(func, ast.Attribute) and func.attr == name for func in made)


@pytest.mark.parametrize("place", COMPARISONS)
def test_each_proof_is_compared_in_constant_time(place: str) -> None:
    found: Counter[str] = Counter()
    for name, node in functions():
        found[name] += calls(node, "compare_digest")
    assert found[place] == COMPARISONS[place]


def test_no_secret_is_compared_in_any_other_way() -> None:
    for name, function in functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and {*map(type, node.ops)} & {ast.Eq, ast.NotEq}:
                assert not calls(node, "reveal"), f"{name}: {ast.unparse(node)}"
