"""What a person types or pastes on a page of ours, over HTTP: where it goes, what stays of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers import troubles
from server.browser.login_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.presets.fourinsight import FourInsight
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel


@pytest.fixture
def school(school_server: RogueProvider) -> Iterator[RogueProvider]:
    school_server.requests.clear()
    yield school_server
    school_server.behave()


@pytest.fixture
def password(kernel: Kernel, browser: Browser) -> Form:
    return Form(browser, kernel.begin("school"))


@pytest.fixture
def paste(kernel: Kernel, browser: Browser, fourinsight: FourInsight) -> Form:
    fourinsight.requests.clear()
    return Form(browser, kernel.begin("4insight"))


# -- password ------------------------------------------------------------------------------------


def test_a_password_signs_in(kernel: Kernel, password: Form, school: RogueProvider) -> None:
    page = password.page
    assert school.issuer.removeprefix("http://") in page
    assert "uses password sign-in, an older method" in page
    shown = password.sent(username="rosa", password=school.password)
    assert "Signed in to school as rosa" in shown
    assert kernel.token("school")["kind"] == "bearer"


def test_a_wrong_one_is_told_and_can_be_typed_again(
    kernel: Kernel, password: Form, school: RogueProvider
) -> None:
    answer = password.send(username="rosa", password="guess-5f1c")
    assert (answer.status_code, answer.json()["code"]) == (409, "login_failed")
    assert "guess-5f1c" not in answer.text
    assert kernel.call("GET", "logins")["logins"]
    assert "Signed in" in password.sent(username="rosa", password=school.password)


def test_no_password_is_kept_logged_or_put_into_a_form_again(
    jupyter: JupyterProcess, kernel: Kernel, password: Form, school: RogueProvider
) -> None:
    """SECURITY 10, also where the provider repeats it and where it answers nonsense."""
    school.script("token", troubles.error("invalid_grant", 400, school.password), times=1)
    answers = [password.send(username="rosa", password=school.password)]
    school.script("token", troubles.html(), times=1)
    answers.append(password.send(username="rosa", password=school.password))
    password.sent(username="rosa", password=school.password)
    kept = "".join(p.read_text(errors="replace") for p in jupyter.home.rglob("*.json"))
    wire = json.dumps([kernel.call("GET", "changes"), kernel.token("school")])
    shown = "".join(answer.text for answer in answers)
    assert [answer.status_code for answer in answers] == [409, 502]
    for text in (jupyter.log, kept, wire, shown, password.page):
        assert school.password not in text
    page = Form(password.browser, kernel.begin("school")).page
    assert page.count('autocomplete="off"') == 3  # the form's, and both of its fields'


def test_a_form_needs_the_page_s_origin_and_token(password: Form, school: RogueProvider) -> None:
    given = {"username": "rosa", "password": school.password}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": ""}, {"X_XSRFToken": ""}):
        assert password.send(**given, headers=headers).status_code == 403
    assert school.seen("token") == []


def test_a_form_goes_only_to_the_host_that_it_named(password: Form, school: RogueProvider) -> None:
    answer = password.send(username="rosa", password=school.password, host="evil.example")
    assert answer.status_code == 409
    assert "Nothing was sent" in answer.text
    assert school.seen("token") == []


def test_no_form_for_a_provider_of_a_notebook(kernel: Kernel, school: RogueProvider) -> None:
    fields = {"issuer": school.issuer, "client_id": school.client_id, "grants": ["password"]}
    handle = kernel.register("own", fields)
    status, error = kernel.ask("POST", "logins", {"provider": handle})
    assert (status, error["code"]) == (400, "configuration_error")
    assert "made in a notebook" in error["message"]


@pytest.mark.parametrize("body", [{}, {"username": "rosa"}, {"username": "rosa", "password": 5}])
def test_half_a_form_is_refused(password: Form, school: RogueProvider, body: Any) -> None:
    assert password.send(**body).status_code == 400
    assert school.seen("token") == []


# -- paste ---------------------------------------------------------------------------------------


def test_a_package_is_pasted_and_said_yes_to(
    kernel: Kernel, paste: Form, fourinsight: FourInsight
) -> None:
    assert "Open 4insight.example" in paste.page
    shown = paste.sent(pasted=fourinsight.package("alice@4subsea.example"))
    assert "Is this you?" in shown
    assert "alice@4subsea.example" in shown
    assert kernel.call("GET", "accounts")["accounts"] == []
    assert paste.browser.say_yes(paste.path).status_code == 200
    assert "Signed in to 4insight as alice@4subsea.example" in paste.browser.page(paste.path)
    assert kernel.token("4insight")


def test_said_no_to_it_is_nobodys(kernel: Kernel, paste: Form, fourinsight: FourInsight) -> None:
    """SECURITY 3: mallory's code, given to alice, does not make her work in his account."""
    assert "mallory@evil" in paste.sent(pasted=fourinsight.package("mallory@evil.example"))
    assert "Sign-in cancelled" in paste.sent(yes="")
    assert kernel.call("GET", "accounts")["accounts"] == []


