"""An account answers to the very definition it was made with (SECURITY 11, 15)."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import fields

import pytest

from core.sign_in import account_of, arrive, engine_of, provider_at, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider import binding
from jupyter_auth.core.provider.definitions import TABLES, provider_from_mapping, replace_provider
from jupyter_auth.core.provider.made_in_code import handle_of
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.kernel.http.token_cache import CachedTokens
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore
from providers import troubles

IDP, EVIL = "https://idp.example", "https://evil.example"
BASE = provider_from_mapping(
    "idp",
    {
        "issuer": IDP,
        "client_id": "x",
        "endpoints": {"token_endpoint": f"{IDP}/token"},
        "service": {},
        "credentials_from": {"package": "p", "file": "f.json", "client_id": "ID"},
        "import_from": {"paths": ["~/.p/token"]},
        "paste": {"url": f"{IDP}/paste"},
        "api_key": {"parts": {"key": "Key"}, "headers": {"*": {"x-key": "{key}"}}},
    },
)
BOUND = {  # another value of each field that is bound
    "issuer": EVIL,
    "metadata_url": f"{EVIL}/metadata",
    "client_id": "y",
    "client_auth": "query",
    "audience": "api",
    "authorize_params": {"resource": "api"},
    "pkce": False,
    "token_params": {"resource": "api"},
    "base_url": f"{EVIL}/",
    "api_origins": (EVIL,),
    "username_url": f"{EVIL}/me",
    "ca_bundle": "evil.pem",
    "param_names": {"client_secret": "secret"},
    "token_response": {"access_token": "token"},
    "api_headers": {"Host": "evil.example"},
    "endpoints.issuer": EVIL,
    "endpoints.authorization_endpoint": f"{EVIL}/authorize",
    "endpoints.token_endpoint": f"{EVIL}/token",
    "endpoints.refresh_endpoint": f"{EVIL}/refresh",
    "endpoints.revocation_endpoint": f"{EVIL}/revoke",
    "endpoints.userinfo_endpoint": f"{EVIL}/me",
    "endpoints.device_authorization_endpoint": f"{EVIL}/device",
    "endpoints.jwks_uri": f"{EVIL}/jwks",
    "endpoints.id_token_signing_alg_values_supported": ("RS512",),
    "endpoints.authorization_response_iss_parameter_supported": True,
    "endpoints.token_endpoint_auth_methods_supported": ("client_secret_post",),
    "endpoints.require_pushed_authorization_requests": True,
    "endpoints.require_signed_request_object": True,
    "header.name": "x-token",
    "header.template": "{token}",
    "service.token_endpoint": f"{EVIL}/token",
    "service.client_auth": "query",
    "service.audience": "api",
    "service.token_params": {"resource": "api"},
    "credentials_from.package": "evil",
    "credentials_from.file": "g.json",
    "credentials_from.client_id": "NAME",
    "credentials_from.client_secret": "SECRET",
    "import_from.paths": ("~/.netrc",),
    "import_from.unnamed": ("a",),
    "import_from.matches": {"a": "b"},
    "import_from.token_endpoint": "url",
    "paste.url": f"{EVIL}/paste",
    "paste.hosts": ("evil.example",),
    "api_key.parts": {"key": "Key", "id": "Id"},
    "api_key.headers": {EVIL: {"x-key": "{key}"}},
    "api_key.environment": {"key": "HOME"},
    "exchange": {"from": "acme"},
    "endpoints.registration_endpoint": f"{EVIL}/register",
    "found_at": f"{EVIL}/mcp",
    "base_url_from": "{instance_url}/",
    "resource": f"{EVIL}/api",
    "resources": {f"{EVIL}/api": {"api_origins": (EVIL,)}},
    "other_tokens": {"list": "others", "name": "server"},
}
UNBOUND = {  # and of those that are named harmless
    "name": "other",
    "title": "Other",
    "client_secret": Secret("s"),
    "grants": ("password",),
    "public_grants": ("device_code",),
    "scopes": ("admin",),
    "silent": True,
    "redirect_uri": "http://127.0.0.1:1/",
    "force_prompt": "select_account",
    "username_claim": "email",
    "loopback": "localhost",
    "token_timeout": 5.0,
    "leeway": 5.0,
    "refresh_on": (401, 403),
    "revoke": False,
    "expires_format": "%a, %b %d, %Y %I:%M:%S %p %Z",
    "scope_separator": ",",
    "scope_aliases": {"a": "b"},
    "error_names": {"a": "access_denied"},
    "token_request": "json",
    "throttle": {"limit": 5},
    "endpoints.scopes_supported": ("a",),
    "endpoints.grant_types_supported": ("a",),
    "endpoints.client_id_metadata_document_supported": True,
    "token_types": ("user",),
    "vendor": True,
    "policy": {"scopes": ["admin"]},
    "resource_parameter": "scope",
    "preset": "github",
    "placeholders": {"host": {"says": "Host", "default": "idp.example"}},
    "set": {"host": "idp.example"},
    "register": {"says": ["Create an application."]},
    "service.client_id": "z",
    "service.client_secret": Secret("s"),
    "service.scopes": ("a",),
    "api_key.aliases": {"k": "key"},
}

# Tables that are bound, or harmless, as one.
WHOLE = {"policy", "throttle", "register", "other_tokens", "exchange"}


def changed(path: str, value) -> Provider:
    name, _, within = path.partition(".")
    if within:
        value = dataclasses.replace(getattr(BASE, name), **{within: value})
    return replace_provider(BASE, **{name: value})


def test_every_field_is_bound_or_harmless_for_a_reason():
    """A new one is bound, until it says why it need not be; either way it is added here."""
    reasons = {}
    for each in fields(Provider):
        within = fields(TABLES[each.name]) if each.name in TABLES.keys() - WHOLE else ()
        reasons |= {f"{each.name}.{key.name}": key.metadata["harmless"] for key in within} or {
            each.name: each.metadata["harmless"]
        }
    assert {path for path, reason in reasons.items() if not reason} == BOUND.keys()
    assert {path for path, reason in reasons.items() if reason} == UNBOUND.keys()


def test_each_that_is_bound_changes_what_an_account_answers_to():
    prints = {path: changed(path, value).fingerprint for path, value in BOUND.items()}
    assert BASE.fingerprint not in prints.values()
    assert len(set(prints.values())) == len(prints)
    without = {each: replace_provider(BASE, **{each: None}).fingerprint for each in TABLES}
    unchanged = {each for each in without if without[each] == BASE.fingerprint}
    at_their_defaults = {"header", "policy", "throttle", "other_tokens", "register"}
    assert unchanged == at_their_defaults | {"exchange"}


def test_so_does_each_key_of_an_exchange():
    keys = {
        "from": "other",
        "subject_token": "id_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "requested_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": "api",
        "grant": "client_credentials",
    }
    made = [{"from": "acme"}, *({"from": "acme", key: each} for key, each in keys.items())]
    assert len({changed("exchange", each).fingerprint for each in made}) == len(made)
    assert len(made) == 1 + len(fields(TABLES["exchange"]))


def test_a_definition_has_the_digests_that_it_had_in_the_releases_before():
    """Or everybody who is signed in would have to sign in anew."""
    digest = "31f00f2adf60315f7cdeb33704d42efa8eb0faff99e2718541940abe248555cf"
    assert BASE.fingerprint == f"2:{digest}"
    assert handle_of(BASE) == "idp~e23b110b2711491a50c9ab73e3c6cb8c"


@pytest.mark.parametrize("path", UNBOUND)
def test_each_that_is_harmless_does_not(path):
    assert changed(path, UNBOUND[path]).fingerprint == BASE.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": f"{EVIL}/"},
        {"username_url": f"{EVIL}/me"},
        {"token_response": {"access_token": "access_token"}},
        {"endpoints": {"revocation_endpoint": f"{EVIL}/revoke"}},
        {"service": {"token_endpoint": f"{EVIL}/token"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_account_is_not_read_by_another_definition(rogue, clock, change):
    store = MemoryStore()
    engine = engine_of(store, clock, idp=rogue)
    sign_in(engine, rogue)
    other = Engine(Providers({"idp": table(rogue, **change)}), store, clock=clock)
    with pytest.raises(LoginRequired):
        other.token("idp")
    assert other.id_token("idp") is None
    assert not other.logout("idp").revoked  # and its tokens go to nobody else's endpoint
    assert rogue.revoked == []


# -- accounts of the first version ---------------------------------------------------------------


def as_of_the_first_version(store, account, provider):
    old = provider.first_fingerprint
    with store.locked(account.key) as slot:
        slot.save(dataclasses.replace(account, fingerprint=old))


def test_nobody_loses_an_account_of_what_an_administrator_says(rogue, clock, tmp_path):
    store = FileStore(tmp_path)
    engine = engine_of(store, clock, idp=rogue)
    as_of_the_first_version(store, sign_in(engine, rogue), engine.configured("idp"))
    assert engine.token("idp").valid(clock())
    clock.advance(3600)
    assert engine.token("idp").valid(clock())
    assert account_of(engine).fingerprint == engine.configured("idp").fingerprint
    (rests,) = store.accounts()
    assert not binding.is_of_first_version(rests.fingerprint)


@pytest.mark.parametrize(
    ("fields", "subject", "known"),
    [
        ({"username_claim": "preferred_username"}, "u-2001", True),
        ({"grants": ["password"]}, None, True),
        ({}, "u-2001", False),
        ({"grants": ["password"]}, "u-2001", False),
    ],
)
def test_who_was_signed_in_is_known_by_the_name_that_a_provider_vouches_for(
    rogue, tmp_path, fields, subject, known
):
    """Files of the first version do not say whether it does."""
    store = FileStore(tmp_path)
    account = sign_in(engine_of(store, rogue.clock, idp=rogue), rogue)
    engine = Engine(Providers({"idp": table(rogue, **fields)}), store, clock=rogue.clock)
    account = dataclasses.replace(account, subject=subject)
    as_of_the_first_version(store, account, engine.configured("idp"))
    (file,) = tmp_path.glob("accounts/*.json")
    old = json.loads(file.read_text())
    assert old.pop("vouched") is False
    file.write_text(json.dumps(old))
    (info,) = engine.accounts()
    assert info.belongs_to("rosa") is known
    assert ("rosa" in account_of(engine).names) is known


def test_what_a_kernel_may_have_written_signs_in_anew(rogue, clock, tmp_path):
    """``%auth add`` over a name: no account of the first version is for that."""
    file, store = tmp_path / "providers.toml", FileStore(tmp_path / "store")
    before = engine_of(store, clock, idp=rogue)
    account = sign_in(before, rogue)
    as_of_the_first_version(store, account, before.configured("idp"))
    engine = Engine(Providers(user_file=file), store, clock=clock)
    engine.add("idp", table(rogue, base_url=f"{EVIL}/"))
    with pytest.raises(LoginRequired):
        engine.token("idp")
    # But a preset with a client of one's own is the preset's own definition.
    engine.add("insiders", {"client_id": "ams"})
    insiders = dataclasses.replace(
        account,
        provider="insiders",
        fingerprint=engine.configured("insiders").first_fingerprint,
    )
    with store.locked(insiders.key) as slot:
        slot.save(insiders)
    assert engine.token("insiders").valid(clock())


# -- what kernels are told -----------------------------------------------------------------------


def test_a_session_sends_nothing_where_only_an_older_definition_says(rogue, clock, tmp_path):
    """It was made for one ``base_url``; the account is another definition's by now."""
    engine = engine_of(MemoryStore(), clock, idp=rogue)
    sign_in(engine, rogue)
    with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
        client = BrokerClient(kernel_api.path)
        tokens = CachedTokens(client, "idp", clock=clock, reach=client.provider("idp").reach)
        assert tokens.token()
        engine.configure(provider_at(rogue, base_url=f"{EVIL}/"))
        sign_in(engine, rogue)
        tokens.drop()
        with pytest.raises(ConfigurationError, match="Nothing was sent"):
            tokens.token()
        again = CachedTokens(client, "idp", clock=clock, reach=client.provider("idp").reach)
        assert again.token()
        client.close()


