"""The pages under each look, by keyboard, and from another site."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser import axe, cells
from browser.pages.every_page import LOOKS, Tour, visitor
from browser.sign_in_tab import from_jupyter, sign_in

# What of the page sticks out to the side, and what text has too little contrast (WCAG 2.2, 1.4.3:
# 4.5 to 1). Colours are drawn to a canvas: a browser tells them in many notations.
FLAWS = """() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colors) => {
    pixel.clearRect(0, 0, 1, 1);
    for (const color of colors) { pixel.fillStyle = color; pixel.fillRect(0, 0, 1, 1); }
    return pixel.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
    const c = rgb[index] / 255;
    return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const flaws = [];
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) flaws.push(`${width} pixels wide`);
  for (const node of document.querySelectorAll("header *, main *, footer")) {
    const own = [...node.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own.length || !node.checkVisibility() || node.disabled) continue;
    const behind = ["white"];
    for (let up = node; up; up = up.parentElement) {
      behind.splice(1, 0, getComputedStyle(up).backgroundColor);
    }
    const [text, ground] = [over([...behind, getComputedStyle(node).color]), over(behind)];
    const [a, b] = [luminance(text), luminance(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) flaws.push(`${own[0].textContent.trim()}: contrast ${contrast.toFixed(1)}`);
  }
  return flaws;
}"""
# What it does not say: whose page it is, what is sent where, in its title what has happened.
UNSAID = """() => {
  const says = (...selectors) =>
    selectors.map((each) => document.querySelector(each)).find(Boolean)?.textContent.trim() ?? "";
  const happened = says("#said", "#trouble:not([hidden]) p", "h1");
  return [
    [says("header").endsWith(location.host), says("header")],
    [says("footer") || !document.querySelector("form"), "a form without a line of trust"],
    [document.title.startsWith(happened.slice(0, 9)), document.title],
  ].flatMap(([is, what]) => (is ? [] : [what]));
}"""
ANSWERED = re.compile(r"status of (400|409|503)")


@pytest.mark.parametrize("look", ["light", "phone-dark"])
def test_every_page_fits_and_can_be_read(browser, lab, look):
    complaints = []

    def listen(said) -> None:
        # That a page's own fetch was answered so is no complaint: the page shows it.
        if said.type == "error" and not ANSWERED.search(said.text):
            complaints.append(f"{said.location['url']}: {said.text}")

    with visitor(browser, lab, look) as page:
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        grounds = set()
        for name, stop in Tour(page, lab).stops().items():
            stop()
            assert page.evaluate(FLAWS) + page.evaluate(UNSAID) + axe.flaws(page) == [], name
            grounds.add(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    [ground] = grounds
    bright = sum(map(int, re.findall(r"\d+", ground))) > 3 * 128
    assert bright is (LOOKS[look]["color_scheme"] == "light")
    assert [said for said in complaints if said.startswith(lab.url)] == []


def test_the_provider_is_another_site(lab, context):
    """Only then does the redirect back show that the cookies survive it."""
    asked = []
    context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 (inspected)
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin())
    tab.wait_for_url("http://localhost:*/**")
    sign_in(tab)
    assert tab.url.startswith("http://127.0.0.1:")
    [away] = [each for each in asked if "localhost" in each.url and "client_id=" in each.url]
    assert "referer" not in away.all_headers()
    [callback] = [each for each in asked if "/callback/" in each.url]
    headers = callback.all_headers()
    assert headers["sec-fetch-site"] == "cross-site"
    assert "jupyter-auth-" in headers["cookie"]


def test_by_keyboard(notebook, lab):
    book = notebook(cells.SESSION)
    book.start()
    link = book.output(0).get_by_role("link", name="Sign in to Example University")
    expect(link).to_be_visible()
    book.page.keyboard.press("Escape")  # JupyterLab's command mode
    tab_to(book.page, link)
    with book.page.context.expect_page() as opened:
        book.page.keyboard.press("Enter")
    tab = opened.value
    expect(tab.get_by_label("User name")).to_be_focused()
    tab.goto(f"{lab.url}{lab.logins()[0]['path']}#stuck")
    summary = tab.get_by_text("Trouble signing in?")
    tab_to(tab, summary)
    tab_to(tab, tab.get_by_role("button", name="Cancel this sign-in"))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    book.finished()
    expect(book.output(0)).to_contain_text("LoginCancelled")


def tab_to(page, target) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")
