"""Each command that a message of this package names is run by a test."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import jupyter_auth
from jupyter_auth import terminal
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands import magic_words
from jupyter_auth.server.hub import cli as hub
from kernel.commands.cli_process import command
from kernel.kernel_process import environment
from patience import PATIENCE

PACKAGE, TESTS = Path(jupyter_auth.__file__).parent, Path(__file__).parents[2]
ADD, CLI, DOCTOR, GUIDES = (
    f"kernel/commands/test_{name}.py::test_" for name in ("add", "cli", "doctor", "guides")
)
THIS = "kernel/commands/test_remedies.py::test_what_is_left_to_do_is_a_command_that_works"
DOCUMENT = "systems/servers/test_client_document.py::test_from_an_address_to_a_tools_answer"
HUB_DOCTOR = "hub/doctor/test_wrong_environments.py::test_where_nothing_is_wrong_it_says_so"
RUN_BY = {  # by the command: `…` is what a message puts there
    "jupyter auth add": f"{GUIDES}add_alone_is_a_form_that_ends_in_a_sign_in",
    "jupyter auth add NAME --issuer URL --client-id ID --base-url …": (
        f"{ADD}through_a_pipe_and_into_ones_own_files"
    ),
    "jupyter auth add NAME --issuer URL --scopes SCOPE … --base-url …": (
        f"{ADD}in_a_notebook_the_secret_is_typed_and_kept_by_the_broker"
    ),
    "jupyter auth add … --client-id ID": THIS,
    "jupyter auth add … --client-id ID --client-secret": THIS,
    "jupyter auth add … --client-secret": THIS,
    "jupyter auth add … --redirect-uri …": THIS,
    "jupyter auth client-document": DOCUMENT,
    "jupyter auth client-document huggingface --url https://you.example/client.json": DOCUMENT,
    "jupyter auth doctor": f"{DOCTOR}the_exit_status_tells_whether_something_is_wrong",
    "jupyter auth doctor …": THIS,
    "jupyter auth hub doctor": HUB_DOCTOR,
    "jupyter auth hub doctor --url …": HUB_DOCTOR,
    "jupyter auth hub rotate-keys": (
        "hub/real_hub/test_service.py"
        "::test_an_administrator_renews_keys_examines_and_signs_a_user_out"
    ),
    "jupyter auth import NAME": "systems/test_import.py::test_4insight_the_one_that_has_no_name",
    "jupyter auth login …": f"{CLI}login_by_link_waits_and_says_who",
    "jupyter auth remove NAME": f"{ADD}a_provider_of_ones_own_is_removed_with_its_sign_in",
    "jupyter auth remove …": f"{ADD}a_provider_of_ones_own_is_removed_with_its_sign_in",
    "jupyter …": f"{CLI}login_by_link_waits_and_says_who",
    "%auth add": f"{GUIDES}a_notebook_that_adds_one_says_the_next_line",
    "%auth add … --client-id ID": f"{ADD}in_a_notebook_the_secret_is_typed_and_kept_by_the_broker",
    "%auth add … --client-secret": f"{ADD}in_a_notebook_the_secret_is_typed_and_kept_by_the_broker",
    "%auth doctor": f"{DOCTOR}in_a_notebook_it_is_a_table",
    "%auth providers": (
        "kernel/commands/test_magic.py::test_providers_are_listed_and_their_titles_are_text"
    ),
    "%auth login …": f"{GUIDES}a_notebook_without_a_server_names_form_and_line",
}


COMMAND = re.compile(r"(?<!`)`((?:jupyter|%auth) [^`\n]+)`(?!`)")  # with one backtick


def named() -> set[str]:
    """The commands between backticks in all texts of the code but its documentation."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", "") for part in node.values]
                text = "".join(part if isinstance(part, str) else "…" for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            found |= {*COMMAND.findall(text)}
    return {re.sub(r"\{[a-z]*\}|<[^>]*>", "…", each) for each in found}


def test_each_command_that_is_named_is_run_by_a_test():
    assert named() == RUN_BY.keys()
    for test in RUN_BY.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("remedy", RUN_BY)
def test_each_command_is_one_that_its_parser_knows(remedy):
    filled = remedy.replace("jupyter …", "jupyter auth login acme").replace("…", "acme")
    first, *words = shlex.split(filled)
    match first, *words:
        case "jupyter", "auth", "hub", *rest:
            hub._parser().parse_args(rest)
        case "jupyter", "auth", *rest:
            terminal._parser().parse_args(rest)
        case "%auth", *rest:
            magic_words.line_parser()[0].parse_args(rest)


def test_what_is_left_to_do_is_a_command_that_works(tmp_path, rogue):
    """After a correction, and where doctor has a note: as it is printed, typed into a shell."""
    env = environment(tmp_path)
    file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"

    def typed(words: str) -> str:
        ran = subprocess.run(
            command(*shlex.split(words)[2:]),
            env=env, input="s3cret\n", capture_output=True, text=True, check=True, timeout=PATIENCE,
        )  # fmt: skip
        return ran.stdout

    typed(f"jupyter auth add acme --issuer {rogue.issuer} --client-id mistyped --client-secret")
    changed = typed("jupyter auth add acme --client-id right")
    assert "The client secret stored for it before is no longer used." in changed
    (add_secret,) = (each for each in COMMAND.findall(changed) if "--client-secret" in each)
    typed(add_secret)
    acme = Providers(user_file=file).get("acme")
    assert (acme.client_id, acme.client_secret.reveal()) == ("right", "s3cret")
    one = acme.redirect_uri
    file.write_text(file.read_text().replace(f'redirect_uri = "{one}"\n', ""))
    noted = typed("jupyter auth doctor acme")
    assert f"In JupyterLab: {one}" in noted
    (register_one,) = (each for each in COMMAND.findall(noted) if "--redirect-uri" in each)
    assert f"Register this redirect URI there: {one}" in typed(register_one)
    assert Providers(user_file=file).get("acme").redirect_uri == one
    typed("jupyter auth add acme --client-id other --client-secret")
    assert Providers(user_file=file).get("acme").client_secret
