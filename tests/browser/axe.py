"""axe-core, as npm brings it, in a page of the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.lab import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOURCE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ([within, rules]) => {
  const found = await axe.run(within, { runOnly: rules });
  const flaws = found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${id}: ${html} ${any.map((each) => each.message)}`)
  );
  return [flaws, found.passes.length];
}"""


def flaws(page: Page, within: str = "html") -> list[str]:
    """Each violation of WCAG 2.2 AA in what that selector finds, as a line."""
    page.evaluate(SOURCE.read_text())
    found, passed = page.evaluate(RUN, [within, RULES])
    assert passed  # it did look at something
    return found
