"""Authenticates browsers by the Hub's OAuth, and kernels by a Hub API token.

The handlers are those of a Jupyter server. Requests with an ``Authorization`` header go to the
kernel API, all others to the browser API, which has no route for a token: a cookie can never fetch
one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken
from jupyter_server.auth import AllowAllAuthorizer
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyterhub.services.auth import HubOAuth
from jupyterhub.singleuser.extension import (
    JupyterHubIdentityProvider,
    JupyterHubOAuthCallbackHandler,
)
from jupyterhub.utils import get_browser_protocol
from tornado import web
from tornado.routing import AnyMatches, Matcher, PathMatches, Rule, RuleRouter
from traitlets import default

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.login.openings import digest
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin
from jupyter_auth.server.browser import api, pages
from jupyter_auth.server.browser.page_handler import SEE_OTHER
from jupyter_auth.server.browser.render import STATIC
from jupyter_auth.server.hub import audit, client_page
from jupyter_auth.server.hub.users.known_tokens import REMEMBERED
from jupyter_auth.server.kernel_api.handlers import KernelAuthenticator, kernel_application

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler
    from tornado.httputil import HTTPServerRequest

    from jupyter_auth.server.broker.broker import Broker
    from jupyter_auth.server.hub.admin import HandlerSpec
    from jupyter_auth.server.hub.brokers import HubBrokers
    from jupyter_auth.server.hub.users.users import HubUsers


def derived(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes, the same in all replicas that share ``secret``."""
    return hashlib.blake2b(purpose.encode(), key=secret.encode()[:64], digest_size=32).digest()


class SharedOAuth(HubOAuth):  # type: ignore[misc]
    """``HubOAuth`` with an encrypted state, so that any replica can finish a sign-in.

    Besides the cookie, which a page of any user's server can set, a state belongs to the browser's
    session at the Hub. No token in a URL counts, whatever the environment allows.
    """

    users: HubUsers  # given by ``service_router``

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._used: OrderedDict[str, None] = OrderedDict()

    @default("cookie_host_prefix_enabled")
    def _default_cookie_host_prefix_enabled(self) -> bool:
        """On, if single-user servers have other hosts: none of them can set such a cookie here."""
        return separate_hub_origin().startswith("https:")

    def _get_token_url(self, _: Any, /) -> str:
        return ""

    @property
    def _states(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(derived(self.api_token, "oauth state")))

    def user_for_token(
        self, token: str, use_cache: Any = None, session_id: str = "", *, sync: bool = True
    ) -> Any:
        """As in HubOAuth, but cached as kernels' tokens are. BrokerUnavailable: no answer."""
        del use_cache
        if sync:
            return super().user_for_token(token, session_id=session_id)
        return self._known(token, session_id)

    async def _known(self, token: str, session_id: str) -> dict[str, Any] | None:
        holder = await self.users.of_cookie(token, session_id)
        return {**holder.model, "owner": holder.owner} if holder else None

    def set_state_cookie(
        self, handler: Any, next_url: str | None = None, *, code_verifier: str | None = None
    ) -> str:
        """As in HubOAuth, with a state that holds everything, and the session at the Hub."""
        name = f"{self.state_cookie_name}-{secrets.token_hex(8)}"
        said = {
            "next_url": next_url,
            "code_verifier": code_verifier,
            "cookie_name": name,
            "session": digest(self.get_session_id(handler)),
        }
        state = self._states.encrypt(json.dumps(said).encode()).decode()
        secure = self.cookie_host_prefix_enabled or get_browser_protocol(handler.request) == "https"
        handler.set_secure_cookie(
            name,
            state,
            path=self.cookie_path,
            max_age=self.oauth_state_max_age,
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
        return state

    def accepts(self, handler: Any, state: str) -> bool:
        """Whether a state is ours, recent, unused here, and of this browser's session."""
        session = self._decode_state(state).get("session", "")
        ours = digest(self.get_session_id(handler))
        return hmac.compare_digest(session, ours) and digest(state) not in self._used

    def _decode_state(self, state: str = "", /) -> dict[str, Any]:
        try:
            opened = self._states.decrypt(state.encode(), ttl=self.oauth_state_max_age)
        except InvalidToken:
            return {}
        return dict(json.loads(opened))

    def clear_oauth_state(self, state_id: str) -> None:
        """Refuse it from now on; at other replicas the Hub's code works only once, too."""
        self._used[digest(state_id)] = None
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)


class OAuthCallback(JupyterHubOAuthCallbackHandler):  # type: ignore[misc]
    """The redirect URI for the Hub's own authorization code."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Sign in, unless another browser began it: its person would be signed in here."""
        if self.hub_auth.accepts(self, self.get_argument("state", "")):
            await super().get()
        else:
            self.redirect(f"{self.hub_auth.base_url}problem/foreign", status=SEE_OTHER)


