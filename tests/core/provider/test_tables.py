"""What is a table in TOML is a plain mapping in Python, and a wrong one is one sentence."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from types import MappingProxyType

import pytest
from traitlets.config import Config

import jupyter_auth
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import definitions
from jupyter_auth.core.provider.definitions import provider_to_mapping
from jupyter_auth.core.provider.field_types import (
    Endpoints,
    Header,
    Paste,
    Service,
    Throttle,
)
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers, provider, provider_from_mapping
from jupyter_auth.core.record import record, replace
from jupyter_auth.core.secret import Secret

IDP = {"issuer": "https://idp.example.com", "client_id": "x"}
TOKENS = "https://idp.example.com/token"
SECRET = "planted-secret-5c0ffee"
API_KEY = {"parts": {"key": "Key"}, "headers": {"*": {"x-api-key": "{key}"}}}
TABLES = {
    "endpoints": {"token_endpoint": TOKENS, "scopes_supported": ["a", "b"]},
    "header": {"name": "accessToken", "template": "{token}"},
    "service": {"client_id": "s", "client_secret": SECRET, "scopes": "read write"},
    "throttle": {"statuses": [429], "limit": 10},
    "credentials_from": {"package": "p", "file": "f.json", "client_id": "ID"},
    "import_from": {"paths": ["~/.other/*.json"], "unnamed": "main"},
    "paste": {"url": "https://idp.example.com/code", "hosts": ["idp.example.com"]},
    "api_key": API_KEY,
    "register": {"url": "https://idp.example.com/apps", "says": ["Create an app."]},
    "policy": {"scopes": "read write a*", "groups": ["g"], "unused": 90},
    "other_tokens": {"list": "other_tokens", "name": "resource_server"},
    "exchange": {"from": "acme", "audience": "api"},
}


@pytest.fixture(autouse=True)
def _no_file_of_ones_own(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "jupyter_auth.core.provider.registry.user_file", lambda: tmp_path / "none.toml"
    )


def made(**fields) -> Provider:
    return Provider(**{"name": "idp", **IDP, **fields})


# -- taken ---------------------------------------------------------------------------------------


def test_each_field_with_a_table_has_one_here():
    assert TABLES.keys() == definitions.TABLES.keys()


@pytest.mark.parametrize("field", TABLES)
@pytest.mark.parametrize("kind", [dict, MappingProxyType, Config])
def test_a_mapping_makes_the_part(field, kind):
    provider = made(**{field: kind(TABLES[field])})
    assert isinstance(getattr(provider, field), definitions.TABLES[field])
    assert provider == provider_from_mapping("idp", {**IDP, field: TABLES[field]})


def test_what_it_holds_is_what_was_given():
    provider = made(**TABLES)
    assert provider.endpoints == Endpoints(token_endpoint=TOKENS, scopes_supported=("a", "b"))
    assert provider.header == Header(name="accessToken", template="{token}")
    assert provider.throttle == Throttle(statuses=(429,), limit=10)
    assert provider.service == Service(
        client_id="s", client_secret=Secret(SECRET), scopes=("read", "write")
    )
    assert SECRET not in repr(provider)
    bare = replace(provider, register=None)  # a guide does not travel
    assert provider_from_mapping("idp", provider_to_mapping(provider)) == bare


def test_mappings_of_any_kind_travel_to_the_broker():
    headers = MappingProxyType({"*": MappingProxyType({"x-api-key": "{key}"})})
    key = MappingProxyType({"parts": MappingProxyType({"key": "Key"}), "headers": headers})
    service = MappingProxyType({"token_params": MappingProxyType({"a": "b"})})
    fields = provider_to_mapping(made(api_key=key, service=service))
    assert json.loads(json.dumps(fields["api_key"]))["headers"] == {"*": {"x-api-key": "{key}"}}
    assert json.loads(json.dumps(fields["service"])) == {"token_params": {"a": "b"}}


def test_parts_are_taken_as_before_and_in_the_administrators_table_too():
    header = Header(name="accessToken", template="{token}")
    configured = Providers({"idp": IDP | {"header": header, "throttle": {"limit": 10}}})
    assert configured.get("idp") == made(header=header, throttle=Throttle(limit=10))


def test_none_is_what_a_file_does_not_say():
    nothing = dict.fromkeys([*TABLES, "title", "scopes", "token_params", "refresh_on"])
    assert made(**nothing) == made()


def test_a_text_where_a_list_rests_is_its_words():
    """A host is not to be found in the middle of another's name."""
    paste = Paste(url="https://idp.example.com/code", hosts="idp.example.com")
    assert paste.hosts == ("idp.example.com",)


# -- changed -------------------------------------------------------------------------------------


def test_a_change_completes_the_table_of_a_preset_as_in_toml():
    before = provider("insideview")
    changed = provider("insideview", throttle={"limit": 10}, header={"name": "X-Token"})
    assert changed == provider_from_mapping(
        "insideview", {"throttle": {"limit": 10}, "header": {"name": "X-Token"}}
    )
    assert (changed.throttle.limit, changed.throttle.lockout) == (10, before.throttle.lockout)
    assert changed.header.template == before.header.template == "{token}"


def test_none_in_a_change_is_the_default():
    assert provider("insideview", throttle={"lockout": None}).throttle.lockout is None
    assert provider("insideview", throttle=None).throttle == Throttle()


def test_a_part_as_a_change_replaces_it():
    assert provider("insideview", throttle=Throttle(limit=10)).throttle == Throttle(limit=10)


