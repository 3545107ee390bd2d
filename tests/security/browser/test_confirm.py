"""Promise 3: a link of mallory's in alice's browser never gives mallory's server alice's account.

Here the lab is mallory's, and alice's browser has never been there.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.chromium import new_context
from browser.lab_providers import TITLE
from browser.sign_in_tab import follow, from_jupyter, identify, say_yes

YES = "Yes, this is me"


@pytest.fixture
def link(lab):
    """Sends alice's tab to a sign-in that mallory began, as by a mail or a chat."""

    def open_link(tab, provider: str = "idp") -> str:
        url = lab.begin(provider)
        tab.goto(f"{url}?token={lab.token}")
        return url

    return open_link


def signed_in_at_the_provider(tab, person: str = "alice") -> None:
    identify(tab, person)
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Is this you?")).to_be_visible()


def test_a_stranger_s_link_does_not_leave_and_stores_nothing_before_the_yes(lab, context, link):
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    link(tab)
    go_on = tab.get_by_role("button", name="Continue to localhost")
    expect(go_on).to_be_visible()
    expect(tab.get_by_role("main")).to_contain_text("s Jupyter server 127.0.0.1:")
    expect(tab.get_by_role("main")).to_contain_text("Continue only if you started this sign-in")
    tab.reload()
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "//localhost" in url]

    go_on.click()
    signed_in_at_the_provider(tab)
    main = tab.get_by_role("main")
    for named in (lab.url.removeprefix("http://"), "alice", "localhost", "u-1001"):
        expect(main).to_contain_text(named)
    assert lab.accounts() == []
    expect(tab.get_by_role("button", name="No, cancel")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    assert lab.accounts() == []

    tab.get_by_role("button", name="Start again").click()  # a link on our own page ties nobody
    go_on.click()
    tab.get_by_role("button", name="Allow").click()
    say_yes(tab)
    assert [each["username"] for each in lab.accounts()] == ["alice"]

    link(tab)  # this browser has said yes once: it is tied
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()


def test_a_code_is_not_shown_and_its_account_not_stored_before_the_yes(lab, context, link):
    tab = context.new_page()
    url = link(tab, "device")
    expect(tab.get_by_role("button", name=f"Continue to {TITLE}")).to_be_visible()
    assert not tab.get_by_label("Your code").count()
    tab.get_by_role("button", name=f"Continue to {TITLE}").click()
    there = follow(tab.get_by_role("link", name="Open localhost"))
    there.get_by_role("button", name="Continue").click()
    identify(there)
    there.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Is this you?")).to_be_visible()
    expect(tab.get_by_role("main")).to_contain_text("alice")
    assert lab.accounts() == []

    mallory = new_context(context.browser).new_page()
    mallory.goto(f"{url}?token={lab.token}")
    expect(mallory.get_by_text("Only the browser that signed in")).to_be_visible()
    assert not mallory.get_by_role("button", name=YES).count()
    mallory.context.close()

    say_yes(tab)


def test_a_code_that_mallory_was_shown_is_not_shown_to_alice(lab, context):
    mallory = new_context(context.browser).new_page()
    from_jupyter_with_token(mallory, lab, url := lab.begin("device"))
    expect(mallory.get_by_label("Your code")).to_be_visible()
    code = mallory.get_by_label("Your code").text_content()
    tab = context.new_page()
    tab.goto(f"{url}?token={lab.token}")
    expect(tab.get_by_text("shown in another browser")).to_be_visible()
    assert code not in tab.content()
    mallory.context.close()


def test_mallory_cannot_say_yes_for_alice(lab, context, link):
    """She owns the login, and asks in her own browser; also with her own cookies in alice's."""
    tab = context.new_page()
    url = link(tab)
    tab.get_by_role("button", name="Continue to localhost").click()
    signed_in_at_the_provider(tab)
    mallory = new_context(context.browser).new_page()
    mallory.goto(f"{url}?token={lab.token}")
    expect(mallory.get_by_role("heading", name="Is this you?")).to_be_visible()
    said = mallory.evaluate(ANSWER, "0" * 64)
    assert said["status"] == 409, said
    assert lab.accounts() == []
    assert lab.logins()
    mallory.context.close()


def test_a_script_of_this_origin_can_neither_read_the_page_nor_say_yes_without_it(
    lab, context, link
):
    tab = context.new_page()
    url = link(tab)
    tab.get_by_role("button", name="Continue to localhost").click()
    signed_in_at_the_provider(tab)
    script = context.new_page()  # it has alice's cookies
    script.goto(f"{lab.url}/jupyter-auth/signed-out")
    read = script.evaluate("async url => (await fetch(url)).text()", url)
    assert not re.search('value="[0-9a-f]{64}"', read)
    said = script.evaluate(ANSWER.replace("location.href", repr(url)), "0" * 64)
    assert said["status"] == 409, said
    assert lab.accounts() == []


def test_in_the_person_s_own_lab_it_costs_no_click(notebook):
    book = notebook("from jupyter_auth import UserSession\nsession = UserSession('idp')")
    book.start()
    tab = follow(book.output(0).get_by_role("link", name=f"Sign in to {TITLE}"))
    identify(tab)  # the page has left by itself
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
    book.finished()


def from_jupyter_with_token(tab, lab, url: str) -> None:
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, url)


ANSWER = """async yes => {
  const xsrf = document.cookie.match(/_xsrf=([^;]*)/)[1];
  const answer = await fetch(location.href, {
    method: "POST",
    headers: { "X-XSRFToken": xsrf, "Content-Type": "application/json" },
    body: JSON.stringify({ yes }),
  });
  return { status: answer.status, text: await answer.text() };
}"""
