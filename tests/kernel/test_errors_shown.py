"""How a notebook shows an error: one block, and the traceback one line away."""

from __future__ import annotations

import pytest

from kernel.kernel_process import Kernel

MAKE = """from jupyter_auth import UserSession
def mine():
    return UserSession("githb")
try:
    mine()
except Exception as caught:
    kept = caught
    raise"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel")) as started:
        yield started


def shown(ran):
    assert ran.status == "error"
    return ran.text().splitlines()


def test_an_error_is_one_block_with_the_person_s_own_line(kernel):
    said, hint, line, last = shown(kernel.run(MAKE))
    assert said.startswith("ProviderNotFound: ")
    assert "github" in hint
    assert line == 'Line 3: return UserSession("githb")'
    assert last == "%tb shows the traceback."


def test_the_traceback_is_one_line_away(kernel):
    shown(kernel.run(MAKE))
    full = kernel.ok("%tb").text()
    assert "Traceback" in full
    assert "mine()" in full
    assert "ProviderNotFound" in full
    assert len(shown(kernel.run("raise kept"))) == 4  # another time that it is raised
    kernel.ok("import pickle; pickle.loads(pickle.dumps(kept))")
