"""A service that cannot serve says why, takes nothing down with it, and serves once it can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography.fernet import Fernet

from hub.hub_process import Hub
from hub.hubs import KEYS, SECRET
from hub.service_client import PLACE, hub_token, signed_in
from hub.service_process import another
from hub.storage.postgres import Postgres
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.hub.starting import ListenAddress
from patience import PATIENCE, until
from processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider

IDP = {"issuer": "https://idp.example", "client_id": "x"}
CALLBACK = "http://hub.example/campus/services/jupyter-auth/callback/idp"
NOT_YET = "The Hub's sign-in service is not ready yet."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"JUPYTER_AUTH_DATABASE_URL": "postgresql://u:pass-word@127.0.0.1:1/x"},
            "The service's database cannot be used",
        ),
        (
            {"JUPYTER_AUTH_PROVIDERS": f'{{"idp": {json.dumps(IDP)}, "idp": {json.dumps(IDP)}}}'},
            "JUPYTER_AUTH_PROVIDERS contains 'idp' twice. Remove one of the two.",
        ),
        (
            {"JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": IDP | {"redirect_uri": CALLBACK}})},
            f"The redirect_uri {CALLBACK} is not https.",
        ),
        ({"JUPYTER_AUTH_CRYPT_KEYS": "wrong"}, "JUPYTER_AUTH_CRYPT_KEYS contains no valid"),
        ({"JUPYTERHUB_API_TOKEN": "wrong"}, "The Hub rejected the service's API token."),
    ],
)
def test_what_cannot_work_is_said_to_whoever_runs_it(
    served: Hub, oidc: OidcProvider, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    with another(served, oidc, tmp_path / "log", **changes) as service:
        reason = service.reason()
        assert reason.startswith(said)
        assert service.terminate() == 0
    (line,) = [line for line in service.lines() if "is not ready yet" in line]
    assert reason in line
    for secret in (SECRET, "pass-word", served.api_token, KEYS):
        assert secret not in "".join(service.lines())


@pytest.mark.parametrize("url", ["127.0.0.1:10201", "http://127.0.0.1:x", "http://[::1"])
def test_what_is_no_address_is_not_taken_for_all_of_them(url: str) -> None:
    named = {"JUPYTERHUB_SERVICE_NAME": "jupyter-auth"}
    with pytest.raises(ConfigurationError, match="not an address to listen on"):
        ListenAddress.of(named | {"JUPYTERHUB_SERVICE_URL": url})
    assert ListenAddress.of(named).address.hostname is None


def test_everybody_hears_that_it_is_not_their_fault(
    served: Hub, oidc: OidcProvider, tmp_path: Path
) -> None:
    with another(served, oidc, tmp_path / "log", JUPYTERHUB_API_TOKEN=served.bare_token) as service:
        assert service.reason() == (
            "The service's role on the Hub lacks the scope list:users."
            " `jupyter_auth.hub_config(c, providers=...)` adds the roles that it needs."
        )
        assert service.ask("").status_code == 404, "the Hub would wait for it"
        kernel = {"Authorization": "Bearer x", "Jupyter-Auth-Version": "1"}
        for answer in (
            service.ask("api/v1/token", "POST", headers=kernel, json={}),
            service.ask("api/v1/changes?since=0", headers=kernel),
            service.ask("api/v1/accounts"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
            assert (answer.json()["message"], answer.headers["Retry-After"]) == (NOT_YET, "2")
            assert answer.headers["Jupyter-Auth-Version"] == "1"
        page = service.ask("login/x")
        assert (page.status_code, "Try again shortly" in page.text) == (503, True)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert service.ask("static/pages.css").ok
        back = service.ask("callback/idp?code=c&state=s")
        assert (back.status_code, "?" in back.headers["Location"]) == (303, False)
        assert service.terminate() == 0


def test_keys_that_open_not_all_that_rests_in_the_database_are_no_harm(
    served: Hub, oidc: OidcProvider, tmp_path: Path
) -> None:
    kernel, other = signed_in(served, oidc, "alice"), Fernet.generate_key().decode()
    with another(served, oidc, tmp_path / "log", JUPYTER_AUTH_CRYPT_KEYS=other) as service:
        reason = service.reason()
        assert reason.startswith("JUPYTER_AUTH_CRYPT_KEYS lacks a key that database records")
        assert "rotate-keys" in reason
    assert kernel.token()["access_token"], "it harmed the service that runs"


def test_it_serves_once_it_can_and_has_all_that_it_was_started_with(
    served: Hub, oidc: OidcProvider, tmp_path: Path
) -> None:
    """Without a restart. Each try takes what is secret out of the environment."""
    place = tmp_path / "later"
    changes = {
        "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{place / 'accounts.sqlite'}",
        "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": {"issuer": oidc.issuer}}),
        "JUPYTER_AUTH_IDP_CLIENT_ID": "of-the-environment",
        "JUPYTERHUB_SERVICE_NAME": "jupyter-auth",
    }
    served.api("POST", "users/paul")
    token = hub_token(served, "paul")
    headers = {"Authorization": f"Bearer {token}", "Jupyter-Auth-Version": "1"}
    with another(served, oidc, tmp_path / "log", **changes) as service:
        assert service.reason().startswith("The service's database cannot be used")
        place.mkdir()
        until(service.ready)
        route = "api/v1/providers/idp/configuration"
        found = service.ask(route, headers=headers).json()
        assert found.get("client_id") == "of-the-environment", found
        assert service.terminate() == 0
    assert len([line for line in service.lines() if "is not ready yet" in line]) == 1


@pytest.mark.long
def test_a_hub_comes_up_with_a_broken_service_which_heals(tmp_path: Path) -> None:
    """Its database is started later."""
    postgres = Postgres(tmp_path / "postgres")
    more = f"""
