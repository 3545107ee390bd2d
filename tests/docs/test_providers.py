"""What the pages of presets say: commands parse, tables are providers, calls may be sent."""

from __future__ import annotations

import ast
import re
import shlex

import pytest

from generate import presets, providers
from jupyter_auth.core.common.urls import reaching
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands.verbs import VerbUsageError
from jupyter_auth.terminal import PROGRAMS, VERBS, _parser

MADE = {preset.name: preset for preset in presets.presets()}
PAGES = providers.pages()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
each_preset = pytest.mark.parametrize("preset", MADE.values(), ids=MADE)


def page(preset):
    return PAGES[f"providers/{preset.name}.md"]


def blocks(preset, language):
    return [code for named, code in BLOCK.findall(page(preset)) if named == language]


def test_each_preset_has_a_page_and_is_in_the_table():
    assert MADE.keys() == PRESETS.keys() == presets.ABOUT.keys()
    table = PAGES["_generated/presets.md"]
    assert all(f"/{name}.md)" in table for name in MADE)


def test_vendors_are_last_and_what_works_at_once_is_first():
    order = list(MADE)
    assert set(order[-4:]) == {"4insight", "bitfount", "insiders", "insideview"}
    at_once = [name for name, preset in MADE.items() if preset.works_at_once]
    assert order[: len(at_once) - 2] == at_once[:-2]  # but for two vendors


@each_preset
def test_each_command_is_one(preset):
    commands = re.findall(r"`(jupyter auth [^`\n]+)`", page(preset).replace("\\\n", ""))
    commands += [line for code in blocks(preset, "sh") for line in code.splitlines()]
    commands += [line for code in blocks(preset, "python") for line in code.splitlines()]
    found = [words(line) for line in commands]
    found = [each for each in found if each]
    assert found
    for verb in found:
        assert verb[0] in {*VERBS, *PROGRAMS}
        _parser().parse_args(verb)


def words(line):
    """Those of ``jupyter auth`` or ``%auth`` in a line."""
    command = re.search(r"(?:jupyter auth|%auth) ([^)`]+)", line)
    return shlex.split(command[1].replace("…", "x"))[:20] if command else []


def test_a_command_that_is_none_is_seen():
    with pytest.raises(VerbUsageError):
        _parser().parse_args(words("jupyter auth add github --client-identifier x"))


@each_preset
def test_its_configuration_is_a_provider_that_lacks_nothing(preset, tmp_path):
    file = tmp_path / "providers.toml"
    for table in blocks(preset, "toml"):
        file.write_text(table)
    known = Providers(user_file=file).get(preset.name)
    assert known.unset == ()
    assert known.client_id or known.credentials_from or not preset.people
    assert blocks(preset, "toml") or (preset.works_at_once and not preset.set) or not preset.people


@each_preset
def test_its_first_call_is_python_and_goes_where_the_token_may_go(preset):
    for code in blocks(preset, "python"):
        ast.parse("\n".join(line for line in code.splitlines() if not line.startswith("%")))
    assert reaching(preset.provider.api_origins).match(preset.url)
    assert preset.call in page(preset)


@each_preset
def test_there_are_three_troubles_and_no_blank_is_left(preset):
    text = page(preset)
    assert text.partition("## If something goes wrong")[2].count("\n- ") == 3
    assert "{redirect_uri}" not in text
    assert "unset.invalid" not in text
