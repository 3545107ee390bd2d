"""A registration for another grant than was tried: chosen where it is typed, or by one click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers import troubles
from server.browser.login_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel

INSTEAD = "Sign in with a password instead"


@pytest.fixture
def insiders(jupyter: JupyterProcess, kernel: Kernel, browser: Browser) -> Iterator[Form]:
    """The page of a preset that allows a registration one of two grants."""
    yield Form(browser, kernel.begin("insiders"))
    for file in (jupyter.home / "user" / "jupyter_auth").iterdir():
        file.unlink()


@pytest.fixture
def either(kernel: Kernel, school_server: RogueProvider) -> Iterator[RogueProvider]:  # noqa: ARG001
    """Configured as ``either`` with two grants."""
    school_server.requests.clear()
    yield school_server
    school_server.behave()


def test_the_grant_is_chosen_where_the_registration_is_typed(
    kernel: Kernel, insiders: Form
) -> None:
    page = insiders.page
    assert "How people sign in" in page
    assert page.index('value="authorization_code" checked') < page.index('value="password"')
    given = {"client_id": "ams", "client_secret": "s-5d0c31", "grant": "password"}
    assert "Your user name and password are sent to api.asi.swiss" in insiders.sent(
        registration=given
    )
    assert kernel.begin("insiders")["grant"] == "password"  # the next one too


def test_a_grant_that_is_none_is_refused(insiders: Form) -> None:
    given = {"client_id": "ams", "client_secret": "s", "grant": "implicit"}
    assert insiders.send(registration=given).status_code == 400


def test_a_provider_with_one_grant_has_no_choice(kernel: Kernel, browser: Browser) -> None:
    assert "registration.grant" not in Form(browser, kernel.begin("github")).page
    assert "data-choose" not in Form(browser, kernel.begin("school")).page


def test_stuck_at_the_provider_one_click_goes_on_with_a_password(
    kernel: Kernel, browser: Browser, either: RogueProvider
) -> None:
    """The provider's page says that the redirect is wrong, and sends nobody back."""
    login = kernel.begin("either")
    browser.open(login)
    page = browser.page(login["path"])
    assert page.index("Trouble signing in?") < page.index(INSTEAD)
    answer = choose(browser, login, "password")
    assert answer == {"url": login["path"]}
    form = Form(browser, login)
    assert "Sign in on the provider's page instead" in form.page.replace("&#39;", "'")
    assert "Signed in" in form.sent(username="rosa", password=either.password)
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"  # the same one


@pytest.mark.parametrize("at", ["authorize", "token"])
def test_after_a_refused_redirect_one_click_goes_on_with_a_password(
    kernel: Kernel, browser: Browser, either: RogueProvider, at: str
) -> None:
    refusal = {
        "authorize": troubles.deny("unauthorized_client"),
        "token": troubles.error("unauthorized_client"),
    }
    either.script(at, refusal[at], times=1)
    login = kernel.begin("either")
    place = browser.arrive(either.authorize(browser.open(login)))
    assert INSTEAD in browser.page(place)
    again = browser.send(
        "POST", "jupyter-auth/api/v1/logins", {"provider": "either", "grant": "password"}
    ).json()
    assert choose(browser, again, "password") == {"url": again["path"]}
    shown = Form(browser, again).sent(username="rosa", password=either.password)
    assert "Signed in" in shown


def test_who_says_no_is_not_asked_for_a_password(
    kernel: Kernel, browser: Browser, either: RogueProvider
) -> None:
    either.script("authorize", troubles.deny("access_denied"), times=1)
    login = kernel.begin("either")
    place = browser.arrive(either.authorize(browser.open(login)))
    assert INSTEAD not in browser.page(place)


def test_a_click_needs_the_page_s_origin_and_token(
    kernel: Kernel, browser: Browser, either: RogueProvider
) -> None:
    login = kernel.begin("either")
    for headers in ({"Origin": "https://evil.example"}, {"X_XSRFToken": ""}):
        answer = browser.send(
            "POST", browser.origin + login["path"], {"grant": "password"}, **headers
        )
        assert answer.status_code == 403
    assert kernel.call("GET", f"logins/{login['id']}")["grant"] == "authorization_code"
    assert either.seen("token") == []


def choose(browser: Browser, login: dict[str, Any], grant: str) -> dict[str, Any]:
    answer = browser.send("POST", browser.origin + login["path"], {"grant": grant})
    assert answer.status_code == 200, answer.text
    return answer.json()
