"""The set-up form on a client that is there already: its link, its fields, its proofs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from server.browser.login_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, Kernel

NAME = "edited"
SECRET = "kept-secret-b3f0"
NEW = {"client_id": "right"}


@pytest.fixture
def own(kernel: Kernel, school_server: RogueProvider) -> Iterator[str]:
    """A provider in the person's own file, with a wrong client ID."""
    fields = {"issuer": school_server.issuer, "client_id": "wrong", "client_secret": SECRET}
    kernel.call("POST", "providers", {"name": NAME, **fields, "grants": ["authorization_code"]})
    yield NAME
    kernel.call("DELETE", f"providers/{NAME}")


class EditForm(Form):
    @property
    def page(self) -> str:
        return self.browser.get(f"{self.browser.origin}{self.path}?edit").text


def test_the_form_shows_the_client_id_alone_and_saves_with_its_proofs(
    kernel: Kernel, browser: Browser, own: str
) -> None:
    form = EditForm(browser, kernel.begin(own))
    assert 'href="?edit">Edit registration</a>' in browser.get(browser.origin + form.path).text
    [value] = re.findall('id="client-id"[^>]* value="([^"]*)"', form.page)
    assert value == "wrong"
    assert SECRET not in form.page
    assert "Delete the stored secret" in form.page
    body = {"edit": "yes", "registration": NEW}
    for lacking in ({"X_XSRFToken": ""}, {"Origin": "https://evil.example"}):
        assert form.send(**body, headers=lacking).status_code == 403
    assert "client_id=wrong" in browser.open({"path": form.path})
    form.sent(**body)
    assert "client_id=right" in browser.open({"path": form.path})
    assert form.sent(edit="yes", registration={**NEW, "forget_secret": "yes"})
    assert "None is stored" in form.page


def test_the_administrator_s_is_not_edited_by_whatever_address(
    kernel: Kernel, browser: Browser
) -> None:
    form = EditForm(browser, kernel.begin("idp"))
    assert "Edit registration" not in form.page
    body = {"host": "evil.example", "edit": "yes", "registration": NEW}
    answer = browser.send("POST", browser.origin + form.path, body)
    assert answer.status_code == 400
    assert "can't be changed here" in answer.json()["message"]
