"""Providers, parties and engines at the test providers, and how a person signs in there."""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from traceback import walk_stack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jupyter_auth.core.common.blocked_addresses import RequestRules
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import Account, AccountKey, LoginRequest
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.field_types import Endpoints
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.single_flight import SingleFlight
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from jupyter_auth.core.login.login_store import LoginStore
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.tokens.store import TokenStore
    from providers.oidc import OidcProvider

    Server = OidcProvider | RogueProvider

USER = "jovyan"
HERE = RequestRules(hosts=frozenset({"127.0.0.1"}))
CLIENT_SECRET = "planted-client-secret:with/odd+characters &c"
REDIRECT_URI = "http://127.0.0.1:8888/jupyter-auth/callback/idp"


def table(server: Server, **fields: Any) -> dict[str, Any]:
    """How an administrator would write that server down. A field of None is left out."""
    given = {"issuer": server.issuer, "client_id": server.client_id} | fields
    return {name: value for name, value in given.items() if value is not None}


def provider_at(server: Server, name: str = "idp", **fields: Any) -> Provider:
    return provider_from_mapping(name, table(server, **fields))


def party_at(server: Server, **fields: Any) -> Party:
    """For the rooms below the engine; the endpoints are written down, nothing is discovered."""
    endpoints = Endpoints(
        issuer=server.issuer,
        authorization_endpoint=f"{server.issuer}/authorize",
        device_authorization_endpoint=f"{server.issuer}/device",
        token_endpoint=f"{server.issuer}/token",
        revocation_endpoint=f"{server.issuer}/revoke",
        userinfo_endpoint=f"{server.issuer}/userinfo",
        jwks_uri=f"{server.issuer}/jwks",
    )
    return Party(provider=provider_at(server, **fields), endpoints=endpoints)


def engine_of(
    store: TokenStore, clock: Any, login_store: LoginStore | None = None, **servers: Server
) -> Engine:
    """An engine that goes by ``clock``, and so does each ``rogue``."""
    for server in servers.values():
        if isinstance(server, RogueProvider):
            server.clock = clock
    providers = Providers({name: table(server) for name, server in servers.items()})
    return Engine(providers, store, clock=clock, login_store=login_store)


@dataclass(frozen=True)
class Callback:
    """What a browser brings back from a provider."""

    provider: str
    params: dict[str, str]
    bindings: dict[str, str]
    user: str = USER
    confirm_by: str | None = None

    def finish(self, engine: Engine, **changes: Any) -> Login:
        """Bring it, or something close to it: ``params`` are merged, the rest is replaced."""
        params = self.params | changes.pop("params", {})
        given = dataclasses.replace(self, **changes)
        asked = (given.provider, params, given.bindings, given.user)
        return engine.finish(AuthorizationResponse(*asked, confirm_by=given.confirm_by))


def visit(server: Server, authorization_url: str, person: str = "alice") -> dict[str, str]:
    """A person signs in there; the parameters that come back."""
    if isinstance(server, RogueProvider):
        location = server.authorize(authorization_url)
    else:
        location = server.login(authorization_url, person)
    return dict(parse_qsl(urlsplit(location).query))


def arrive(
    engine: Engine, login: Login, server: Server, *, user: str = USER, person: str = "alice"
) -> Callback:
    """A browser opens the login and its person signs in; nothing is brought back yet."""
    url, binding = engine.open(login.id, REDIRECT_URI, user)
    params = visit(server, url, person)
    return Callback(plain(login.provider), params, {binding.name: binding.value}, user)


def sign_in(
    engine: Engine,
    server: Server,
    name: str = "idp",
    key: str = DEFAULT_KEY,
    *,
    person: str = "alice",
    **asked: Any,
) -> Account:
    """The whole login; the account as it rests."""
    login = engine.begin(LoginRequest(name, key, **asked))
    ended = arrive(engine, login, server, person=person).finish(engine)
    assert ended.status == "complete", ended.error
    return account_of(engine, name, key)


def account_of(engine: Engine, name: str = "idp", key: str = DEFAULT_KEY) -> Account:
    account = engine._tokens.load(engine.configured(name), AccountKey(name, key))
    assert account is not None
    return account


def digest_of(engine: Engine, **need: Any) -> str:
    """By what the account's token is known."""
    return engine.token("idp", need=Need(**need)).digest


def sharing() -> int:
    """How many threads wait for a refresh that is under way."""
    return sum(
        {SingleFlight.run.__code__, Future.result.__code__}
        <= {at.f_code for at, _ in walk_stack(top)}
        for top in sys._current_frames().values()
    )


def expire_here(store: TokenStore, account: Account) -> Account:
    """As if the account's access token had run out a second ago, by the store's own word."""
    old = dataclasses.replace(
        account, issued_at=account.issued_at - 3601, expires_at=account.issued_at - 1
    )
    with store.locked(account.key) as slot:
        slot.save(old)
    return old


def ended(login: Login, code: str) -> Login:
    """The login, which ended with that error."""
    assert login.error, login
    assert login.error["code"] == code, login.error
    return login


def exchanged(party: Party, rogue: RogueProvider) -> TokenResponse:
    """A person signs in, and the code becomes tokens."""
    verifier = oauth.new_verifier()
    url = oauth.authorization_url(
        party,
        redirect_uri=REDIRECT_URI,
        scopes=("openid", "email"),
        state="s",
        nonce="n",
        verifier=verifier,
    )
    code = Secret(visit(rogue, url)["code"])
    return oauth.exchange(party, code=code, verifier=verifier, redirect_uri=REDIRECT_URI)


def refreshed(party: Party, answer: TokenResponse) -> TokenResponse:
    assert answer.refresh_token
    return oauth.refresh(party, answer.refresh_token)