def test_endpoints_move_one_by_one():
    changed = provider("github", endpoints={"token_endpoint": TOKENS})
    assert changed.endpoints.token_endpoint == TOKENS
    assert changed.endpoints.authorization_endpoint.startswith("https://github.com/")


def test_a_secret_completes_a_service_and_shows_nowhere():
    changed = provider("insideview", service={"client_id": "s", "client_secret": SECRET})
    assert changed.service.client_secret == Secret(SECRET)
    assert SECRET not in repr(changed)


# -- wrong ---------------------------------------------------------------------------------------

WRONG = {
    "an unknown key": ({"throttle": {"limt": 10}}, "'throttle'.*'limt'.*Did you mean limit?"),
    "one near nothing": ({"header": {"zzz": 1}}, "'header'.*'zzz'.*Known are: name, template"),
    "no text as a key": ({"throttle": {5: 10}}, "'throttle'.* key 5"),
    "no table": ({"throttle": 10}, "'throttle'.* must be a table with any of `statuses`, "),
    "a list": (
        {"paste": ["https://idp.example.com"]},
        "'paste'.* must be a table with `url` and optionally `hosts`",
    ),
    "another table": ({"header": Throttle()}, "'header'.* a table with any of `name`, `template`"),
    "a key too few": ({"credentials_from": {"package": "p"}}, "'credentials_from'.* key 'file'"),
    "none for a key": ({"paste": Paste(url=None)}, "'paste.url'.* must be a string"),
    "a number": ({"throttle": {"limit": "ten"}}, "'throttle.limit'.* must be a whole number"),
    "a string": ({"endpoints": {"token_endpoint": 5}}, "'endpoints.token_endpoint'.* be a string"),
    "scopes": ({"service": {"scopes": 5}}, "'service.scopes'.* must be a list of strings"),
    "a secret": ({"service": {"client_secret": [SECRET]}}, "'service.client_secret'.* a string"),
    "a package": (
        {"credentials_from": {"package": 5, "file": "f", "client_id": "c"}},
        "'credentials_from.package'.* must be a string",
    ),
    "paths": ({"import_from": {"paths": "~/x"}}, "'import_from.paths'.* must be a list of strings"),
    "hosts": ({"paste": {"url": TOKENS, "hosts": 5}}, "'paste.hosts'.* must be a list of strings"),
    "an algorithm": (
        {"endpoints": {"id_token_signing_alg_values_supported": 5}},
        "'endpoints.id_token_signing_alg_values_supported'.* must be a list of strings",
    ),
    "no key": ({"api_key": 5}, "a table with `parts`, `headers` and optionally `environment`"),
    "parts": ({"api_key": API_KEY | {"parts": 5}}, "'api_key.parts'.* must be a table of strings"),
    "a part": ({"api_key": API_KEY | {"parts": {"Key": "K"}}}, "'api_key.parts'.* lower-case"),
    "headers": ({"api_key": API_KEY | {"headers": 5}}, "'api_key.headers'.* a table of tables"),
    "of one origin": (
        {"api_key": API_KEY | {"headers": {"*": 5}}},
        "'api_key.headers'.* strings",
    ),
    "an origin": ({"api_key": API_KEY | {"headers": {5: {}}}}, "'api_key.headers'.* a string"),
    "a header": (
        {"api_key": API_KEY | {"headers": {"*": {"x y": "{key}"}}}},
        "'api_key.headers'.* must be the name of an HTTP header",
    ),
    "a value": (
        {"api_key": API_KEY | {"headers": {"*": {"x": "{other}"}}}},
        "'api_key.headers'.* made of the parts",
    ),
}


@pytest.mark.parametrize(("fields", "says"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "made_by",
    [
        lambda fields: Provider(name="insideview", **IDP, **fields),
        lambda fields: provider("insideview", **fields),
        lambda fields: Providers({"insideview": IDP | fields}),
    ],
    ids=["Provider", "provider", "c.JupyterAuth.providers"],
)
def test_a_wrong_one_is_one_sentence_that_names_the_field(made_by, fields, says):
    with pytest.raises(ConfigurationError) as caught:
        made_by(fields)
    assert re.search(says, str(caught.value))
    assert "'insideview'" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("of", [Provider, *definitions.TABLES.values()])
def test_every_field_says_what_it_holds(of):
    assert all(callable(each.metadata["kind"]) for each in dataclasses.fields(of))


@pytest.mark.parametrize(("of", "given"), [(Provider, IDP | {"name": "idp"}), (Header, {})])
def test_a_field_that_does_not_say_it_is_refused(of, given):
    """Where it is added, and not by whoever uses it first."""

    @record(frozen=True, kw_only=True)
    class More(of):
        more: str = ""

    with pytest.raises(KeyError, match="kind"):
        More(**given)


def test_a_field_that_does_not_exist_gets_one_near_it():
    with pytest.raises(ConfigurationError, match=r"'throtle'.*Did you mean throttle\?"):
        provider("insideview", throtle={"limit": 10})


# -- from jupyter_auth import * ------------------------------------------------------------------


def test_all_public_names_are_there_for_a_star():
    star: dict[str, object] = {}
    exec("from jupyter_auth import *", star)  # noqa: S102
    assert star.keys() - {"__builtins__"} == set(jupyter_auth.__all__)
    assert star["UserSession"] is jupyter_auth.UserSession
    assert {"Provider", "LoginWidget", "AuthError", "provider", "token"} <= star.keys()


def test_the_package_itself_imports_nothing_of_it():
    code = (
        "import sys, jupyter_auth\njupyter_auth.__all__, dir(jupyter_auth)\n"
        "print([name for name in sys.modules if name.startswith('jupyter_auth.')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n", ran.stderr
