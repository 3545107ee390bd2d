"""What the README says of the code is true."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from jupyter_auth.core.models import Provider
from jupyter_auth.server.config import JupyterAuth

README = (Path(__file__).parents[2] / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def trait_table() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, trait in sorted(JupyterAuth.class_own_traits(config=True).items()):
        text = " ".join(str(trait.help).split())
        rows.append(f"| `{name}` | `{trait.default_value_repr()}` | {text} |")
    return "\n".join(rows)


def test_the_settings_are_those_of_the_code():
    said = re.search(r"<!-- traits.*?-->\n(.*?)\n<!-- /traits -->", README, re.DOTALL)[1]
    assert said == trait_table()


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(Provider)])
def test_each_field_of_a_provider_is_told(field):
    assert f"`{field}`" in README or field == "name"


@pytest.mark.parametrize("snippet", PYTHON)
def test_each_snippet_is_python(snippet):
    lines = [line for line in snippet.splitlines() if not line.startswith("%")]
    ast.parse("\n".join(lines))


def test_each_public_name_in_a_snippet_exists():
    import jupyter_auth

    for names in re.findall(r"from jupyter_auth import ([\w, ]+)", README):
        for name in names.split(","):
            assert getattr(jupyter_auth, name.strip())


def test_each_picture_is_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (Path(__file__).parents[2] / path).is_file(), path
