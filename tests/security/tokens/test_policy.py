"""What an administrator's policy excludes never reaches the provider (SECURITY 20)."""

from __future__ import annotations

import contextlib

import pytest

from core.sign_in import engine_of, provider_at, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import Challenge, LoginRequest
from jupyter_auth.core.provider import resources
from jupyter_auth.core.provider.field_types import beyond
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore

ADMIN = "admin:everything"
API, OTHER = "https://api.example/v1", "https://other.example"
POLICY = {"scopes": ["repo:*", "read"], "resources": [API]}


@pytest.fixture
def limited(rogue, clock):
    """An engine whose administrator limits ``idp``, a server of several grants."""
    rogue.clock = clock
    made = engine_of(MemoryStore(), clock, unrelated=rogue)
    made.configure(provider_at(rogue, policy=POLICY, service={"client_secret": "planted-s"}))
    yield made
    made.close()


# -- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize("made", [Engine, LocalAccounts])
@pytest.mark.parametrize(
    "asked",
    [
        {"scopes": (ADMIN,)},
        {"scopes": ("repo:read", ADMIN)},
        {"scopes": (f"repo:read {ADMIN}",)},
        {"scopes": (f"repo:read,{ADMIN}",)},
        {"scopes": ("Read",)},
        {"scopes": (ADMIN,), "grant": "device_code"},
        {"scopes": (ADMIN,), "challenge": Challenge(api="a", scopes=(ADMIN,))},
        {"resource": OTHER},
    ],
)
def test_nothing_is_asked_of_the_provider(rogue, made, asked):
    providers = Providers({"idp": table(rogue, policy=POLICY)})
    with contextlib.closing(made(providers, MemoryStore())) as accounts:
        with pytest.raises(ConfigurationError, match="The policy of idp does not allow the"):
            accounts.begin(LoginRequest("idp", **asked))
        assert accounts.logins() == []
    assert rogue.requests == []


def test_the_error_names_what_is_refused_and_what_is_allowed(limited):
    with pytest.raises(ConfigurationError) as error:
        limited.begin(LoginRequest("idp", scopes=("repo:read", ADMIN, "openid")))
    assert error.value.message == f"The policy of idp does not allow the scope {ADMIN}."
    assert error.value.hint.startswith("It allows: repo:* read. Ask your administrator")


def test_what_it_allows_is_asked_for_as_before(limited, rogue):
    rogue.metadata = {"scopes_supported": ["openid", "email", "offline_access"]}
    sign_in(limited, rogue)
    assert rogue.seen("authorize")[-1].query["scope"] == "openid email offline_access"
    sign_in(limited, rogue, scopes=("openid", "repo:read"), resource=API)
    assert rogue.seen("authorize")[-1].query["scope"] == "openid repo:read"


def test_a_login_that_was_begun_before_is_not_opened(limited, rogue, monkeypatch):
    """Whatever let it through: it is checked once more where requests are made."""
    monkeypatch.setattr("jupyter_auth.core.engine.require_allowed", lambda *_, **__: None)
    login = limited.begin(LoginRequest("idp", scopes=(ADMIN,)))
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.open(login.id, "http://127.0.0.1:8888/jupyter-auth/callback/idp", "rosa")
    device = limited.begin(LoginRequest("idp", scopes=(ADMIN,), grant="device_code"))
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.device.start(device.id, confirm_by=None)
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.client_token("idp", scopes=(ADMIN,))
    assert not any("admin" in f"{each.target} {each.form}" for each in rogue.requests)


def test_nor_is_one_typed(limited, rogue):
    limited.configure(provider_at(rogue, grants=["password"], policy=POLICY))
    engine = limited
    with pytest.raises(ConfigurationError, match=ADMIN):
        engine.begin(LoginRequest("idp", scopes=(ADMIN,)))
    login = engine.begin(LoginRequest("idp", scopes=("read",)))
    engine.typed.password(login.id, rogue.username, Secret(rogue.password), host=login.host)
    (sent,) = [each.form for each in rogue.requests if "password" in each.form]
    assert sent["scope"] == "read"


def test_a_service_account_gets_no_more(limited, rogue):
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.client_token("idp", scopes=(ADMIN,))
    assert rogue.requests == []


