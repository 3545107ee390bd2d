"""A provider made in code is nobody else's: it goes by its definition, not by its name."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.sign_in import REDIRECT_URI, USER, arrive, engine_of, provider_at, sign_in, table
from jupyter_auth.core.common.handles import MARK, is_handle, marked, plain
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginFailed,
    LoginRequired,
    ProviderNotFound,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.definitions import provider_to_mapping
from jupyter_auth.core.provider.field_types import Service
from jupyter_auth.core.provider.info import configured_names
from jupyter_auth.core.provider.made_in_code import MOST, handle_of
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore
from providers.rogue import RogueProvider

TABLE = {"issuer": "https://idp.example.com", "client_id": "x"}
OWN = provider_from_mapping("idp", TABLE)


def changed(**fields):
    return dataclasses.replace(OWN, **fields)


# -- what a name means ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["idp", "bitfount", "github"])
def test_a_name_means_what_it_meant(user_file, name):
    """The user's own, a preset, and a preset that nobody can sign in at yet."""
    providers = Providers(user_file=user_file)
    before = providers.get(name), providers.info(name), providers.all()
    info = providers.register(dataclasses.replace(before[0], client_id="notebook"))
    assert (providers.get(name), providers.info(name), providers.all()) == before
    assert providers.get(info.name).client_id == "notebook"
    assert (info.source, plain(info.name), is_handle(info.name)) == ("code", name, True)
    assert info == providers.info(info.name)


def test_a_new_name_is_in_no_list_and_nobodys_default():
    providers = Providers()
    before = providers.all()
    info = providers.register(provider_from_mapping("mine", TABLE))
    assert providers.all() == before
    assert configured_names(providers.all()) == []
    with pytest.raises(ProviderNotFound):
        providers.get("mine")
    assert providers.get(info.name).issuer == "https://idp.example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "y"},
        {"issuer": "https://other.example.com"},
        {"base_url": "https://evil.example.com/"},
        {"api_origins": ("https://evil.example.com",)},
        {"token_response": {"access_token": "token"}},
        {"service": Service(token_endpoint="https://evil.example.com/token")},
        {"title": "Another"},
    ],
)
def test_any_other_definition_has_another_handle(fields):
    providers = Providers()
    handles = {providers.register(each).name for each in (OWN, changed(**fields))}
    assert len(handles) == 2


def test_the_same_definition_has_the_same_handle_whoever_makes_it():
    again = provider_from_mapping("idp", provider_to_mapping(OWN))
    assert Providers().register(OWN).name == Providers().register(again).name
    secret = changed(client_auth="post", client_secret="planted-one")
    handle = Providers().register(secret).name
    other = changed(client_auth="post", client_secret="planted-two")
    assert Providers().register(other).name == handle  # no handle says anything of a secret
    assert handle == handle_of(dataclasses.replace(secret, client_secret=None))


def test_what_the_name_means_already_is_that_one(user_file):
    providers = Providers({"ours": TABLE}, user_file=user_file, environ={})
    for name in ("ours", "idp", "bitfount", "github"):
        info = providers.register(dataclasses.replace(providers.get(name)))
        assert info == providers.info(name)
    providers = Providers(environ={"JUPYTER_AUTH_GITHUB_CLIENT_ID": "by-environment"})
    assert providers.register(Providers().get("github")) == providers.info("github")


def test_a_secret_of_its_own_is_used_and_not_lost(user_file):
    user_file.write_text(user_file.read_text() + 'client_auth = "post"\n')
    providers = Providers(user_file=user_file)
    mine = dataclasses.replace(providers.get("idp"), client_secret="planted-secret")
    info = providers.register(mine)
    assert is_handle(info.name)
    assert providers.get(info.name).client_secret == mine.client_secret
    assert providers.get("idp").client_secret is None


def test_the_administrators_stays_theirs():
    providers = Providers({"idp": TABLE | {"client_secret": "planted-secret"}})
    bare = provider_from_mapping("idp", provider_to_mapping(providers.get("idp"), secrets=False))
    assert providers.register(bare).source == "configured"  # as a kernel knows it
    with pytest.raises(ConfigurationError, match="administrator"):
        providers.register(changed(client_id="y"))


# -- handles -------------------------------------------------------------------------------------


def test_a_handle_is_made_by_registering_and_in_no_other_way(user_file):
    handle = handle_of(OWN)
    with pytest.raises(ConfigurationError):
        Provider(name=handle, issuer="https://evil.example.com")
    with pytest.raises(ConfigurationError):
        Providers({handle: TABLE})
    user_file.write_text(f'["{handle}"]\nissuer = "https://evil.example.com"\nclient_id = "x"\n')
    providers = Providers(user_file=user_file)
    with pytest.raises(ProviderNotFound):
        providers.get(handle)
    assert providers.register(OWN).name == handle
    assert providers.get(handle) == OWN


