"""The house: how many files a folder may hold, and that no import goes where none may."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath

import grimp
import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "jupyter_auth", "tests"],
    cwd=ROOT,
    text=True,
    stdout=subprocess.PIPE,
    check=True,
).stdout.splitlines()
# A file that was moved is listed until that is committed.
FILES = [name for name in TRACKED if (ROOT / name).is_file()]
FOLDERS = Counter(str(PurePosixPath(name).parent) for name in FILES)
MODULES = {name: (ROOT / name).read_text("utf-8") for name in FILES if name.endswith(".py")}


@pytest.mark.parametrize("side", ["core", "kernel", "server"])
def test_the_top_of_each_side_has_at_most_10_files(side):
    assert 0 < FOLDERS[f"jupyter_auth/{side}"] <= 10


def test_no_import_goes_in_a_circle_not_even_for_type_checkers():
    graph = grimp.build_graph("jupyter_auth", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 100
    TopologicalSorter(imports).prepare()  # CycleError: it shows one


def test_no_folder_has_more_than_17_files():
    presets = "jupyter_auth/core/provider/presets"  # data, one file for each provider
    assert not {name: n for name, n in FOLDERS.items() if n > 17 and name != presets}


def test_no_module_has_more_than_400_lines():
    lines = {name: text.count("\n") for name, text in MODULES.items()}
    assert len(lines) > 100
    assert not {name: n for name, n in lines.items() if n > 400}


def test_no_test_module_imports_another():
    imported = re.compile(r"^\s*(from|import) [\w.]*\btest_\w+", re.MULTILINE)
    tests = {name: text for name, text in MODULES.items() if name.startswith("tests/")}
    assert not [name for name, text in tests.items() if imported.search(text)]
