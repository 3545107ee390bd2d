"""One notebook in JupyterLab, driven by JupyterLab's own commands and seen as a person sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import nbformat
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode
    from playwright.sync_api import BrowserContext, Locator, Page

    from browser.lab import Lab

# What each script begins with: `book` is the notebook's panel, or undefined where it is not open.
BOOK = """
  const book = [...jupyterapp.shell.widgets("main")].find((panel) => panel.context?.path === path);
  const kernel = book?.sessionContext?.session?.kernel;
"""
BUSY = re.compile(r"\[\*\]")
STARTING = (
    120_000  # milliseconds that JupyterLab and a kernel may take, where much else is going on
)


class Notebook:
    """``path`` is the file; ``page`` is the tab with the JupyterLab that it is open in."""

    place = "lab/workspaces/{path.stem}/tree/{path.name}"

    def __init__(self, lab: Lab, page: Page, path: Path) -> None:
        self.lab = lab
        self.page = page
        self.path = path
        self._runs = 0

    # -- opening ---------------------------------------------------------------------------------

    @classmethod
    def open(cls, lab: Lab, context: BrowserContext, path: Path) -> Self:
        """Open the file as somebody who is signed in to Jupyter, in a workspace of its own."""
        page = context.new_page()
        page.goto(f"{lab.url}/{cls.place.format(path=path)}?token={lab.token}")
        return cls(lab, page, path)._ready()

    @classmethod
    def open_alone(cls, lab: Lab, context: BrowserContext, path: Path) -> Self:
        """Open the file in Notebook 7, which shows one document in each tab of the browser."""
        page = context.new_page()
        page.goto(f"{lab.url}/notebooks/{path.name}?token={lab.token}")
        return cls(lab, page, path)._ready()

    def open_beside(self, path: Path) -> Notebook:
        """Open another file in the same JupyterLab; it is in front then."""
        self.page.evaluate(
            "path => { jupyterapp.commands.execute('docmanager:open', { path }) }", path.name
        )
        return Notebook(self.lab, self.page, path)._ready()

    def reload(self) -> None:
        """What F5 does, where the person answers that unsaved changes may go."""
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.page.reload()
        self.wait_until("kernel")

    def _ready(self) -> Self:
        self.wait_until("kernel")
        self.wait_until("kernel.info.then(() => true)")
        return self

    def wait_until(self, condition: str) -> None:
        """Wait until that expression of JavaScript holds; see ``BOOK`` for what it can name."""
        script = f"path => {{ if (!window.jupyterapp) return false; {BOOK} return {condition}; }}"
        self.page.wait_for_function(script, arg=self.path.name, timeout=STARTING)

    # -- running ---------------------------------------------------------------------------------

    def show(self) -> None:
        """Bring it to the front of its JupyterLab, and that to the front of the browser."""
        self.page.bring_to_front()
        self._script("jupyterapp.shell.activateById(book.id);")

    def command(self, name: str) -> None:
        """Run a command of JupyterLab here, and wait until it is done."""
        self.show()
        self._script("await jupyterapp.commands.execute(given);", name)

    def start(self, *cells: int) -> None:
        """Run these cells, or all of them, without waiting."""
        self.show()
        self._runs += 1
        self._script(
            """
            const { cells, run } = given;
            book.content.deselectAll();
            for (const [index, cell] of cells.entries()) {
              if (index === 0) book.content.activeCellIndex = cell;
              book.content.select(book.content.widgets[cell]);
            }
            const command = cells.length ? "notebook:run-cell" : "notebook:run-all-cells";
            jupyterapp.commands.execute(command).then(() => { book.ran = run; });
            """,
            {"cells": cells, "run": self._runs},
        )

    def finished(self) -> None:
        """Wait until what ``start`` began is done, well or not."""
        self.wait_until(f"book.ran === {self._runs}")

    def run(self, *cells: int) -> None:
        """Run these cells, or all of them, and wait until they are done."""
        self.start(*cells)
        self.finished()

    def interrupt(self) -> None:
        """What the stop button does."""
        self.command("notebook:interrupt-kernel")

    def _script(self, body: str, given: Any = None) -> None:
        script = f"async ([path, given]) => {{ {BOOK} {body} }}"
        self.page.evaluate(script, [self.path.name, given])

    # -- what is to be seen ----------------------------------------------------------------------

    def cell(self, index: int) -> Locator:
        """A cell of the notebook in front."""
        front = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
        return front.locator(".jp-CodeCell").nth(index)

    def output(self, index: int) -> Locator:
        """All outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def is_waiting(self, index: int) -> None:
        """Wait until the cell is seen to be under way or to wait for its turn."""
        expect(self.cell(index).locator(".jp-InputPrompt")).to_have_text(BUSY)

    # -- what is saved ---------------------------------------------------------------------------

    def save(self) -> NotebookNode:
        """Save, and read what was written."""
        self.command("docmanager:save")
        return nbformat.read(self.path, nbformat.NO_CONVERT)


class Notebook7(Notebook):
    """The same in Notebook 7: a page for each notebook. JupyterLab's server has both."""

    place = "notebooks/{path.name}"
