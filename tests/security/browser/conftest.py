"""A JupyterLab and a Chromium for attacks whose victim is a browser: as in ``tests/browser``."""

from browser.conftest import (
    browser,
    context,
    hasty_lab,
    lab,
    notebook,
    pytest_runtest_makereport,
    shared_lab,
    signed_in,
)

__all__ = [
    "browser",
    "context",
    "hasty_lab",
    "lab",
    "notebook",
    "pytest_runtest_makereport",
    "shared_lab",
    "signed_in",
]
