"""Two providers at one redirect URI (SECURITY 4, 8; RFC 9700 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from core.sign_in import USER, Callback, ended, party_at, provider_at, table, visit
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, LoginOvertaken
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login.loopback.server import Listener, Page
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import authorization_response
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from processes import free_port
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIXED = "http://localhost:8400/oauth/back"
TWIN = "http://127.0.0.1:8400/oauth/back"  # a listener hears both


@pytest.fixture
def honest(rogue: RogueProvider) -> RogueProvider:
    return rogue


@pytest.fixture
def evil() -> Iterator[RogueProvider]:
    with RogueProvider() as provider:
        yield provider


@pytest.fixture
def engine(clock, honest: RogueProvider, evil: RogueProvider) -> Iterator[Engine]:
    """Both configured, at one redirect URI."""
    honest.clock = evil.clock = clock
    both = {"honest": honest, "evil": evil}
    tables = {name: table(server, redirect_uri=FIXED) for name, server in both.items()}
    made = Engine(Providers(tables), MemoryStore(), clock=clock)
    yield made
    made.close()


def leave(engine: Engine, name: str, uri: str = FIXED) -> tuple[str, Callback]:
    """Where a browser is sent, and what it will bring back but for the parameters."""
    url, binding = engine.open(engine.begin(LoginRequest(name)).id, uri, USER)
    return url, Callback(name, {}, {binding.name: binding.value})


# -- whose answer it is --------------------------------------------------------------------------


@pytest.mark.parametrize("names_it", [True, False])
def test_an_answer_of_the_honest_one_never_reaches_the_evil_one(engine, honest, evil, names_it):
    """The evil one sends the browser on to the honest one, with all that was meant for itself."""
    honest.sends_iss = names_it
    url, back = leave(engine, "evil")
    params = visit(honest, url.replace(evil.issuer, honest.issuer))
    assert params["code"]
    login = back.finish(engine, params=params)
    assert (
        ended(login, "login_failed").error["message"].startswith("The response came from another")
    )
    assert evil.seen("token") == []


def test_it_has_to_say_so_also_when_the_evil_one_takes_its_promise_back(rogue):
    party = party_at(rogue)
    assert not party.endpoints.authorization_response_iss_parameter_supported
    with pytest.raises(LoginFailed):
        authorization_response.check_issuer(party, rogue.issuer, {"code": "c"}, names_itself=True)
    told = {"code": "c", "iss": rogue.issuer}
    authorization_response.check_issuer(party, rogue.issuer, told, names_itself=True)


@pytest.mark.parametrize("uri", [FIXED, TWIN])
def test_who_cannot_say_so_does_not_begin(clock, honest, evil, uri):
    honest.sends_iss = evil.sends_iss = False
    tables = {"honest": table(honest, redirect_uri=FIXED), "evil": table(evil, redirect_uri=uri)}
    engine = Engine(Providers(tables), MemoryStore(), clock=clock)
    with pytest.raises(
        ConfigurationError, match="and another provider share the redirect URI"
    ) as caught:
        leave(engine, "evil", uri)
    assert caught.value.hint.startswith("Register another redirect URI for it")


def test_nobody_is_in_the_way_of_what_is_configured(clock, honest, evil):
    """Without ``iss``: what a notebook makes at its address has to give way, not the other."""
    honest.sends_iss = evil.sends_iss = False
    honest.clock = clock
    providers = Providers({"honest": table(honest, redirect_uri=FIXED)})
    engine = Engine(providers, MemoryStore(), clock=clock)
    handle = engine.register(provider_at(evil, "evil", redirect_uri=FIXED)).name
    with pytest.raises(ConfigurationError, match="and another provider share the redirect URI"):
        leave(engine, handle)
    url, back = leave(engine, "honest")
    assert back.finish(engine, params=visit(honest, url)).status == "complete"


def test_a_variant_of_a_name_is_another_one_too(clock, honest, evil, tmp_path):
    """They have one callback path."""
    evil.sends_iss = False
    providers = Providers(user_file=tmp_path / "providers.toml")
    providers.save("idp", table(honest))
    engine = Engine(providers, MemoryStore(), clock=clock)
    handle = engine.register(provider_at(evil, "idp")).name
    uri = "http://127.0.0.1:8888/jupyter-auth/callback/idp"
    with pytest.raises(
        ConfigurationError, match="and another provider share the redirect URI"
    ) as caught:
        leave(engine, handle, uri)
    assert caught.value.hint == "Give it another name."
    same = engine.register(provider_at(honest, "idp", base_url=honest.issuer)).name
    assert leave(engine, same, uri)


def test_no_code_of_the_honest_ones_page_goes_to_another_token_endpoint(clock, honest, evil):
    """The definition itself lies: the honest page, the honest issuer, and an own token endpoint."""
    providers = Providers({"honest": table(honest, redirect_uri=FIXED)})
    engine = Engine(providers, MemoryStore(), clock=clock)
    lie = {
        "issuer": honest.issuer,
        "authorization_endpoint": f"{honest.issuer}/authorize",
        "token_endpoint": f"{evil.issuer}/token",
        "authorization_response_iss_parameter_supported": True,
    }
    handle = engine.register(provider_at(honest, "lie", redirect_uri=FIXED, endpoints=lie)).name
    with pytest.raises(ConfigurationError, match="share an authorization endpoint"):
        leave(engine, handle)


def test_two_of_one_issuer_cannot_be_told_apart(clock, honest, evil):
    """The definition believes what the evil one's document says: that it is the honest one."""
    evil.issuer = honest.issuer
    providers = Providers({"honest": table(honest, redirect_uri=FIXED)})
    engine = Engine(providers, MemoryStore(), clock=clock)
    document = f"{evil.url}/.well-known/openid-configuration"
    lie = provider_at(evil, "lie", issuer=None, redirect_uri=FIXED, metadata_url=document)
    handle = engine.register(lie).name
    with pytest.raises(ConfigurationError, match="and another provider share the redirect URI"):
        leave(engine, handle)


