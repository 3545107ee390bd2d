"""Checks that ``take_login`` of ``hub_config`` works with the Hub's authenticator."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_auth.core.common.finding import Finding, State, wrong
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import OFFLINE
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.hub.environment import PROVIDERS
from jupyter_auth.server.hub.take_login.hooks import added_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyterhub.app import JupyterHub

    from jupyter_auth.core.provider.provider import Provider

ABOUT = "Zero clicks"


class _Problem(NamedTuple):
    says: str
    fix: str
    state: State = "wrong"


def check_take_login(hub: JupyterHub, service: Mapping[str, Any]) -> Iterator[Finding]:
    """What keeps the Hub's logins from being taken over; nothing where they are not to be."""
    if (name := added_to(hub.config)) is None:
        return
    made = hub.authenticator_class(config=hub.config)
    found = list(_of_hub(made, hub)) or [*_of_authenticator(made)]
    try:
        provider = _provider(service, name)
        found += _differences(made, provider) if provider and not found else ()
    except AuthError as error:
        yield wrong(ABOUT, error)
    for each in found:
        yield Finding(ABOUT, *each)
    if all(each.state != "wrong" for each in found):
        yield Finding(ABOUT, f"Logins to the Hub at {name} are taken over.")


def _of_hub(made: Any, hub: JupyterHub) -> Iterator[_Problem]:
    from jupyterhub.crypto import CryptKeeper

    kind = type(made).__name__
    if not hasattr(made, "refresh_user_hook"):
        yield _Problem(
            f"{kind} has no refresh_user_hook: it is older than oauthenticator 17.3, or no part of"
            " it.",
            "Install oauthenticator 17.3 or newer in the Hub's environment.",
        )
    if not made.enable_auth_state:
        yield _Problem(
            f"c.{kind}.enable_auth_state is off, so the Hub keeps no refresh token to take.",
            "Remove that line: `hub_config` switches it on.",
        )
    if not CryptKeeper(config=hub.config).keys:
        yield _Problem(
            "The Hub has no key to encrypt auth_state with.",
            "Set JUPYTERHUB_CRYPT_KEY in its environment: `openssl rand -hex 32` makes one.",
        )


def _of_authenticator(made: Any) -> Iterator[_Problem]:
    if OFFLINE not in made.scope:
        yield _Problem(
            f"The Hub does not request {OFFLINE}: many providers then give no refresh token.",
            f"Add it to c.{type(made).__name__}.scope, unless this provider needs none.",
            "note",
        )


def _provider(service: Mapping[str, Any], name: str) -> Provider | None:
    """The provider as the service has it; None: the service is configured elsewhere."""
    if (given := service.get("environment", {}).get(PROVIDERS)) is None:
        return None
    return Providers(json.loads(given), allow_user_providers=False).get(name)


def _differences(made: Any, provider: Provider) -> Iterator[_Problem]:
    """A refresh token is of one client, at one issuer, for one API (RFC 6749 6)."""
    endpoint = Discovery(time.time).endpoints(provider).token_endpoint
    asked, theirs = provider.authorize_params, made.extra_authorize_params
    for what, hubs, ours in (
        ("client_id", made.client_id, provider.client_id),
        ("token_url", made.token_url, endpoint),
        ("audience", theirs.get("audience"), provider.audience or asked.get("audience")),
        ("resource", theirs.get("resource"), provider.resource or asked.get("resource")),
    ):
        if hubs != ours:
            yield _Problem(
                f"The Hub's {what} is {hubs or 'not set'}, that of {provider.name}"
                f" {ours or 'not set'}.",
                f"Give c.{type(made).__name__} and the provider the same one.",
            )
