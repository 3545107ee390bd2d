"""The running server against its own description, in both directions."""

from __future__ import annotations

import dataclasses
import inspect
import re
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from jupyter_auth.core.common.routes import API, ROUTES
from jupyter_auth.core.errors import AuthError, NextStep, Step, Unavailable
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.wire import _family
from jupyter_auth.server.broker.broker import Broker
from server.routes import KERNEL, UI

if TYPE_CHECKING:
    from jupyter_auth.core.common.routes import Route
    from providers.oidc import OidcProvider
    from server.jupyter_process import Browser, Kernel

TEXT = resources.files("jupyter_auth.server").joinpath("openapi.yaml").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
REGISTRY = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def check(pointer: str, value: Any) -> None:
    Draft202012Validator({"$ref": f"urn:openapi#{pointer}"}, registry=REGISTRY).validate(value)


def operation(path: str, verb: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path][verb]


def check_answer(path: str, verb: str, status: int, value: Any) -> None:
    """Against the schema of that status, or of the error that all have in common."""
    if str(status) in operation(path, verb)["responses"]:
        escaped = path.replace("~", "~0").replace("/", "~1")
        place = f"/paths/{escaped}/{verb}/responses/{status}/content/application~1json/schema"
        check(place, value)
    else:
        assert "default" in operation(path, verb)["responses"]
        check("/components/schemas/Error", value)


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize(("api", "table"), [("browser", UI), ("kernel", KERNEL)])
def test_no_route_is_missing_in_either_direction(api: str, table: Any) -> None:
    described = {
        (verb.upper(), re.sub(r"\{.*?\}", "none", path))
        for path, item in DOCUMENT["paths"].items()
        for verb, what in item.items()
        if verb != "parameters" and api in what["x-apis"]
    }
    assert described == {(verb, place.removeprefix("/jupyter-auth")) for verb, place, _ in table}


@pytest.mark.parametrize("route", ROUTES.values(), ids=lambda route: route.call)
def test_a_route_of_the_table_is_described_as_it_is(route: Route) -> None:
    what = operation(f"/{API}{route.path}", route.method.lower())
    assert what["x-apis"] == (["browser", "kernel"] if route.browser else ["kernel"])
    assert [status for status in what["responses"] if status != "default"] == [str(route.status)]
    assert ("requestBody" in what) == ("body" in route.takes)
    assert ("parameters" in what) == ("query" in route.takes)


@pytest.mark.parametrize("route", ROUTES.values(), ids=lambda route: route.call)
def test_a_route_of_the_table_is_a_method_of_the_broker(route: Route) -> None:
    names = re.findall(r"{(\w+)}", route.path)
    asked = list(inspect.signature(getattr(Broker, route.call)).parameters)
    assert asked == ["self", *names, *route.takes]


def test_every_error_code_is_described() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Error"]["properties"]["code"]["enum"]) == set(
        _family(AuthError)
    ) - {Unavailable.code}  # a base: nothing is just that


def test_the_next_steps_are_those_that_front_ends_word():
    described = DOCUMENT["components"]["schemas"]["NextStep"]["properties"]
    assert set(described["step"]["enum"]) == set(get_args(Step))
    assert set(described) == set(NextStep._fields)


def test_every_field_of_a_provider_is_described() -> None:
    described = DOCUMENT["components"]["schemas"]["ProviderFields"]["properties"]
    assert set(described) == {field.name for field in dataclasses.fields(Provider)}


def test_only_the_kernel_api_has_tokens() -> None:
    for path in ("/api/v1/token", "/api/v1/changes"):
        for what in DOCUMENT["paths"][path].values():
            assert what["x-apis"] == ["kernel"]
    assert operation("/api/v1/providers/{name}", "put")["x-apis"] == ["kernel"]
    assert operation("/api/v1/providers", "post")["x-apis"] == ["kernel"]


class Described:
    """Calls to both APIs, each held against the description."""

    def __init__(self, kernel: Kernel, browser: Browser) -> None:
        self._kernel = kernel
        self._browser = browser

    def call(
        self, verb: str, path: str, body: Any = None, *, query: str = "", **fill: str
    ) -> tuple[int, Any]:
        what = operation(path, verb.lower())
        place = path.format(**fill).removeprefix("/api/v1/") + query
        status, data = 0, None
        for api in what["x-apis"]:
            if api == "browser":
                answer = self._browser.send(verb, f"jupyter-auth/api/v1/{place}", body)
                status, data = answer.status_code, answer.json()
            else:
                status, data = self._kernel.ask(verb, place, body)
            check_answer(path, verb.lower(), status, data)
        return status, data


@pytest.fixture
def described(kernel: Kernel, browser: Browser) -> Described:
    return Described(kernel, browser)