# -- what is taken for an access token -----------------------------------------------------------


@pytest.mark.parametrize(
    "mapping",
    [
        {"access_token": "refresh_token"},
        {"access_token": "data.refreshToken"},
        {"access_token": "id_token"},
        {"access_token": "access_token", "scope": "refresh_token"},
        {"access_token": "access_token", "id_token": "refresh_token"},
        {"error": "token_type", "error_description": "oauth2-refresh-token"},
    ],
    ids=str,
)
def test_no_definition_takes_another_token_for_something_a_kernel_gets(mapping):
    with pytest.raises(ConfigurationError, match="token_response"):
        replace_provider(BASE, token_response=mapping)
    replace_provider(
        BASE, token_response={"refresh_token": "a.refresh_token", "id_token": "idToken"}
    )


@pytest.mark.parametrize("name", ["access_token", "scope", "error_description"])
def test_the_refresh_token_is_not_told_under_another_name(rogue, clock, tmp_path, name):
    """A mapping cannot be seen through, an answer can."""
    data = {"refreshToken": "planted-refresh"}
    rogue.script("token", troubles.fields(hidden="planted-refresh", data=data))
    mapping = {"access_token": "access_token", "refresh_token": "refresh_token", name: "hidden"}
    if name == "error_description":
        mapping["error"] = "token_type"
    engine = engine_of(FileStore(tmp_path), clock, unrelated=rogue)
    own = provider_at(rogue, "own", token_response=mapping, scope_separator="-")
    handle = engine.register(own).name
    ended = arrive(engine, engine.begin(LoginRequest(handle)), rogue).finish(engine)
    assert ended.status == "failed"
    assert "planted-refresh" not in str(ended.error)
    assert "refresh token" in ended.error["message"]
    assert engine.accounts() == []
