"""A registration for another grant, in a browser: a choice where it is typed, and one click."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.pages.every_page import Tour
from browser.sign_in_tab import from_jupyter


@pytest.fixture
def tour(lab, context) -> Tour:
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    yield Tour(tab, lab)
    lab.rogue.behave()


@pytest.fixture
def instead(tour):
    return tour.page.get_by_role("button", name="Sign in with a password instead")


def test_it_is_chosen_with_the_registration(tour):
    page = tour.page
    page.route("https://api.asi.swiss/**", lambda asked: asked.fulfill(body="Their own page"))
    from_jupyter(page, tour.lab.begin("insiders"))
    expect(page.get_by_label("on the provider's page")).to_be_checked()
    page.get_by_label("with a password").check()
    page.get_by_label("Client ID").fill("ams")
    page.get_by_label("Client secret").fill("a-secret-8e21")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.get_by_role("button", name="Sign in on the provider's page instead").click()
    expect(page.get_by_text("Their own page")).to_be_visible()
    assert "client_id=ams" in page.url


def test_stuck_at_the_provider_it_is_one_click(tour, instead, lab):
    url = lab.begin("either")
    from_jupyter(tour.page, f"{url}#stuck")
    instead.click()
    password(tour)
    assert [each["provider"] for each in lab.accounts()] == ["either"]


def test_after_a_refusal_it_is_one_click(tour, instead, lab):
    tour.refused()
    instead.click()
    password(tour)
    assert [each["provider"] for each in lab.accounts()] == ["either"]


def password(tour: Tour) -> None:
    page = tour.page
    page.get_by_label("User name").fill("rosa")
    page.get_by_label("Password").fill(tour.lab.rogue.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Signed in to")).to_be_visible()
