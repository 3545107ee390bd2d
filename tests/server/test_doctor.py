"""What the server's side tells ``doctor``: by both APIs, and which redirect URI it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.server.broker.redirect.checks import KnownOrigins
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider
    from server.jupyter_process import Browser, Kernel

CALLBACK = "/base/jupyter-auth/callback/idp"


def by_subject(answer: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {each["about"]: each for each in answer["findings"]}


def test_a_kernel_hears_of_the_servers_environment(kernel: Kernel, jupyter: JupyterProcess) -> None:
    found = by_subject(kernel.call("GET", "doctor"))
    assert found["Python"]["state"] == "ok"
    assert str(jupyter.home) in found["Accounts"]["says"]
    assert found["Certificates"]["state"] == "ok"


def test_a_provider_is_asked_afresh(kernel: Kernel, oidc: OidcProvider) -> None:
    found = by_subject(kernel.call("GET", "doctor?provider=idp"))
    assert oidc.issuer in found["Metadata"]["says"]
    assert found["Clock"]["state"] == "ok"


def test_no_secret_is_told(kernel: Kernel, oidc: OidcProvider) -> None:
    found = kernel.call("GET", "doctor?provider=hub")
    assert by_subject(found)["Client"]["says"].startswith("hub, with a client secret")
    assert oidc.client_secret not in str(found)


def test_an_unknown_provider_is_said_so(kernel: Kernel, browser: Browser) -> None:
    assert kernel.ask("GET", "doctor?provider=ipd")[0] == 404
    assert browser.get("jupyter-auth/api/v1/doctor?provider=ipd").status_code == 404


def test_a_browser_hears_the_very_redirect_uri(jupyter: JupyterProcess) -> None:
    for host in ("127.0.0.1", "localhost"):
        browser = jupyter.browser(host=host)
        answer = browser.get("jupyter-auth/api/v1/doctor?provider=idp")
        uri = by_subject(answer.json())["Redirect URI"]
        assert uri["state"] == "ok"
        assert f"Register http://{host}:{jupyter.port}{CALLBACK} (" in uri["says"]


@pytest.fixture(scope="module")
def fresh(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterProcess]:
    """A server that no browser has left for a provider yet, with providers of fixed addresses."""
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    moved = idp | {"redirect_uri": "https://j.example.org/jupyter-auth/callback/moved"}
    tables = {"idp": idp, "moved": moved}
    home: Path = tmp_path_factory.mktemp("fresh")
    with JupyterProcess(home, providers=tables) as server:
        yield server


def test_before_a_browser_came_the_servers_own_address_is_a_guess_and_called_so(
    fresh: JupyterProcess,
) -> None:
    uri = by_subject(fresh.kernel().call("GET", "doctor?provider=idp"))["Redirect URI"]
    assert uri["state"] == "note"
    assert f"Register {fresh.origin}{CALLBACK} (if your browser shows that" in uri["says"]
    assert f"your browser's own address before {CALLBACK}" in uri["fix"]


def test_after_that_it_is_where_the_browser_was(fresh: JupyterProcess) -> None:
    kernel = fresh.kernel()
    fresh.browser(host="localhost").open(kernel.begin())
    uri = by_subject(kernel.call("GET", "doctor?provider=idp"))["Redirect URI"]
    assert uri["state"] == "ok"
    assert f"http://localhost:{fresh.port}{CALLBACK} (a browser was" in uri["says"]


def test_a_fixed_one_that_leads_elsewhere_is_wrong(fresh: JupyterProcess) -> None:
    uri = by_subject(fresh.kernel().call("GET", "doctor?provider=moved"))["Redirect URI"]
    assert uri["state"] == "wrong"
    assert "does not lead back to this server" in uri["says"]
    assert "leave redirect_uri out" in uri["fix"]


# -- each way of knowing the address ---------------------------------------------------------------


def where(fixed: str | None = None, **known: str | None) -> Any:
    provider = Provider(name="idp", issuer="https://i.example", redirect_uri=fixed, client_id="x")
    return KnownOrigins(**known).redirect_uri(provider, CALLBACK)


def test_the_configured_address_goes_before_all_others() -> None:
    found = where(public="https://j.example", visited="http://v:1", listening="http://l:2")
    assert found.state == "ok"
    assert found.says == f"Register https://j.example{CALLBACK} (by c.JupyterAuth.public_url)."


def test_a_fixed_one_of_this_server_is_the_one() -> None:
    fixed = f"http://localhost:8888{CALLBACK}"
    found = where(fixed, listening="http://127.0.0.1:8888/base/")
    assert found.state == "ok"
    assert found.says.startswith(f"Register {fixed} (it is fixed")


def test_a_server_that_moved_to_another_port_can_move_back() -> None:
    fixed = f"https://j.example:8888{CALLBACK}"
    found = where(fixed, visited="https://j.example:8889")
    assert found.state == "wrong"
    assert "is at j.example:8889 now" in found.says
    assert "--port=8888 --ServerApp.port_retries=0" in found.fix


def test_one_of_the_browsers_own_machine_is_brought_by_hand() -> None:
    found = where("http://localhost:8765/back", visited="https://j.example")
    assert found.state == "ok"
    assert "Register http://localhost:8765/back (it is fixed" in found.says
    assert "the login page asks for the URL" in found.says


def test_one_of_this_machine_is_for_scripts_too() -> None:
    assert "scripts of this machine" in where(visited="http://localhost:8888").says
    for known in ({"visited": "https://j.example"}, {"listening": "http://l:2", "on_hub": True}):
        assert "scripts of this machine" not in where(**known).says


def test_so_is_one_of_https_alone() -> None:
    for uri in ("https://localhost/callback", "https://sites.example/back"):
        found = where(uri, visited="http://localhost:8888")
        assert (found.state, f"Register {uri} (it is fixed" in found.says) == ("ok", True)
        assert "the login page asks for the URL" in found.says


def test_one_without_a_port_is_registered_so() -> None:
    for uri in ("http://localhost", f"http://127.0.0.1{CALLBACK}"):
        assert f"Register {uri} (it is fixed" in where(uri, visited="http://localhost:8888").says


def test_the_name_that_the_provider_accepts_is_registered() -> None:
    provider = Provider(name="idp", issuer="https://i.example", loopback="localhost")
    found = KnownOrigins(visited="http://127.0.0.1:8888").redirect_uri(provider, CALLBACK)
    assert f"Register http://localhost:8888{CALLBACK} (" in found.says
    found = KnownOrigins(visited="https://j.example").redirect_uri(provider, CALLBACK)
    assert f"Register https://j.example{CALLBACK} (" in found.says


def test_where_nothing_is_known_the_usual_address_is_a_guess() -> None:
    assert where().state == "note"
    assert f"http://localhost:8888{CALLBACK}" in where().says