def test_people_see_the_name():
    key = AccountKey(Providers().register(OWN).name, "work")
    assert str(key) == "idp (work)"
    assert marked(key.provider) == "idp (defined in a notebook)"
    assert marked("idp") == plain("idp") == "idp"
    with pytest.raises(ProviderNotFound, match="'idp'") as caught:
        Providers().get(key.provider)
    assert MARK not in str(caught.value)


def test_those_used_last_are_kept():
    providers = Providers()
    handles = [providers.register(changed(client_id=f"own-{n}")).name for n in range(MOST)]
    providers.get(handles[0])
    newest = providers.register(changed(client_id="one more"))
    assert providers.get(handles[0]).client_id == "own-0"
    assert providers.get(newest.name).client_id == "one more"
    with pytest.raises(ProviderNotFound):
        providers.get(handles[1])
    assert providers.register(changed(client_id="own-1")).name == handles[1]


# -- accounts and logins -------------------------------------------------------------------------


@pytest.fixture
def own_idp(user_file, rogue, clock):
    """An engine of somebody whose own file has ``idp``, and that is ``rogue``."""
    user_file.write_text(f'[idp]\nissuer = "{rogue.issuer}"\nclient_id = "{rogue.client_id}"\n')
    rogue.clock = clock
    engine = Engine(Providers(user_file=user_file), MemoryStore(), clock=clock)
    yield engine
    engine.close()


def test_a_sign_in_at_one_is_none_at_the_other(engines, rogue):
    engine = engines(idp=rogue)
    sign_in(engine, rogue)
    handle = engine.register(provider_at(rogue, "own")).name
    with pytest.raises(LoginRequired, match="to own") as caught:
        engine.token(handle)
    assert (caught.value.hint, MARK in str(caught.value)) == (
        "Run the code that makes this session again.",
        False,
    )
    variant = engine.register(provider_at(rogue, "own", base_url="https://evil.example/")).name
    callback = arrive(engine, engine.begin(LoginRequest(handle)), rogue)
    assert callback.finish(engine).status == "complete"
    assert engine.token(handle).valid(0.0)
    for other in ("own", variant):
        with pytest.raises((LoginRequired, ProviderNotFound)):
            engine.token(other)
    assert {info.provider for info in engine.accounts()} == {"idp", handle}
    assert engine.logout("idp").removed
    assert engine.token(handle)


def test_its_redirect_uri_has_the_name(own_idp, rogue):
    """It is the one that its maker registered; the state says which definition it is for."""
    own, other = (provider_at(rogue, "idp", title=title) for title in ("Own", "Other"))
    handles = [own_idp.register(each).name for each in (own, other)]
    for name in ("idp", *handles):
        callback = arrive(own_idp, own_idp.begin(LoginRequest(name)), rogue)
        for wrong in {"other", *handles} | ({"idp"} - {plain(name)}):
            with pytest.raises(LoginFailed):
                callback.finish(own_idp, provider=wrong)
        login = callback.finish(own_idp, provider="idp")
        assert (login.status, login.provider) == ("complete", name), login.error
        assert own_idp.token(name)


def test_an_account_outlives_the_definition_and_waits_for_it(rogue, clock, tmp_path):
    """A server that was started anew has the accounts, and is told of the definition again."""
    store = FileStore(tmp_path / "store")
    own = provider_at(rogue, "own")
    engine = engine_of(store, clock, unrelated=rogue)
    handle = engine.register(own).name
    arrive(engine, engine.begin(LoginRequest(handle)), rogue).finish(engine)
    engine.close()
    engine = engine_of(store, clock, unrelated=rogue)
    with pytest.raises(ProviderNotFound):
        engine.token(handle)
    assert engine.register(own).name == handle
    assert engine.token(handle)
    engine.close()


def test_it_is_signed_out_without_its_definition(engines, rogue):
    store = MemoryStore()
    engine = engines(store, unrelated=rogue)
    handle = engine.register(provider_at(rogue, "own")).name
    arrive(engine, engine.begin(LoginRequest(handle)), rogue).finish(engine)
    later = engines(store, unrelated=rogue)
    out = later.logout(handle)
    assert (out.removed, out.revoked) == (True, False)
    assert out.note == "Its definition isn't known here any more, so nothing could be revoked."
    assert rogue.revoked == []


def test_a_code_for_one_never_goes_to_the_other(own_idp):
    """Both have one redirect URI: the login knows whose token endpoint it is for."""
    with RogueProvider() as evil:
        handle = own_idp.register(provider_from_mapping("idp", table(evil))).name
        _, binding = own_idp.open(own_idp.begin(LoginRequest(handle)).id, REDIRECT_URI, USER)
        url, _ = own_idp.open(own_idp.begin(LoginRequest("idp")).id, REDIRECT_URI, USER)
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        with pytest.raises(LoginFailed):
            own_idp.finish(
                AuthorizationResponse(
                    "idp",
                    {"code": "x", "state": state},
                    {binding.name: binding.value},
                    USER,
                    confirm_by=None,
                )
            )
        assert evil.seen("token") == []
