"""The same JupyterLab, provider and Chromium as ``tests/browser`` has."""

from __future__ import annotations

from browser.conftest import (  # noqa: F401 (fixtures and a hook)
    browser,
    context,
    lab,
    notebook,
    pytest_runtest_makereport,
    shared_lab,
    signed_in,
)
