"""What the README says of the code is true. Its snippets are run in ``tests/kernel``."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re

import pytest

import jupyter_auth
from core.reference import README, WRITTEN, renewed
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.provider import Provider

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")
SYMPTOMS = re.findall(r'^\| .*?"(.+?)".*?\|', TEXT.partition("## When something")[2], re.MULTILINE)


@pytest.mark.parametrize("document", WRITTEN, ids=lambda document: document.name)
def test_the_reference_is_that_of_the_code(document):
    text = document.read_text(encoding="utf-8")
    assert renewed(text, **WRITTEN[document]) == text, "run `make reference`"


def test_each_field_of_a_provider_has_a_meaning():
    assert all(field.metadata["meaning"] for field in dataclasses.fields(Provider))


def test_each_preset_is_named():
    section = TEXT.partition("### Providers known by name")[2].partition("###")[0]
    assert PRESETS.keys() <= {*re.findall(r"`([\w-]+)`", section)}


def test_each_public_name_in_a_snippet_exists():
    for names in re.findall(r"from jupyter_auth import ([\w, ]+)", TEXT):
        for name in names.split(","):
            assert getattr(jupyter_auth, name.strip())


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_each_file_that_is_linked_or_shown_is_there(document):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text(encoding="utf-8"))
    assert links
    for path in links:
        assert path.startswith("https://") or (ROOT / path).is_file(), path


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