def test_the_answers_are_as_described(
    described: Described, kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    call = described.call
    assert call("GET", "/api/v1/changes", query="?since=1")[1]["reset"]
    since = call("GET", "/api/v1/changes")[1]["sequence"]
    wanted = {"provider": "idp", "notebook": "a.ipynb", "kernel": "k", "scopes": None}
    status, login = call("POST", "/api/v1/logins", wanted)
    assert status == 201
    assert call("GET", "/api/v1/logins")[1]["logins"]
    assert call("GET", "/api/v1/consents") == (200, {"consents": []})
    gone = call("DELETE", "/api/v1/consents", query="?provider=idp&notebook=a.ipynb")
    assert gone == (200, {"removed": False})
    assert call("GET", "/api/v1/logins/{login_id}", login_id=login["id"])[0] == 200
    browser.get(browser.origin + login["path"], headers=browser.from_own_page)
    answer = browser.send("POST", browser.origin + login["path"])
    check_answer("/login/{login_id}", "post", 200, answer.json())
    browser.arrive(oidc.login(answer.json()["url"]))
    assert call("GET", "/api/v1/accounts")[1]["accounts"]
    assert call("POST", "/api/v1/token", {"provider": "idp"})[0] == 200
    assert call("POST", "/api/v1/token", {"provider": "idp", "id_token": True})[0] == 200
    found = call("GET", "/api/v1/changes", query=f"?since={since}&wait=1")[1]["changes"]
    assert {change["kind"] for change in found} == {"login", "account"}
    assert call("GET", "/api/v1/providers")[0] == 200
    assert call("GET", "/api/v1/providers/{name}", name="idp")[0] == 200
    service = {"provider": "nightly", "grant": "client_credentials", "scopes": None}
    assert call("POST", "/api/v1/token", service)[0] == 200
    path = "/api/v1/providers/{name}/configuration"
    status, configured = call("GET", path, name="nightly")
    assert (status, configured["service"]) == (200, {"client_id": oidc.service_id})
    assert call("DELETE", "/api/v1/token", query="?provider=nightly")[1]["removed"]
    assert call("POST", "/api/v1/imports", {"provider": "bitfount"})[1] == {"imported": []}
    quota = {"limit": 60, "remaining": 59, "reset_at": None}
    seen = {"provider": "nightly", "client_id": "x", "calls": 2, "quota": quota}
    seen["notebooks"] = ["a.ipynb"]
    assert call("POST", "/api/v1/usage", seen | {"throttled_until": 2e9})[1]["calls"] == 2
    known = {each["provider"]: each for each in call("GET", "/api/v1/usage")[1]["limits"]}
    assert known["nightly"]["throttled_until"] == 2e9
    assert known["nightly"]["notebooks"] == ["a.ipynb"]
    throttled = call("GET", "/api/v1/changes", query=f"?since={since}")[1]["changes"][-1]
    assert (throttled["kind"], throttled["limits"]["client_id"]) == ("throttled", "x")
    fields = {"issuer": oidc.issuer, "client_id": "x", "scopes": ["a"], "leeway": 5}
    check("/components/schemas/ProviderFields", fields)
    assert call("PUT", "/api/v1/providers/{name}", fields, name="mine")[0] == 200
    added = fields | {"name": "kept", "client_secret": "never-told"}
    status, info = call("POST", "/api/v1/providers", added)
    assert (status, info["source"]) == (201, "user")
    kernel.call("DELETE", "accounts?provider=idp&revoke=0")
    assert call("DELETE", "/api/v1/accounts", query="?provider=idp")[1]["removed"] is False
    assert call("GET", "/api/v1/doctor")[1]["findings"]
    assert call("GET", "/api/v1/doctor", query="?provider=idp")[1]["findings"]
    login = kernel.begin()
    assert call("DELETE", "/api/v1/logins/{login_id}", login_id=login["id"])[0] == 200


def test_and_so_are_the_errors(described: Described) -> None:
    call = described.call
    assert call("POST", "/api/v1/token", {"provider": "idp"})[0] == 401
    assert call("POST", "/api/v1/token", {"provider": "nobody"})[0] == 404
    assert call("POST", "/api/v1/token", {"provider": "idp", "grant": "password"})[0] == 400
    assert call("POST", "/api/v1/imports", {"provider": "idp"})[0] == 400
    for wrong in (
        {"calls": -1},
        {"quota": 5},
        {"quota": {"limit": "x"}},
        {"throttled_until": "soon"},
        {"notebooks": "a.ipynb"},
    ):
        assert call("POST", "/api/v1/usage", {"provider": "idp"} | wrong)[0] == 400
    assert call("POST", "/api/v1/logins", {"provider": "nobody"})[0] == 404
    assert call("POST", "/api/v1/logins", {})[0] == 400
    assert call("GET", "/api/v1/providers/{name}", name="nobody")[0] == 404
    assert call("GET", "/api/v1/doctor", query="?provider=nobody")[0] == 404
    assert call("POST", "/api/v1/providers", {"name": "idp"})[0] == 400
    assert call("PUT", "/api/v1/providers/{name}", {"nonsense": 1}, name="mine")[0] == 400
    assert call("GET", "/api/v1/logins/{login_id}", login_id="none")[0] == 410
    assert call("DELETE", "/api/v1/logins/{login_id}", login_id="none")[0] == 410
    assert call("DELETE", "/api/v1/accounts")[0] == 400
