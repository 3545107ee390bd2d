"""The lists of guards are those of this code. That each is needed is for `make guards` to show."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from security.guards.listed import ROOT, guards, place_of, unguarded
from security.guards.table import SECURITY, renewed

GUARDS = guards()
PROMISES = set(range(1, 27))


@pytest.mark.parametrize("file", sorted({guard.file for guard in GUARDS}))
def test_each_guard_is_where_the_list_says(file):
    source = (ROOT / file).read_text(encoding="utf-8")
    for guard in (each for each in GUARDS if each.file == file):
        without = guard.removed_from(source)
        assert without != source, guard
        if file.endswith(".py"):
            assert guard.old.strip() in place_of(source, guard.function), guard
            ast.parse(without)


def test_each_test_exists():
    ids = sorted({guard.test for guard in GUARDS})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *ids], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_no_guard_is_listed_twice():
    places = [(guard.file, guard.old, guard.new) for guard in GUARDS]
    assert len(set(places)) == len(places)


def test_each_promise_has_a_guard_or_a_reason():
    guarded = {guard.promise for guard in GUARDS}
    assert guarded | unguarded().keys() == PROMISES
    assert not guarded & unguarded().keys()


def test_the_promises_and_the_table_are_in_the_document():
    text = SECURITY.read_text(encoding="utf-8")
    assert {int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)} == PROMISES
    assert renewed(text) == text, "run `make reference`"
