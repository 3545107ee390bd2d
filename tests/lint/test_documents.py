"""The documents name files that are there: whoever moves one moves its name too."""

from __future__ import annotations

import re

import pytest

from documents import ROOT, documents

PACKAGE = ROOT / "jupyter_auth"
PATHS = re.compile(
    r"(?<![\w/.@-])((?:jupyter_auth|core|kernel|server|demo|tests|labextension|docs|binder|\.github|\.ci)"
    r"/[\w./-]*)"
)


@pytest.mark.parametrize(
    "document", [*documents(), ROOT / "SECURITY.md"], ids=lambda file: file.stem
)
def test_each_path_is_there(document):
    text = document.read_text(encoding="utf-8")
    named = {path.rstrip(".") for path in PATHS.findall(text)}
    missing = {each for each in named if not any((at / each).exists() for at in (ROOT, PACKAGE))}
    assert not missing


def test_the_architecture_has_paths_to_look_at():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    architecture = text.partition("## Architecture")[2].partition("\n## ")[0]
    assert len(set(PATHS.findall(architecture))) > 30
