"""Each front end's words for the next step: every command that they show is one that runs there."""

from __future__ import annotations

import ast
import re
import shlex
from typing import get_args

import pytest

from jupyter_auth import terminal
from jupyter_auth.cli import TERMINAL
from jupyter_auth.core.errors import SCRIPT, LoginRequired, NextStep, Step, speak
from jupyter_auth.kernel.commands import magic_words
from jupyter_auth.kernel.commands.magic import NOTEBOOK
from jupyter_auth.server.browser.render import PAGES
from kernel.kernel_process import Kernel, environment

TABLES = {"script": SCRIPT, "notebook": NOTEBOOK, "terminal": TERMINAL, "pages": PAGES}
KEY = "my key"
SHOWN = [
    (name, step, NextStep(step, "acme", key).words(table))
    for name, table in TABLES.items()
    for step in get_args(Step)
    for key in ("", KEY)
]


@pytest.mark.parametrize("name", TABLES)
def test_each_front_end_has_words_for_each_step(name):
    assert {*TABLES[name]} == {*get_args(Step)}


@pytest.mark.parametrize(("name", "step", "said"), SHOWN)
def test_what_it_shows_is_what_runs_there(name, step, said):
    assert said.endswith(".")
    assert "%auth" not in said or name == "notebook"
    assert "cell" not in said or name in {"notebook", "pages"}
    assert " page" not in said or name == "pages"
    shown = re.findall("`([^`]+)`", said)
    for command in shown:
        if command.startswith("UserSession("):
            assert isinstance(ast.parse(command, mode="eval").body, ast.Call)
            continue
        parsers = {"%auth": magic_words.line_parser()[0], "jupyter": terminal._parser()}
        first, *words = shlex.split(command)
        words = [word for word in words if word != "auth"]
        given = parsers[first].parse_args([*words, *(["NAME"] if words == ["add"] else [])])
        assert given.name in {"acme", "NAME", None}
        assert "my" not in said or given.key == KEY
    assert (
        shown
        or step in {"make_session", "start_again", "reload", "restart_server"}
        or ((name, step) == ("pages", "name_provider"))
    )


def test_a_process_words_its_errors_as_its_front_end_does():
    step = NextStep("sign_in", "acme", KEY)
    error = LoginRequired("No.", hint="First this.", next_step=step)
    assert str(error) == (
        "No. First this. Sign in with `jupyter auth login acme --key 'my key'` in a terminal."
    )
    speak(lambda: NOTEBOOK)
    there = LoginRequired("No.", next_step=step)
    assert there.hint == "Sign in with `%auth login acme --key 'my key'`."
    assert error.to_wire() == {
        "code": "login_required",
        "message": "No.",
        "hint": "First this.",
        "next_step": {"step": "sign_in", "provider": "acme", "session_key": KEY, "options": ""},
    }


def test_where_nobody_can_be_asked_a_notebook_names_the_terminal(tmp_path):
    """As in Voila, papermill and a scheduler: there nobody runs ``%auth``."""
    cell = "from jupyter_auth import UserSession\nUserSession('github', interactive=False)"
    with Kernel(env=environment(tmp_path)) as kernel:
        assert "`jupyter auth login github` in a terminal" in kernel.run(cell).text()
        kernel.ok("%load_ext jupyter_auth")
        assert "Sign in with `%auth login github`." in kernel.run(cell).text()
        unattended = kernel.result(kernel.send(cell, allow_stdin=False))
        assert "`jupyter auth login github` in a terminal" in unattended.text()