import jupyter_auth
jupyter_auth.hub_config(
    c,
    providers={{"idp": {IDP!r}}},
    url="http://127.0.0.1:{free_port()}",
    database_url="{postgres.url}",
    crypt_keys={KEYS!r},
)
"""
    with Hub(tmp_path / "hub", more=more, prefix="/campus/", served=True) as hub:
        server = hub.server("alice")
        kernel = server.kernel()
        assert kernel.ask("GET", "accounts")[0] == 503
        ready = hub.url(f"{PLACE}ready")
        assert requests.get(ready, timeout=PATIENCE).status_code == 503
        with postgres:
            until(lambda: requests.get(ready, timeout=PATIENCE).status_code == 200)
            assert kernel.call("GET", "accounts")["accounts"] == []
        assert hub.log().count("is not ready yet") == 1


def test_a_client_with_a_secret_on_a_hub_without_the_service(hub: Hub) -> None:
    """Their own servers sign in at the others, and say why not there."""
    config = hub.home / "server.json"
    given = config.read_text()
    settings = json.loads(given)
    secret = settings["JupyterAuth"]["providers"]["secret"]
    del secret["grants"]  # so that it would be the authorization code
    try:
        config.write_text(json.dumps(settings))
        kernel = hub.server("grace").kernel()
        (line,) = [each for each in hub.log().splitlines() if "Wrong setting: " in each]
        error = kernel.ask("POST", "logins", {"provider": "secret"})[1]
        doctor = str(kernel.call("GET", "doctor"))
        for text in (line, error["message"], doctor):
            assert "is configured with a client secret, which cannot be used on single-user" in text
        for text in (line, error["hint"], doctor):
            assert "Register a public client" in text
        assert secret["client_secret"] not in hub.log() + doctor
        assert kernel.begin("idp")["status"] == "pending"
    finally:
        config.write_text(given)


def test_a_users_server_reads_other_applications_files_too(hub: Hub) -> None:
    place = hub.home / "servers" / "heidi--" / "config"
    place.mkdir(mode=0o700, parents=True)
    (place / "jupyter_lab_config.py").write_text("c.JupyterAuth.allow_user_providers = False")
    answer = hub.server("heidi").kernel().ask("PUT", "providers/mine", IDP)[1]
    assert "administrator" in answer["message"]
