"""The same JupyterLab, provider and Chromium as ``tests/browser`` has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import (  # noqa: F401 (fixtures and a hook)
    browser,
    context,
    lab,
    notebook,
    pytest_runtest_makereport,
    shared_lab,
    signed_in,
)
from browser.notebook import Notebook

if TYPE_CHECKING:
    from browser.conftest import Opener


@pytest.fixture
def notebook_alone(lab, context, request) -> Opener:  # noqa: F811 (fixtures)
    """Open a notebook with these cells in Notebook 7."""

    def open_notebook(*cells: str) -> Notebook:
        path = lab.notebook(f"alone-{abs(hash(request.node.name))}", *cells)
        return Notebook.open_alone(lab, context, path)

    return open_notebook


@pytest.fixture(params=["lab", "notebook 7"])
def opened(request, notebook, notebook_alone) -> Opener:  # noqa: F811 (fixtures)
    """Either of the two."""
    return notebook if request.param == "lab" else notebook_alone