class HubIdentity(JupyterHubIdentityProvider):  # type: ignore[misc]
    """Identifies browsers' users, each with the ``owner`` of their accounts."""

    def _patch_get_login_url(self, handler: Any) -> None:
        """Sign in at the Hub first: a state without a session could be of any browser."""
        super()._patch_get_login_url(handler)
        if not self.hub_auth.get_session_id(handler):
            at_hub = f"{self.hub_auth.hub_host}{self.hub_auth.hub_prefix}login"
            handler.get_login_url = lambda: at_hub

    async def get_user(self, handler: JupyterHandler) -> Any:
        """The user, or None for Hub services, which have no accounts."""
        audit.came_from(self.hub_auth.users.address_of(handler.request))
        user = await super().get_user(handler)
        if user is None or user.hub_user["owner"] is None:
            return None
        user.owner = user.hub_user["owner"]
        return user


class HubTokenAuthenticator(KernelAuthenticator):
    """Authenticates kernels by the API token that the Hub gave their server."""

    def __init__(self, users: HubUsers, brokers: HubBrokers) -> None:
        self._users = users
        self._brokers = brokers

    @override
    async def broker(self, request: HTTPServerRequest) -> Broker:
        audit.came_from(self._users.address_of(request))
        return self._brokers.of_owner(await self._users.of_request(request))


class _Elsewhere(KernelAuthenticator):
    """Refuses all tokens where the Hub's proxy leads: kernels have an address of their own."""

    @override
    async def broker(self, request: HTTPServerRequest) -> Broker:
        raise BrokerUnavailable(
            "This address of the sign-in service does not serve notebooks.",
            hint="Restart your server in the Hub's control panel: it then knows the one that does.",
        )


class _AtPort(Matcher):
    def __init__(self, port: int) -> None:
        self._port = port

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        connection: Any = request.connection
        socket = connection.stream.socket  # None: who asks has hung up already
        return {} if socket and socket.getsockname()[1] == self._port else None


class _HasToken(Matcher):
    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if "Authorization" in request.headers else None


def service_router(
    users: HubUsers,
    brokers: HubBrokers,
    hub_auth: SharedOAuth,
    more: list[HandlerSpec],
    kernel_port: int | None = None,
) -> RuleRouter:
    """The router of the service; ``more`` are routes of neither API, at all ports.

    ``kernel_port`` serves the kernel API alone, and the others do not; None: there is no such port.
    """
    prefix = f"{brokers.base_url}{PREFIX}".rstrip("/")
    hub_auth.users = users
    identity = HubIdentity(hub_auth=hub_auth)
    public = brokers.public_origin
    given, base = {"broker": brokers}, brokers.base_url.rstrip("/")
    browsers = web.Application(
        [
            *((base + path, kind, given) for path, kind in _BROWSERS),
            (prefix + client_page.PATH, client_page.ClientDocument, {"public_origin": public}),
            (f"{prefix}/oauth_callback", OAuthCallback, {"hub_auth": hub_auth}),
            (f"{prefix}/static/(.*)", web.StaticFileHandler, {"path": str(STATIC)}),
            (f"{prefix}(/.*)", pages.ProblemPage, given),  # 404, as a page
        ],
        base_url=brokers.base_url,
        cookie_secret=derived(hub_auth.api_token, "cookies"),
        identity_provider=identity,
        authorizer=AllowAllAuthorizer(identity_provider=identity),
        allow_remote_access=True,  # the Hub's proxy is in front, under any name
        jupyter_auth_static=f"{prefix}/static/",
        jupyter_auth_home=f"{hub_auth.hub_prefix}home",
        jupyter_auth_users=f"{hub_auth.hub_prefix.removesuffix('hub/')}user/",
        log_function=lambda _: None,
    )
    kernels = kernel_application(HubTokenAuthenticator(users, brokers), prefix)
    refused = kernel_application(_Elsewhere(), prefix)
    return RuleRouter(
        [
            *(Rule(PathMatches(re.escape(prefix + each[0])), _alone(each)) for each in more),
            *([Rule(_AtPort(kernel_port), kernels)] if kernel_port else []),
            Rule(_HasToken(), refused if kernel_port else kernels),
            Rule(AnyMatches(), browsers),
        ]
    )


def _alone(route: HandlerSpec) -> web.Application:
    return web.Application([(r".*", *route[1:])], log_function=lambda _: None)


_BROWSERS: list[tuple[str, Any]] = [*pages.ROUTES, *api.ROUTES]