def test_a_token_for_another_api_is_refused_though_there_is_one(limited, rogue):
    """It was signed in for before there was a policy."""
    limited.configure(provider_at(rogue))
    sign_in(limited, rogue)
    sign_in(limited, rogue, resource=OTHER)
    assert limited.token("idp", need=Need(resource=OTHER))
    limited.configure(provider_at(rogue, policy=POLICY))
    for get in (limited.token, limited.token_at_hand):
        with pytest.raises(ConfigurationError, match=f"the resource {OTHER}"):
            get("idp", "default", Need(resource=OTHER))
    assert limited.token("idp")


def test_where_scopes_name_resources_they_are_checked_as_such(rogue):
    vault = provider_at(rogue, resource_parameter="scope", policy={"resources": [API]})
    with pytest.raises(ConfigurationError, match=f"the resource {OTHER}"):
        resources.require_allowed(vault, [f"{OTHER}/.default"])
    resources.require_allowed(vault, [f"{API}/.default", "openid", "Mail.Read"])
    both = provider_at(rogue, resource_parameter="scope", policy={"scopes": ["a"]})
    with pytest.raises(ConfigurationError, match=r"the scope https://other\.example/\.default"):
        resources.refresh_parameters(both, OTHER, ["a"])


def test_a_refresh_asks_for_no_more_than_is_allowed_now(limited, rogue, clock):
    """The account was made before there was a policy, where a refresh names scopes."""
    entra = {"resource_parameter": "scope"}
    limited.configure(provider_at(rogue, **entra))
    sign_in(limited, rogue, scopes=("openid", ADMIN))
    clock.advance(3600)
    limited.configure(provider_at(rogue, policy=POLICY, **entra))
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.token("idp")
    assert rogue.seen("refresh") == []


# -- groups --------------------------------------------------------------------------------------


def test_a_provider_for_some_groups_is_nobody_elses(rogue):
    groups = {"physics"}
    given = {"idp": table(rogue, policy={"groups": ["physics", "staff"]})}
    engine = Engine(
        Providers(given, is_member=lambda wanted: not groups.isdisjoint(wanted)), MemoryStore()
    )
    with contextlib.closing(engine):
        sign_in(engine, rogue)
        assert engine.token("idp")
        assert [each.name for each in engine.providers() if each.source == "configured"] == ["idp"]
        groups.clear()
        assert [each.name for each in engine.providers() if each.source != "preset"] == []
        for refused in (engine.token, engine.provider, engine.examine):
            with pytest.raises(ConfigurationError) as error:
                refused("idp")
            assert error.value.message == "idp is for members of certain groups of this JupyterHub."
            assert "physics, staff" in error.value.hint
        with pytest.raises(ConfigurationError, match="certain groups"):
            engine.begin(LoginRequest("idp"))
        with pytest.raises(ConfigurationError, match="certain groups"):
            engine.begin(LoginRequest(engine.register(provider_at(rogue, "mine")).name))


def test_without_the_hubs_service_nobody_is_a_member(rogue):
    """Where they are not known, a limit that does not hold would be worse than none."""
    providers = Providers({"idp": table(rogue, policy={"groups": ["physics"]})})
    with pytest.raises(ConfigurationError, match="which only the Hub's service knows"):
        providers.get("idp")
    assert [each.source for each in providers.all() if each.name == "idp"] == ["broken"]


# -- definitions that are not the administrator's ------------------------------------------------


VARIATIONS = [
    {"scopes": [ADMIN]},
    {"scopes": [ADMIN], "client_id": "mine"},
    {"resource": OTHER},
    {"resources": {OTHER: {}}},
    {"service": {"client_secret": "s"}},
    {"audience": OTHER},
    {"exchange": {"from": "other", "audience": OTHER}},
    {"authorize_params": {"resource": OTHER}},
    {"token_params": {"resource": OTHER}},
    {"param_names": {"login_hint": "scope"}},
    {"scope_separator": f" {ADMIN} "},
    {"resource_parameter": "audience"},
    {"policy": {"scopes": ["*"]}, "scopes": [ADMIN]},
]


