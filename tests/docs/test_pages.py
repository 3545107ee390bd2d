"""What the pages say of the code is true. Their snippets are run in ``tests/kernel``."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re

import pytest

import jupyter_auth
from documents import ROOT, documents, page
from generate import reference
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.provider import Provider

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
SYMPTOMS = re.findall(r'^\| .*?"(.+?)".*?\|', page("help/index.md"), re.MULTILINE)


def test_the_schema_is_that_of_the_code():
    text = reference.OPENAPI.read_text(encoding="utf-8")
    assert reference.renewed(text) == text, "run `make reference`"


def test_the_readme_is_short_and_works_on_pypi():
    assert README.count("\n") <= 130
    assert all(link.startswith("https://") for link in LINK.findall(README))


def test_each_field_of_a_provider_has_a_meaning():
    assert all(field.metadata["meaning"] for field in dataclasses.fields(Provider))


def test_each_preset_is_named():
    assert PRESETS.keys() <= {*re.findall(r"`([\w-]+)`", page("providers/index.md"))}


def test_each_public_name_in_a_snippet_exists():
    for document in documents():
        text = document.read_text(encoding="utf-8")
        for names in re.findall(r"from jupyter_auth import ([\w, ]+)", text):
            assert all(hasattr(jupyter_auth, name.strip()) for name in names.split(",")), document


def test_each_file_that_contributing_names_is_there():
    for path in LINK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert path.startswith("https://") or (ROOT / path).exists(), path


@functools.cache
def sentences() -> str:
    """All texts in the code, as they are shown: the parts of one are joined by an ellipsis."""
    found = []
    for file in (ROOT / "jupyter_auth").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
                found.append("".join(map(str, parts)))
    return "\n".join(found)


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_symptom_is_something_that_is_really_said(symptom):
    said = sentences()
    pattern = "…".join(re.escape(part) for part in symptom.strip("… ").split("…"))
    assert re.search(pattern, said), symptom


def test_there_are_symptoms():
    assert len(SYMPTOMS) > 10
