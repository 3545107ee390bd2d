"""Where the browser cannot come back by itself, a person pastes the address that it ended on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.lab_providers import DESKTOP_URI
from browser.pages.every_page import Tour
from browser.sign_in_tab import follow, from_jupyter, identify


@pytest.fixture
def tour(lab, context) -> Tour:
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    return Tour(tab, lab)


def ended_on(page) -> str:
    """Sign in by the page's link; the address of the page that does not load in the end."""
    tab = follow(page.get_by_role("link", name=re.compile("Open localhost")))
    identify(tab)
    with tab.expect_event("requestfailed", lambda asked: asked.url.startswith(DESKTOP_URI)) as seen:
        tab.get_by_role("button", name="Allow").click()
    return seen.value.url


def paste(page, address: str) -> None:
    page.get_by_label("Paste it here").fill(address)
    page.get_by_role("button", name="Continue").click()


def test_from_another_machine(tour, lab):
    tour.by_hand()
    address = ended_on(tour.page)
    paste(tour.page, address)
    expect(tour.page.get_by_role("heading", name="Is this you?")).to_be_visible()
    assert lab.accounts() == []
    tour.page.get_by_role("button", name="Yes").click()
    expect(tour.page.get_by_role("heading", name="Signed in to")).to_be_visible()
    assert [each["provider"] for each in lab.accounts()] == ["desktop"]
    assert "?" not in tour.page.url
    code = re.search("code=([^&]+)", address)[1]
    assert code not in tour.page.content() + lab.log()


def test_through_a_tunnel_that_leads_to_one_port_alone(tour, lab):
    """The browser seems to be on this machine: what is stuck there is brought by hand."""
    from_jupyter(tour.page, f"{lab.begin('desktop')}#stuck")
    expect(tour.page.get_by_role("button", name="Cancel this sign-in")).to_be_visible()
    paste(tour.page, ended_on(tour.page))
    expect(tour.page.get_by_role("heading", name="Signed in to")).to_be_visible()
    assert [each["provider"] for each in lab.accounts()] == ["desktop"]


def test_an_address_with_another_state_is_refused_and_gone_from_the_form(tour, lab):
    tour.by_hand()
    address = ended_on(tour.page)
    paste(tour.page, address.replace("state=", "state=x"))
    expect(tour.page.get_by_role("alert")).to_contain_text("not known here")
    expect(tour.page.get_by_label("Paste it here")).to_be_empty()
    assert lab.accounts() == []
    paste(tour.page, address)
    expect(tour.page.get_by_role("heading", name="Is this you?")).to_be_visible()


def test_another_browser_of_the_same_person_is_refused(tour, lab):
    """All that it lacks is the cookie of this sign-in."""
    tour.by_hand()
    address = ended_on(tour.page)
    tour.page.context.clear_cookies(name=re.compile("^jupyter-auth-"))
    paste(tour.page, address)
    expect(tour.page.get_by_role("alert")).to_contain_text("started in another browser")
    assert lab.accounts() == []
