"""Help, the right usage line, and what a shell completes."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from jupyter_auth import terminal
from jupyter_auth.kernel.commands import magic_words
from jupyter_auth.kernel.commands.magic import AuthMagics
from kernel.commands.cli_process import run
from kernel.kernel_process import environment
from patience import PATIENCE

PARSERS = {"jupyter auth": terminal._parser(), "%auth": magic_words.line_parser()[0]}
OF_THEIR_OWN = {"demo", "hub"}  # they have a parser of their own
WITHOUT_EXTRAS = """
import sys
needed = ["sqlalchemy", "jupyterhub", "cryptography", "psycopg", "jupyterlab", "oidc_provider_mock"]
sys.modules.update(dict.fromkeys(needed))  # as if none of them were installed
from jupyter_auth.cli import main
sys.exit(main(sys.argv[1:]))
"""
SHELL = """
eval "$(register-python-argcomplete $1)"
COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
_python_argcomplete "$1"
echo "${COMPREPLY[*]}"
"""


@pytest.mark.parametrize(
    ("prog", "verb"), [(prog, verb) for prog, whole in PARSERS.items() for verb in whole.verbs]
)
def test_each_verb_has_examples_that_are_right(prog, verb):
    parser = PARSERS[prog].verbs[verb]
    assert parser.examples or verb in OF_THEIR_OWN
    for example in parser.examples:
        assert f"  {prog} {verb} {example}".rstrip() in parser.format_help()
        PARSERS[prog].parse_args([verb, *shlex.split(example)])


def test_what_a_notebook_shows_fits_a_screen():
    assert len(AuthMagics.auth.__doc__.splitlines()) <= 24
    assert len(PARSERS["%auth"].format_help().splitlines()) <= 24


def test_help_and_usage_are_those_of_the_verb(tmp_path):
    env = environment(tmp_path)
    assert run(env, "--help", "login").stdout.startswith("usage: jupyter auth login ")
    said = run(env, "status", "--jsno", status=2).stderr
    assert "Unrecognized: --jsno (did you mean --json?). Usage: jupyter auth status [-h]" in said


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["hub", "--help"], 0, "usage: jupyter auth hub"),
        (["demo", "--help"], 0, "usage: jupyter auth demo"),
        (["hub", "doctor"], 1, "is not installed. pip install 'jupyter-auth-session[hub]'"),
        (["demo"], 1, "Packages are missing. Run: pip install 'jupyter-auth-session[demo]'"),
    ],
)
def test_help_needs_no_extra(tmp_path, words, status, said):
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, *words],
        env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert ran.returncode == status
    assert said in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("jupyter-auth login gi", "github gitlab"),
        ("jupyter auth login --fo", "--force"),  # by jupyter_core, which hands it on
        ("jupyter auth login acme --grant d", "device_code"),
    ],
)
def test_a_shell_completes_verbs_options_and_providers(tmp_path, words, completed):
    env = environment(tmp_path)
    run(
        env,
        *[
            "add",
            "acme",
            "--issuer",
            "https://a.example",
            "--client-id",
            "x",
            "--grants",
            "device_code",
        ],
    )
    ran = subprocess.run(
        ["bash", "-c", SHELL, "bash", *words.split()],
        env=env | {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin"},
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ran.stdout.split() == completed.split()