@pytest.mark.parametrize("changes", VARIATIONS)
def test_a_variation_made_in_code_does_not_escape_it(limited, rogue, changes):
    own = provider_at(rogue, "mine", **changes)
    with pytest.raises(ConfigurationError, match="policy of"):
        limited.register(own)
    assert rogue.requests == []


def test_nor_does_the_same_client_at_endpoints_that_are_written_down(limited, rogue):
    there = {"authorization_endpoint": f"{rogue.issuer}/authorize?scope={ADMIN}"}
    there |= {"token_endpoint": f"{rogue.issuer}/token"}
    own = Provider(name="mine", endpoints=there, client_id=rogue.client_id)
    with pytest.raises(ConfigurationError, match="can't set `endpoints`"):
        limited.register(own)


def test_one_within_it_keeps_it(limited, rogue):
    handle = limited.register(provider_at(rogue, "mine", scopes=["read"])).name
    with pytest.raises(ConfigurationError, match=ADMIN):
        limited.begin(LoginRequest(handle, scopes=(ADMIN,)))
    assert limited.begin(LoginRequest(handle)).status == "pending"
    elsewhere = Provider(name="else", issuer="https://else.example", client_id=rogue.client_id)
    assert limited._providers.get(limited.register(elsewhere).name).policy is None


def test_a_persons_own_file_is_limited_too(rogue, tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text(
        f'[mine]\nissuer = "{rogue.issuer}"\nclient_id = "own"\n'
        f'[mine.policy]\nscopes = ["{ADMIN}"]\n'
        '[alone]\nissuer = "https://alone.example"\nclient_id = "own"\npolicy.scopes = ["a"]\n'
    )
    providers = Providers({"idp": table(rogue, policy=POLICY)}, user_file=file)
    assert providers.get("mine").policy == providers.get("idp").policy
    assert providers.get("alone").policy.scopes == ("a",)


def test_a_definition_that_contradicts_its_own_policy_is_refused(rogue):
    for fields in ({"scopes": [ADMIN]}, {"resource": OTHER}, {"service": {"scopes": [ADMIN]}}):
        with pytest.raises(ConfigurationError, match="The policy of idp does not allow"):
            provider_at(rogue, policy=POLICY, **fields)


def test_a_policy_changes_no_account(rogue):
    with_it = provider_at(rogue, policy=POLICY)
    assert with_it.fingerprint == provider_at(rogue).fingerprint


# -- from a notebook -----------------------------------------------------------------------------


def test_a_notebook_is_told_and_nothing_goes_out(home, limited, rogue, tmp_path, monkeypatch):
    del home
    with BrokerSocket(limited, tmp_path / "runtime") as kernel_api:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
        for provider in ("idp", provider_at(rogue, "mine")):
            with pytest.raises(ConfigurationError, match=ADMIN):
                UserSession(provider, scopes=[ADMIN], interactive=True)
    assert rogue.seen("authorize") == []


def test_notebooks_may_be_kept_from_defining_any(rogue):
    """A separate choice from ``allow_user_providers``."""
    providers = Providers({"idp": table(rogue)}, allow_code_providers=False)
    with pytest.raises(ConfigurationError, match="Providers defined in a notebook"):
        providers.register(provider_at(rogue, "mine"))
    assert providers.get("idp")
    assert providers.get("bitfount")  # a preset


def test_several_in_one_text_are_each_looked_at(rogue):
    limited = provider_at(rogue, scope_separator=";", policy={"scopes": [f"a;{ADMIN}", "a"]})
    for text in (f"a {ADMIN}", f"a;{ADMIN}", f"a\t{ADMIN}"):
        with pytest.raises(ConfigurationError, match=f"scope {ADMIN}"):
            resources.require_allowed(limited, [text])


# -- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "asked", "refused"),
    [
        (None, ["a"], []),
        ([], ["a"], ["a"]),
        (["a.b"], ["a.b", "axb"], ["axb"]),
        (["a*"], ["a", "ab", "a b", "a,b", "ba"], ["a b", "a,b", "ba"]),
        (["*"], ["a", "a\nb", "a\tb"], ["a\nb", "a\tb"]),
        (["[a]?"], ["a", "[a]?"], ["a"]),
    ],
)
def test_a_star_is_the_only_pattern(allowed, asked, refused):
    assert beyond(allowed, asked) == refused
