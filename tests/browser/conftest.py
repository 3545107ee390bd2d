"""One JupyterLab, one provider and one Chromium for all; a context and kernels for each test."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from browser.chromium import chromium, new_context
from browser.lab_providers import campus
from browser.notebook import Notebook
from browser.sign_in_tab import from_jupyter, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

    from browser.lab import Lab
    from providers.oidc import OidcProvider

FAILED = pytest.StashKey[bool]()


class Opener(Protocol):
    def __call__(self, *cells: str) -> Notebook: ...


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shared_lab(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with campus(tmp_path_factory.mktemp("lab"), oidc) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """Nobody is signed in and no kernel runs, before and after."""
    yield shared_lab
    shared_lab.tidy()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    item.stash.setdefault(FAILED, report.failed)
    item.stash[FAILED] |= report.failed
    return report


@pytest.fixture
def hasty_lab(oidc: OidcProvider, tmp_path: Path) -> Iterator[Lab]:
    """One that gives people little time: enough to get to the provider on a busy machine."""
    with campus(tmp_path / "lab", oidc, login_lifetime=40) as lab:
        yield lab
        lab.tidy()


@pytest.fixture
def context(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[BrowserContext]:
    """A browser that nobody has used. A failed test leaves a picture of each of its tabs."""
    context = new_context(browser, viewport={"width": 1100, "height": 800})
    yield context
    if request.node.stash[FAILED]:
        for number, page in enumerate(context.pages):
            page.screenshot(path=tmp_path / f"{number}.png")
            sys.stderr.write(f"{page.url}: see {tmp_path / f'{number}.png'}\n")
    context.close()


@pytest.fixture
def signed_in(lab: Lab, context: BrowserContext) -> Callable[[], None]:
    """Sign alice in without a notebook."""

    def sign_in_at(provider: str = "idp") -> None:
        tab = context.new_page()
        tab.goto(f"{lab.url}/api/status?token={lab.token}")
        from_jupyter(tab, lab.begin(provider))
        sign_in(tab)
        tab.close()

    return sign_in_at


@pytest.fixture
def notebook(lab: Lab, context: BrowserContext, request: pytest.FixtureRequest) -> Opener:
    """Open notebooks with these cells, in one JupyterLab and each with a kernel of its own."""
    opened: list[Notebook] = []

    def open_notebook(*cells: str) -> Notebook:
        name = re.sub(r"\W+", "-", request.node.name).removeprefix("test_").strip("-")
        path = lab.notebook(f"{name}-{len(opened) + 1}", *cells)
        book = opened[0].open_beside(path) if opened else Notebook.open(lab, context, path)
        opened.append(book)
        return book

    return open_notebook
