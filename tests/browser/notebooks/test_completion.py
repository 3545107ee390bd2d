"""Tab on an ``%auth`` line in JupyterLab."""

from __future__ import annotations

from playwright.sync_api import expect

VERBS = ["login", "logout", "status", "providers", "add", "remove", "doctor", "use", "explain"]


def test_tab_offers_the_words_of_the_magic_first(notebook):
    book = notebook("%load_ext jupyter_auth\nlogs = 1", "", "", "")
    book.run(0)
    offered = book.page.locator(".jp-Completer .jp-Completer-match")

    def tab(index, typed):
        editor = book.cell(index).locator(".cm-content")
        editor.click()
        book.page.keyboard.type(typed)
        expect(book.cell(index).locator(".jp-mod-completer-enabled")).to_have_count(1)
        book.page.keyboard.press("Tab")
        return editor

    editor = tab(1, "%auth log")
    expect(offered).to_have_text(["login", "logout"])
    book.page.keyboard.press("Enter")
    expect(editor).to_have_text("%auth login")
    tab(2, "%auth ")
    for place, verb in enumerate(VERBS):  # after them JupyterLab has words of the notebook
        expect(offered.nth(place)).to_have_text(verb)
    book.page.keyboard.press("Escape")
    editor = tab(3, "%auth login idp --f")
    expect(offered).to_have_text(["--force"])
    book.page.keyboard.press("Enter")
    expect(editor).to_have_text("%auth login idp --force")
