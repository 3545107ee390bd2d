"""The service's side: takes refresh tokens of the Hub's own sign-ins, from the Hub alone."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import (
    AuthError,
    BrokerUnavailable,
    ConfigurationError,
    LoginFailed,
    LoginRequired,
    RefreshRejected,
)
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.hub.take_login.hooks import PATH
from jupyter_auth.server.hub.users.users import token_of
from jupyter_auth.server.kernel_api.handlers import KernelHandler, refuse_browsers

if TYPE_CHECKING:
    from jupyter_auth.server.hub.admin import HandlerSpec
    from jupyter_auth.server.hub.audited_broker import AuditedBroker
    from jupyter_auth.server.hub.brokers import HubBrokers
    from jupyter_auth.server.hub.users.users import HubUsers

_log = logging.getLogger("jupyter_auth")


class Standing(NamedTuple):
    """What the Hub is told of a user's account, never with a token.

    ``state``: ``fresh``; ``unavailable``, for now; ``ended`` by the provider; or ``none``: the
    service has no account, and the Hub's authenticator decides. ``taken``: the refresh token that
    was sent is used up, and no longer the Hub's.
    """

    state: str
    taken: bool = False


async def standing(broker: AuditedBroker, provider: str, refresh_token: Secret | None) -> Standing:
    """Adopt the refresh token, if there is one, and say how the account stands.

    An account that is due is refreshed: the Hub and kernels share one refresh.
    """
    taken = False
    try:
        if refresh_token:
            await broker.adopt(provider, refresh_token)
            taken = True
        await broker.refresh(provider)
    except RefreshRejected:
        return Standing("ended" if not refresh_token or taken else "none", taken)
    except LoginFailed as error:
        _log.warning("A sign-in to the Hub could not be taken over. %s", error)
        return Standing("none", taken=True)
    except LoginRequired:  # none, or too many refreshes have failed in a row
        return Standing("unavailable" if await broker.trouble(provider) else "none", taken)
    except ConfigurationError as error:
        _log.error("Sign-ins to the Hub cannot be taken over. %s", error)
        return Standing("none", taken)
    except AuthError:
        return Standing("unavailable", taken)
    return Standing("fresh", taken)


class HubLogin(KernelHandler):
    """``POST`` ``{user, provider, refresh_token?}``: the ``Standing`` of that user's account."""

    def initialize(self, users: HubUsers, brokers: HubBrokers, api_token: str) -> None:  # type: ignore[override]
        """``api_token``: the service's own, which the Hub has too."""
        self._users, self._brokers, self._api_token = users, brokers, api_token

    @override
    async def prepare(self) -> None:
        """Refuse all but the Hub: no user's token counts here, whatever its scopes, no cookie."""
        refuse_browsers(self.request)
        if not hmac.compare_digest(token_of(self.request).encode(), self._api_token.encode()):
            raise BrokerUnavailable("Only the Hub may hand over sign-ins, by the service's token.")

    async def post(self) -> None:
        """Answer once it is adopted."""
        body = self.body
        name, provider = (request_parsing.required(body, each) for each in ("user", "provider"))
        token = request_parsing.text(body, "refresh_token")
        said = Standing("none")
        if owner := await self._users.owner(
            name
        ):  # who logs in for the first time is not there yet
            broker = self._brokers.of_owner(owner)
            said = await standing(broker, provider, Secret(token) if token else None)
        self.answer(said._asdict())


def hub_login_route(users: HubUsers, brokers: HubBrokers, api_token: str) -> HandlerSpec:
    """The route of ``HubLogin``, below the service's prefix."""
    return PATH, HubLogin, {"users": users, "brokers": brokers, "api_token": api_token}
