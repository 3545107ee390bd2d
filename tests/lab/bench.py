"""``make bench``: what the labextension adds to JupyterLab's start.

``python -m lab.bench`` prints milliseconds of the main thread: what the plugins measure themselves
(``performance.measure``), and all in which a profiler sees our scripts, loading included.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from bench.measure import Figure
from browser.chromium import chromium
from browser.lab_providers import campus
from browser.pages.every_page import visitor
from providers.oidc import OidcProvider

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from browser.lab import Lab

ROUNDS = 7
LIMIT = 50.0  # milliseconds
OURS = "/jupyter-auth-session/"
MEASURES = """() => performance.getEntriesByType("measure")
  .filter(({ name }) => name.startsWith("jupyter-auth-session:"))
  .reduce((sum, { duration }) => sum + duration, 0)"""


def profiled(profile: dict[str, Any]) -> float:
    """Milliseconds in which a script of ours was on the stack."""
    parents = {child: node["id"] for node in profile["nodes"] for child in node.get("children", ())}
    urls = {node["id"]: node["callFrame"]["url"] for node in profile["nodes"]}

    def ours(node: int | None) -> bool:
        while node is not None:
            if OURS in urls[node]:
                return True
            node = parents.get(node)
        return False

    times = [profile["startTime"]]
    for delta in profile["timeDeltas"]:
        times.append(times[-1] + delta)
    spans = [after - before for before, after in pairwise(times[1:])]
    return sum(s for node, s in zip(profile["samples"], spans, strict=False) if ours(node)) / 1000


def start(browser: Browser, lab: Lab) -> tuple[float, float]:
    """One start in a browser that knows nothing: measured, and profiled."""
    with visitor(browser, lab, "light") as page:
        tools = page.context.new_cdp_session(page)
        tools.send("Profiler.enable")
        tools.send("Profiler.setSamplingInterval", {"interval": 100})
        tools.send("Profiler.start")
        page.goto(f"{lab.url}/lab")
        expect(page.locator(".jupyter-auth-status")).to_be_attached()
        profile = tools.send("Profiler.stop")["profile"]
        return page.evaluate(MEASURES), profiled(profile)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        OidcProvider() as oidc,
        campus(Path(home), oidc) as lab,
        chromium() as browser,
    ):
        samples = [start(browser, lab) for _ in range(ROUNDS)]
    for name, found in zip(
        ("measured by the plugins", "profiled"), zip(*samples, strict=True), strict=True
    ):
        figure = Figure(f"JupyterLab's start, main thread, {name}", found, "ms", LIMIT)
        sys.stdout.write(f"{figure}\n")


if __name__ == "__main__":
    main()