def test_an_endpoint_elsewhere_gets_nothing(
    kernel: Kernel, paste: Form, fourinsight: FourInsight
) -> None:
    """SECURITY 3: nothing is sent before the host is known to be the provider's."""
    code = json.loads(fourinsight.package())["code"]
    with_evil = json.dumps({"endpoint": "https://evil.example/token", "code": code})
    answer = paste.send(pasted=with_evil)
    assert (answer.status_code, answer.json()["code"]) == (400, "configuration_error")
    assert "evil.example" in answer.text
    assert code not in answer.text
    assert fourinsight.requests == []
    assert kernel.call("GET", "logins")["logins"]  # the right one can still be pasted


@pytest.mark.parametrize("text", ["what is this", "{}", "https://4insight.example/auth"])
def test_something_else_is_told_apart(paste: Form, fourinsight: FourInsight, text: str) -> None:
    answer = paste.send(pasted=text)
    assert (answer.status_code, answer.json()["code"]) == (409, "login_failed")
    assert fourinsight.requests == []


def test_no_code_is_kept_or_logged(
    jupyter: JupyterProcess, paste: Form, fourinsight: FourInsight
) -> None:
    """SECURITY 13, for what is pasted."""
    package = fourinsight.package()
    paste.sent(pasted=package)
    again = paste.browser.say_yes(paste.path)
    code = json.loads(package)["code"]
    kept = "".join(p.read_text(errors="replace") for p in jupyter.home.rglob("*.json"))
    for text in (jupyter.log, kept, again.text, paste.page):
        assert code not in text


def test_a_yes_without_the_pages_token_is_none(
    kernel: Kernel, paste: Form, fourinsight: FourInsight
) -> None:
    paste.sent(pasted=fourinsight.package("mallory@evil.example"))
    headers = {"Origin": "https://evil.example"}
    assert paste.send(yes="0" * 64, headers=headers).status_code == 403
    assert paste.send(yes="0" * 64).status_code == 409
    assert kernel.call("GET", "accounts")["accounts"] == []


# -- API keys ------------------------------------------------------------------------------------


def test_a_key_is_typed_and_goes_to_the_kernel_alone(
    jupyter: JupyterProcess, kernel: Kernel, browser: Browser
) -> None:
    form = Form(browser, kernel.begin("keys"))
    assert "hub.example" in form.page
    assert "Signed in to keys" in form.sent(key={"id": "i-1", "key": "half-9c2f:whole-77ad"})
    token = kernel.token("keys")
    assert token["kind"] == "api_key"
    assert token["headers_at"] == {"https://hub.example": {"x-key": "i-1:half-9c2f"}}
    (account,) = browser.send("GET", "jupyter-auth/api/v1/accounts").json()["accounts"]
    assert account["kind"] == "api_key"
    kept = "".join(p.read_text(errors="replace") for p in jupyter.home.rglob("*.json"))
    assert "whole-77ad" not in kept + jupyter.log + form.page + json.dumps(account)


@pytest.mark.parametrize("key", [None, {}, {"id": "x"}, {"id": "x", "key": 5}, "x"])
def test_half_a_key_is_refused(kernel: Kernel, browser: Browser, key: Any) -> None:
    form = Form(browser, kernel.begin("keys"))
    assert form.send(key=key).status_code == 400
    assert kernel.call("GET", "accounts")["accounts"] == []


# -- a registration that lacks something ---------------------------------------------------------


@pytest.fixture
def github(jupyter: JupyterProcess, kernel: Kernel, browser: Browser) -> Iterator[Form]:
    yield Form(browser, kernel.begin("github"))
    for file in (jupyter.home / "user" / "jupyter_auth").iterdir():
        file.unlink()


def test_a_missing_registration_is_typed_once_and_the_login_goes_on(
    jupyter: JupyterProcess, kernel: Kernel, github: Form
) -> None:
    page = github.page
    assert github.host == "github.com"
    assert "Set up GitHub" in page
    assert f"{jupyter.origin}/base/jupyter-auth/callback/github" in page
    given = {"client_id": "mine-77", "client_secret": "secret-5d0c31"}
    assert "Taking you to github.com" in github.sent(registration=given)
    answer = github.browser.send("POST", github.browser.origin + github.path)
    assert answer.json()["url"].startswith("https://github.com/login/oauth/authorize?")
    wire = json.dumps([kernel.call("GET", "providers/github"), kernel.call("GET", "changes")])
    assert "secret-5d0c31" not in jupyter.log + wire + github.page + answer.text
    (kept,) = jupyter.home.rglob("client_secrets.json")
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "given", [{}, {"client_id": "x"}, {"client_id": "", "client_secret": "y"}, "x", None]
)
def test_half_a_registration_is_refused(jupyter: JupyterProcess, github: Form, given: Any) -> None:
    (jupyter.home / "user" / "jupyter_auth").mkdir(parents=True, exist_ok=True)
    assert github.send(registration=given).status_code == 400
    assert not list(jupyter.home.rglob("client_secrets.json"))


def test_a_registration_needs_the_page_s_origin_and_token(
    jupyter: JupyterProcess, github: Form
) -> None:
    (jupyter.home / "user" / "jupyter_auth").mkdir(parents=True, exist_ok=True)
    given = {"client_id": "mallorys", "client_secret": "y"}
    for headers in ({"Origin": "https://evil.example"}, {"X_XSRFToken": ""}):
        assert github.send(registration=given, headers=headers).status_code == 403
    assert not list(jupyter.home.rglob("client_secrets.json"))
