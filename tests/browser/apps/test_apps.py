"""``LoginWidget`` in other front ends: a click signs in, and the Python around it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from browser.apps.app_server import AppServer, serve_anywidget
from browser.lab_providers import TITLE
from browser.sign_in_tab import allow, follow, identify
from environments.home import configure

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from providers.oidc import OidcProvider

GO = f"Sign in to {TITLE}"
WIDGETS = """
import ipywidgets
from jupyter_auth import LoginWidget

login = LoginWidget('idp')
says = ipywidgets.Label('Nothing yet.')

def greet(login):
    answer = login.session.get('me')
    says.value = f"The API said {answer.status_code} to {answer.json()['username']}."

login.on_signed_in(greet)
login.observe(lambda change: change.new or setattr(says, 'value', 'Bye.'), 'signed_in')
"""
VOILA = f"{WIDGETS}ipywidgets.VBox([login, says])"
PANEL = f"""
import panel
{WIDGETS}
panel.extension('ipywidgets')
shown = panel.pane.Str(says.value)
says.observe(lambda change: setattr(shown, 'object', change.new), 'value')
panel.Column(login, shown).servable()
"""
SOLARA = f"""
import solara

@solara.component
def Page():
    def made():
{"".join(f"        {line}" for line in WIDGETS.splitlines(keepends=True))}
        return login, says
    solara.Column(children=solara.use_memo(made, []))
"""
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo
    from jupyter_auth import LoginWidget

    login = marimo.ui.anywidget(LoginWidget('idp'))
    said, say = marimo.state('Nothing yet.')

    def greet(login):
        answer = login.session.get('me')
        say(f"The API said {answer.status_code} to {answer.json()['username']}.")

    login.widget.on_signed_in(greet)
    login.observe(lambda change: change.new or say('Bye.'), 'signed_in')
    login
    return marimo, said

@app.cell
def _(marimo, said):
    marimo.md(said())
"""


def _app(front_end: str, folder: Path) -> Path:
    """The app's file."""
    file = folder / ("app.ipynb" if front_end == "voila" else "app.py")
    if front_end == "voila":
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(VOILA)])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, file)
    else:
        file.write_text({"marimo": MARIMO, "panel": PANEL, "solara": SOLARA}[front_end])
    return file


@pytest.mark.parametrize("front_end", ["voila", "marimo", "panel", "solara"])
def test_a_click_signs_in_there_too(
    front_end: str, context: BrowserContext, oidc: OidcProvider, tmp_path: Path
) -> None:
    """The browser comes back to the app's own process; no Jupyter server is near."""
    configure(tmp_path / "config", oidc, title=TITLE)
    with AppServer(front_end, _app(front_end, tmp_path), tmp_path) as app:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(f"{said.text} {said.location}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        serve_anywidget(page)
        page.goto(app.url)
        expect(page.get_by_text("Nothing yet.")).to_be_visible()
        tab = follow(page.get_by_role("link", name=GO))
        identify(tab)
        allow(tab)
        tab.close()
        expect(page.get_by_text("The API said 200 to alice.")).to_be_visible()
        expect(page.get_by_text(f"Signed in to {TITLE} as alice").first).to_be_visible()
        assert not [said for said in complaints if "jupyter-auth" in said]
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("Bye.")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
