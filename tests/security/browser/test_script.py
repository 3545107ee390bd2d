"""Promise 6: the page's script goes to web addresses alone."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from browser.sign_in_tab import from_jupyter


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_another_scheme_is_not_followed(lab, context, url):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    page = lab.begin()

    def answer(asked) -> None:
        if asked.request.method == "POST":
            asked.fulfill(body=json.dumps({"url": url}))
        else:
            asked.continue_()

    tab.route(page, answer)
    from_jupyter(tab, page)
    expect(tab.get_by_role("alert")).to_contain_text("not a web address")
    assert tab.url == page