# -- one at a time -------------------------------------------------------------------------------


def test_the_later_one_takes_the_address_over(engine, honest, evil):
    """And the earlier one can be opened again: nobody waits for one that was left alone."""
    url, earlier = leave(engine, "honest")
    params = visit(honest, url)
    other_url, later = leave(engine, "evil")
    with pytest.raises(LoginOvertaken) as caught:
        earlier.finish(engine, params=params)
    assert caught.value.hint == "Finish that one first, then open the link of this one again."
    assert honest.seen("token") == []
    assert later.finish(engine, params=visit(evil, other_url)).status == "complete"
    url, again = leave(engine, "honest")
    assert again.finish(engine, params=visit(honest, url)).status == "complete"
    assert len(engine.accounts()) == 2


def test_logins_to_one_provider_leave_each_other_alone(engine, honest):
    url, earlier = leave(engine, "honest")
    other, binding = engine.open(engine.begin(LoginRequest("honest", "work")).id, FIXED, USER)
    assert earlier.finish(engine, params=visit(honest, url)).status == "complete"
    later = Callback("honest", visit(honest, other), {binding.name: binding.value})
    assert later.finish(engine).status == "complete"


def test_without_a_server_both_sign_in_one_after_the_other(honest, evil):
    """Both wait at one listener, and each answer is for the one that it names."""
    fixed = f"http://localhost:{free_port()}/back"
    both = {"honest": honest, "evil": evil}
    accounts = LocalAccounts(
        Providers({name: table(server, redirect_uri=fixed) for name, server in both.items()}),
        MemoryStore(),
    )
    logins = {name: accounts.begin(LoginRequest(name)) for name in both}
    with requests.Session() as browser:
        browser.trust_env = False
        for name in ("evil", "honest"):
            url = browser.get(logins[name].url, allow_redirects=False).headers["Location"]
            assert "Signed in" in browser.get(both[name].authorize(url)).text
    assert {info.provider for info in accounts.accounts()} == {"evil", "honest"}
    assert {accounts.login(login.id).status for login in logins.values()} == {"complete"}
    accounts.close()


# -- where it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "jupyter.example"])  # noqa: S104
def test_no_other_machine_is_listened_to(host: str) -> None:
    """A fixed redirect URI may name any address; a listener is on this machine's own alone."""

    def answer(*_: object) -> Page:
        raise AssertionError

    needed: Callable[[], bool] = lambda: True  # noqa: E731
    with pytest.raises(ConfigurationError, match="browser could not return"):
        Listener(f"http://{host}:{free_port()}/back", answer, needed).close()
