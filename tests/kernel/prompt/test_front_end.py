"""Whether a person is there, by what the front ends' own interfaces say."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from jupyter_auth.kernel.prompt.front_end import in_notebook, is_interactive, takes_input


@pytest.mark.parametrize(
    ("mode", "person", "types"),
    [("edit", True, True), ("run", True, False), (None, False, False)],
)
def test_marimo(monkeypatch, mode, person, types):
    """None: a notebook of marimo that runs as a script."""
    marimo = SimpleNamespace(
        running_in_notebook=lambda: mode is not None, app_meta=lambda: SimpleNamespace(mode=mode)
    )
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    monkeypatch.setattr(sys, "stdin", None)
    assert (is_interactive(), in_notebook(), takes_input()) == (person, person, types)


def test_voila_is_one_in_its_kernels_alone(monkeypatch):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")  # a script that such a kernel starts
    monkeypatch.setattr(sys, "stdin", None)
    assert not is_interactive()
