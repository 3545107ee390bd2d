"""The page of a device login, in a browser: the code goes to the provider by hand."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser.pages.every_page import Tour
from browser.sign_in_tab import deny, follow, from_jupyter


def test_the_code_is_taken_along_and_the_page_notices(lab, context):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin("device"))
    code = tab.get_by_label("Your code").text_content()
    expect(tab.get_by_role("img", name=f"Your code: {' '.join(code)}")).to_be_visible()
    expect(tab.get_by_role("link", name="Open localhost")).to_be_focused()
    left = tab.get_by_role("timer")
    expect(left).to_have_text(re.compile(r"9:\d\d|10:00"))
    first = left.text_content()
    expect(left).not_to_have_text(first)  # it counts
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy the code").click()
    assert tab.evaluate("navigator.clipboard.readText()") == code
    expect(tab.get_by_role("status").filter(has_text="Copied")).to_have_count(1)

    there = follow(tab.get_by_role("link", name="Open localhost"))
    go_on = there.get_by_role("button", name="Continue")
    expect(go_on).to_be_visible()
    assert code in there.content()  # it came along in the address
    go_on.click()
    there.get_by_label("User name").fill("alice")
    there.get_by_label("Password").fill("wonderland")
    there.get_by_role("button", name="Sign in").click()
    there.get_by_role("button", name="Allow").click()

    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
    expect(tab.get_by_role("main")).to_contain_text("alice")
    assert code not in tab.content()


def test_cancelled_on_the_page(lab, context):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin("device"))
    tab.get_by_role("button", name="Cancel this sign-in").click()
    expect(tab.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    tab.get_by_role("button", name="Start again").click()
    expect(tab.get_by_label("Your code")).to_be_visible()


def test_denied_at_the_provider(lab, context):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin("device"))
    there = follow(tab.get_by_role("link", name="Open localhost"))
    there.get_by_role("button", name="Continue").click()
    deny(there)
    expect(tab.get_by_role("heading", name="Sign-in declined")).to_be_visible()
    expect(tab.get_by_role("button", name="Start again")).to_be_visible()
    assert lab.accounts() == []


def test_a_provider_that_is_down_is_named_until_it_is_back(lab, context):
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    tour = Tour(tab, lab)
    tour.device_no_code()
    expect(tab.get_by_role("heading", name="Sign in to Example University")).to_be_visible()
    tour.device_away()
    code = tab.get_by_label("Your code").text_content()
    lab.rogue.behave()
    expect(tab.get_by_role("alert")).to_be_hidden()
    expect(tab.get_by_label("Your code")).to_have_text(code)
    tour.expired()
    expect(tab.get_by_role("main")).not_to_contain_text(code)
    expect(tab.get_by_role("button", name="Start again")).to_be_visible()
