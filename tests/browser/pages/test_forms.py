"""The forms of our pages in a browser: filled in, refused, said yes and no to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.pages.every_page import Tour


@pytest.fixture
def tour(lab, context) -> Tour:
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    return Tour(tab, lab)


def test_a_refused_password_is_gone_from_the_form(tour):
    tour.password()
    tour.password_refused()
    expect(tour.page.get_by_label("Password")).to_be_focused()
    expect(tour.page.get_by_label("User name")).to_have_value("alice")
    assert "a guess" not in tour.page.content() + tour.page.url


def test_a_pasted_text_is_shown_to_be_whose_and_said_yes_to(tour, lab):
    tour.paste()
    tour.paste_refused()
    tour.confirm()
    expect(tour.page.get_by_role("main")).to_contain_text("alice@4subsea.example")
    tour.page.get_by_role("button", name="Yes, this is me").click()
    expect(tour.page.get_by_role("heading", name="Signed in to 4insight")).to_be_visible()
    assert [each["provider"] for each in lab.accounts()] == ["4insight"]


def test_or_no(tour, lab):
    tour.paste()
    tour.confirm()
    expect(tour.page.get_by_role("button", name="No, cancel")).to_be_focused()
    tour.page.keyboard.press("Enter")
    expect(tour.page.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    assert lab.accounts() == []


def test_a_key_is_typed_in_its_parts(tour, lab):
    tour.api_key()
    tour.page.get_by_label("Key ID").fill("an-id")
    tour.page.get_by_label("Key", exact=True).fill("a-key-4f1d")
    tour.page.keyboard.press("Enter")
    expect(tour.page.get_by_role("heading", name="Signed in to")).to_be_visible()
    assert [each["kind"] for each in lab.accounts()] == ["api_key"]
    assert "a-key-4f1d" not in lab.log()


def test_a_registration_is_typed_and_the_page_leaves_with_it(tour):
    tour.page.route("https://github.com/**", lambda asked: asked.fulfill(body="GitHub's page"))
    tour.setup()
    tour.page.get_by_label("Client ID").fill("mine")
    tour.page.get_by_label("Client secret").fill("a-secret-8e21")
    tour.page.get_by_role("button", name="Save and sign in").click()
    expect(tour.page.get_by_text("GitHub's page")).to_be_visible()
    assert "client_id=mine" in tour.page.url
    assert "a-secret-8e21" not in tour.page.url + tour.lab.log()


def test_what_is_no_key_is_gone_from_the_form_and_typed_again(tour, lab):
    tour.api_key()
    tour.api_key_refused()
    expect(tour.page.get_by_label("Key ID")).to_be_focused()
    expect(tour.page.get_by_label("Key ID")).to_be_empty()
    expect(tour.page.get_by_label("Key", exact=True)).to_be_empty()
    assert lab.accounts() == []
    tour.page.get_by_label("Key ID").fill("an-id")
    tour.page.get_by_label("Key", exact=True).fill("a-key-4f1d")
    tour.page.keyboard.press("Enter")
    expect(tour.page.get_by_role("heading", name="Signed in to")).to_be_visible()


def test_a_key_for_a_sign_in_that_was_cancelled_elsewhere(tour, lab):
    tour.api_key()
    [login] = lab.logins()
    lab.api("DELETE", f"jupyter-auth/api/v1/logins/{login['id']}")
    tour.page.get_by_label("Key ID").fill("an-id")
    tour.page.get_by_label("Key", exact=True).fill("a-key-4f1d")
    tour.page.keyboard.press("Enter")
    expect(tour.page.get_by_role("heading", name="Sign-in cancelled")).to_be_visible()
    assert lab.accounts() == []


def test_a_registration_that_cannot_be_kept_is_typed_again(tour, lab):
    tour.page.route("https://github.com/**", lambda asked: asked.fulfill(body="GitHub's page"))
    tour.setup()
    tour.setup_refused()
    expect(tour.page.get_by_label("Client ID")).to_have_value("mine")
    expect(tour.page.get_by_label("Client secret")).to_be_empty()
    assert list(lab.own_providers.iterdir()) == []
    tour.page.get_by_label("Client secret").fill("a-secret-8e21")
    tour.page.get_by_role("button", name="Save and sign in").click()
    expect(tour.page.get_by_text("GitHub's page")).to_be_visible()
