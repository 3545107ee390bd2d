"""Promise 24: what a notebook from anyone says of sign-ins is text, and runs nothing."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import expect

from browser.lab_providers import TITLE
from browser.notebook import Notebook
from browser.sign_in_tab import follow
from jupyter_auth.kernel.prompt.prompt import MIME_TYPE
from security.guards.listed import ROOT

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><a href='https://evil.example/'>here</a>"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
TAKES = "export default { render({ el }) { el.dataset.look = 'in'; document.title = 'taken'; } }"


def forged(**said: object) -> dict[str, object]:
    payload = {"version": 1, "provider": "idp", "session_key": "default", "title": HOSTILE}
    payload |= {"host": "evil.example", "path": "https://evil.example/", "at": 0}
    return {MIME_TYPE: payload | said, "text/html": HOSTILE, "text/plain": "plain"}


def test_another_s_notebook_runs_nothing_and_leads_to_this_server_alone(lab, context):
    widget = {
        "model_name": "AnyModel",
        "model_module": "anywidget",
        "model_module_version": "~0.11.*",
        "state": {"_esm": TAKES, "_anywidget_id": "x", "_view_name": "AnyView"}
        | {"_view_module": "anywidget", "_view_module_version": "~0.11.*"}
        | {"_model_module": "anywidget", "_model_module_version": "~0.11.*"},
    }
    outputs = [
        forged(state="complete", says=f"Signed in as {HOSTILE}", username=HOSTILE)
        | {VIEW: {"version_major": 2, "version_minor": 0, "model_id": "f0"}},
        forged(provider="https://evil.example/api", state="pending", says=HOSTILE),
        forged(provider={"name": "idp"}, says=HOSTILE),
    ]
    path = lab.notebook("from-another", *(f"# {each}" for each in range(3)))
    book = nbformat.read(path, nbformat.NO_CONVERT)
    state = {"version_major": 2, "version_minor": 0, "state": {"f0": widget}}
    book.metadata["widgets"] = {STATE: state}
    for cell, data in zip(book.cells, outputs, strict=True):
        cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(book, path)

    asked: list[str] = []
    context.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    book = Notebook.open(lab, context, path)
    expect(book.output(0)).to_contain_text(f"Not signed in to {TITLE}.")
    expect(book.output(0)).to_contain_text(f"Signed in as {HOSTILE}")  # as text, with its date
    expect(book.output(1)).to_contain_text(f"This notebook asked to sign in to {HOSTILE}.")
    expect(book.output(1).get_by_role("button")).to_have_count(0)
    expect(book.output(2)).to_have_text("plain")
    for cell in range(3):
        expect(book.output(cell).locator("img, a")).to_have_count(0)
    assert book.page.title() != "taken"
    assert not [each for each in asked if "evil" in each or "discoveries" in each]
    assert not [each for each in asked if each.startswith("POST") and "/logins" in each]
    tab = follow(book.output(0).get_by_role("button", name="Sign in"))
    (login,) = lab.logins()
    assert login["provider"] == "idp"
    assert urlsplit(tab.url).netloc in {urlsplit(lab.url).netloc, login["host"]}


@pytest.mark.parametrize("guard", ["a widget is shown", "a provider that the server does not know"])
def test_the_decisions_of_an_output(guard):
    """Of the extension's source, which the JupyterLab above has in its built form."""
    command = ["npx", "vitest", "run", "test/mime.test.ts", "-t", guard]
    done = subprocess.run(
        command, cwd=ROOT / "labextension", text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
