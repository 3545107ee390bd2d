"""Configuration that cannot work stops it at start, with one sentence on what to change."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from hubs import SECRET
from patience import PATIENCE
from served import environ_of_service, signed_in

if TYPE_CHECKING:
    from hub_process import Hub
    from providers.oidc import OidcProvider

IDP = {"issuer": "https://idp.example", "client_id": "x"}
CALLBACK = "http://hub.example/campus/services/jupyter-auth/callback/idp"


def sentence(served: Hub, oidc: OidcProvider, **changes: str) -> str:
    """What the service says and ends with, in the environment of this Hub's but for changes."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.server.hub"],
        env=environ_of_service(served, oidc) | changes,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert SECRET not in line
    return line.removeprefix("jupyter_auth's service does not start. ")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "JUPYTER_AUTH_DATABASE_URL",
            "postgresql://u:pw@127.0.0.1:1/x",
            "The service's database cannot be used",
        ),
        (
            "JUPYTER_AUTH_PROVIDERS",
            f'{{"idp": {json.dumps(IDP)}, "idp": {json.dumps(IDP)}}}',
            "JUPYTER_AUTH_PROVIDERS has 'idp' twice. Take one of the two out.",
        ),
        (
            "JUPYTER_AUTH_PROVIDERS",
            json.dumps({"idp": IDP | {"redirect_uri": CALLBACK}}),
            f"The redirect_uri {CALLBACK} is not https.",
        ),
        ("JUPYTER_AUTH_CRYPT_KEYS", "wrong", "JUPYTER_AUTH_CRYPT_KEYS holds no key"),
        ("JUPYTERHUB_API_TOKEN", "wrong", "The Hub refuses the service's API token."),
    ],
)
def test_what_cannot_work_stops_the_service(
    served: Hub, oidc: OidcProvider, name: str, value: str, said: str
) -> None:
    assert sentence(served, oidc, **{name: value}).startswith(said)


def test_a_role_that_lacks_its_scopes_stops_the_service(served: Hub, oidc: OidcProvider) -> None:
    line = sentence(served, oidc, JUPYTERHUB_API_TOKEN=served.bare_token)
    assert line == (
        "The service's role on the Hub lacks the scope list:users."
        " `jupyter_auth.hub_config(c, providers=...)` adds the roles that it needs."
    )


def test_keys_that_open_not_all_that_rests_in_the_database_stop_the_service(
    served: Hub, oidc: OidcProvider
) -> None:
    kernel = signed_in(served, oidc, "alice")
    line = sentence(served, oidc, JUPYTER_AUTH_CRYPT_KEYS=Fernet.generate_key().decode())
    assert line.startswith("JUPYTER_AUTH_CRYPT_KEYS lacks a key that records of the database are")
    assert "rotate-keys" in line
    assert kernel.token()["access_token"], "it harmed the service that runs"


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
            assert "is configured with a client secret, which is not for users' servers" in text
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
