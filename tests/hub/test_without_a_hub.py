"""What needs no Hub: configuration that cannot work, and who answers what."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from tornado import web
from traitlets.config import Config

import jupyter_auth
from hub.hubs import KEYS
from jupyter_auth import ConfigurationError, Throttled
from jupyter_auth.core.common.backoff import Backoff, requested_pause
from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.secret import Secret
from jupyter_auth.server import json_handler
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from jupyter_auth.server.browser import api, events
from jupyter_auth.server.forward import RemoteBroker
from jupyter_auth.server.http_errors import status_of
from jupyter_auth.server.hub.doctor.service_checks import origins
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.kernel_api import handlers

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_auth.core.errors import AuthError

IDP = {"issuer": "https://idp.example", "client_id": "x", "client_secret": "s"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """That of a service which would start."""
    return {
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/jupyter-auth/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10201",
        "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.sqlite'}",
        "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
        "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": IDP}),
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("JUPYTERHUB_API_TOKEN", "", "JUPYTERHUB_API_TOKEN is not set. This command runs as a"),
        ("JUPYTERHUB_SERVICE_PREFIX", "/services/auth/", "'auth'.*must be jupyter-auth"),
        ("JUPYTERHUB_SSL_KEYFILE", "/x.key", "does not work on a JupyterHub with internal_ssl"),
        ("JUPYTER_AUTH_DATABASE_URL", "", "JUPYTER_AUTH_DATABASE_URL is not set"),
        ("JUPYTER_AUTH_DATABASE_URL", "sqlite:////no/such/x", "database cannot be used"),
        ("JUPYTER_AUTH_DATABASE_URL", "postgresql://u:h:pw/x", "is not a database URL"),
        ("JUPYTER_AUTH_DATABASE_URL", "u:pw@h/x", "is not a database URL"),
        ("JUPYTER_AUTH_DATABASE_URL", "postgresql://u:pw@127.0.0.1:1/x", "cannot be used.*runs"),
        ("JUPYTER_AUTH_CRYPT_KEYS", "wrong", "contains no valid Fernet key.*makes one"),
        ("JUPYTER_AUTH_PROVIDERS", "{}", "No provider is configured"),
        ("JUPYTER_AUTH_PROVIDERS", "[1]", "is not a JSON object"),
        ("JUPYTER_AUTH_PROVIDERS", '{"idp": {}}', "'idp' has no issuer and no token endpoint"),
        ("JUPYTER_AUTH_SHARED_IDENTITIES", '"idp"', "is not a JSON list"),
        ("JUPYTER_AUTH_DISCOVER", "true", "is not a JSON list"),
        ("JUPYTER_AUTH_DISCOVER", '["https://x"]', "'https://x' in c.JupyterAuth.discover is no"),
        ("JUPYTER_AUTH_TRUSTED_DOWNSTREAM", "10.0.0.0/24", "is not a JSON list"),
        (
            "JUPYTER_AUTH_TRUSTED_DOWNSTREAM",
            '["proxy"]',
            "'proxy', which is neither an address nor a",
        ),
        (
            "JUPYTER_AUTH_PROVIDERS",
            json.dumps({"idp": IDP | {"redirect_uri": "https://hub.example/hub/oauth_callback"}}),
            "does not lead to the service.*Leave redirect_uri out",
        ),
        (
            "JUPYTER_AUTH_PROVIDERS",
            json.dumps(
                {
                    "idp": IDP
                    | {"redirect_uri": "http://h.example/services/jupyter-auth/callback/idp"}
                }
            ),
            "https",
        ),
        ("JUPYTERHUB_PUBLIC_URL", "http://hub.example/services/jupyter-auth/", "https"),
    ],
)
def test_a_configuration_that_cannot_work_is_one_sentence(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    if name == "JUPYTERHUB_PUBLIC_URL":
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said) as caught:
        HubService(environ | {name: value})
    assert "pw" not in str(caught.value)


def test_the_doctor_claims_no_more_for_a_shared_origin_than_security_md() -> None:
    shared = origins("")
    assert (shared.state, "can click unseen" in shared.says) == ("note", True)
    assert origins("https://hub.example").state == "ok"


def test_two_providers_of_one_name_are_refused(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text(f"c.JupyterAuth.providers = {{'idp': {IDP!r}}}")
    with pytest.raises(ConfigurationError, match="Two providers are named 'idp'"):
        HubService(environ, str(file))
    service = HubService(environ | {"JUPYTER_AUTH_PROVIDERS": ""}, str(file))
    assert service.providers.get("idp").client_id == "x"
    service.database.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("login_lifetime = 700", "c.JupyterAuth.login_lifetime must be a number of seconds"),
        ("providers = {'Bad Name': {}}", "'Bad Name' in c.JupyterAuth.providers is not a valid"),
        ("allow_user_providers = 'maybe'", "c.JupyterAuth.allow_user_providers must be True"),
    ],
)
def test_a_setting_that_is_wrong_stops_it(
    environ: dict[str, str], tmp_path: Path, line: str, said: str
) -> None:
    file = tmp_path / "config.py"
    file.write_text(f"c.JupyterAuth.{line}")
    with pytest.raises(ConfigurationError, match=said) as caught:
        HubService(environ, str(file))
    assert not caught.value.hint  # nothing counts in its place: nothing runs


def test_the_process_says_it_on_stderr_and_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.server.hub"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(
        "jupyter_auth's service does not start. JUPYTERHUB_SERVICE_PREFIX is not"
    )


def test_hub_config_adds_to_the_roles_that_are_there() -> None:
    c = Config()
    c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", "shares!user"]}]
    jupyter_auth.hub_config(c, {"idp": IDP}, database_url="sqlite:///x", crypt_keys=KEYS)
    roles = {role["name"]: role["scopes"] for role in c.JupyterHub.load_roles}
    access = "access:services!service=jupyter-auth"
    assert roles["user"] == ["self", "shares!user", access]
    assert roles["server"] == ["users:activity!user", "access:servers!server", access]
    (service,) = c.JupyterHub.services
    assert service["environment"]["JUPYTER_AUTH_CRYPT_KEYS"] == KEYS
    assert service["display"] is False, "the Hub's menu would lead to a page that is not there"
    assert KEYS not in str(c.Spawner)
    assert "client_secret" not in str(c.Spawner)

    bare = Config()
    jupyter_auth.hub_config(bare, {"idp": IDP}, api_token="of a service that runs elsewhere")
    assert {"name": "user", "scopes": ["self", access]} in bare.JupyterHub.load_roles
    assert "command" not in bare.JupyterHub.services[0]


def test_the_service_answers_all_that_the_sockets_of_a_server_ask() -> None:
    for room in (handlers, json_handler, api, events):
        for method in re.findall(r"self\._?broker\.(\w+)", inspect.getsource(room)):
            assert hasattr(RemoteBroker, method), f"{room.__name__} calls {method}"


class EchoService(web.RequestHandler):
    """Answers what it was asked."""

    def answer(self) -> None:
        asked = {"method": self.request.method, "uri": self.request.uri}
        self.write(asked | {"body": json.loads(self.request.body or b"null"), "findings": []})

    get = post = put = delete = answer


def test_each_route_is_forwarded_as_it_came() -> None:
    async def ask() -> None:
        service = web.Application([(".*", EchoService)], log_function=lambda _: None)
        server = service.listen(0, "127.0.0.1")
        (port,) = [each.getsockname()[1] for each in server._sockets.values()]
        hub = HubRedirect(owner="ann", hub_prefix="/hub/")
        broker = RemoteBroker(f"http://127.0.0.1:{port}", hub, Secret("t"))
        for route in ROUTES.values():
            names = ["a/b?c"] * route.path.count("{")
            sent = {"query": {"provider": "x y"}, "body": {"provider": "x"}}
            given = {name: sent[name] for name in route.takes if name in sent}
            found = await broker.call(route, *names, **given)
            path = re.sub(r"{.*}", "a%2Fb%3Fc", route.path)
            query = "?provider=x+y" if "query" in given else ""
            assert found["method"] == route.method
            assert found["uri"] == f"/services/jupyter-auth/api/v1/{path}{query}"
            assert found["body"] == given.get("body")
        broker.close()
        server.stop()

    asyncio.run(ask())


def test_the_hook_leaves_alone_what_is_not_ours() -> None:
    request = SimpleNamespace(query="state=x~y")
    assert jupyter_auth.user_redirect_hook("lab/tree", request, None, "/") is None


class BusyService(web.RequestHandler):
    """Refuses a few times, by what it is given; then it answers."""

    def initialize(self, refusals: list[AuthError]) -> None:
        self._refusals = refusals

    def get(self) -> None:
        if self._refusals:
            error = self._refusals.pop(0)
            self.set_status(status_of(error))
            self.write(error.to_wire())
        else:
            self.write({"sequence": 1, "reset": False, "changes": []})


def test_a_server_listens_again_to_a_service_that_was_busy_when_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``test_backoff`` has how long that is."""
    refusals = [
        Throttled("Too many wait.", retry_at=time.time() + 3600),
        BrokerUnavailable("No room.", retry_after=10.0),
        BrokerUnavailable("No."),
    ]
    assert [status_of(error) for error in refusals] == [429, 503, 403]
    asked = []

    def pause(_: Backoff, error: AuthError) -> float:
        asked.append(round(requested_pause(error), -2 if error.code == "throttled" else 0))
        return 0.0

    monkeypatch.setattr(Backoff, "pause", pause)

    async def hear() -> None:
        routes = [("/services/jupyter-auth/api/v1/changes", BusyService, {"refusals": refusals})]
        server = web.Application(routes, log_function=lambda _: None).listen(0, "127.0.0.1")
        (port,) = [each.getsockname()[1] for each in server._sockets.values()]
        hub = HubRedirect(owner="ann", hub_prefix="/hub/")
        broker = RemoteBroker(f"http://127.0.0.1:{port}", hub, Secret("t"))
        heard = asyncio.Event()
        broker.listen(heard.set)
        await asyncio.wait_for(heard.wait(), 30)
        broker.close()
        server.stop()

    asyncio.run(hear())
    assert asked == [3600.0, 10.0, 0.0]
