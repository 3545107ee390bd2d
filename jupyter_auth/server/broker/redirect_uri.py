"""Where a browser is, and where its provider may send it back to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_auth.core.common.urls import is_loopback, origin_of
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.login.loopback_server import can_listen

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RedirectRoute:
    """How a browser leaves for the provider: by ``redirect_uri``, or first to ``move_to`` here.

    ``listen``: the answer will arrive at another port of this machine. ``by_hand``: it will arrive
    at the browser's machine, which is another one, and a person brings it here.
    """

    redirect_uri: str = ""
    move_to: str | None = None
    listen: bool = False
    by_hand: bool = False

    @property
    def lands_at(self) -> str:
        """Host and port where the browser ends, where that is not this server; else ""."""
        return urlsplit(self.redirect_uri).netloc if self.listen or self.by_hand else ""


class ForeignOrigin(AuthError):
    """A request that a page of somebody else made."""


def separate_hub_origin(environ: Mapping[str, str] = os.environ) -> str:
    """The Hub's own origin, where each user's server and each service has a host of its own.

    Empty: all of them are at one address, or there is no Hub. That the Hub says where it is tells
    neither: it does so for ``c.JupyterHub.public_url``, and for ``subdomain_host``.
    """
    hub, own = environ.get("JUPYTERHUB_HOST", ""), environ.get("JUPYTERHUB_PUBLIC_URL", "")
    apart = own and urlsplit(hub).hostname != urlsplit(own).hostname
    return hub.rstrip("/") if apart else ""


def checked_origin(origin: str | None, host: str, public_origin: str | None) -> str:
    """The browser's own ``Origin`` header, once it is known to be this server's.

    It must name the ``Host`` that was asked, or the configured public origin. ForeignOrigin: it
    does not, or there is none.
    """
    try:
        own = origin_of(origin or "")
        scheme = urlsplit(own).scheme
        if own in {public_origin, origin_of(f"{scheme}://{host}")}:
            return own
    except ConfigurationError:
        pass
    raise ForeignOrigin(
        "This request does not come from a page of this server.",
        hint="Behind a proxy, set c.JupyterAuth.public_url to the address that browsers use.",
    )


def redirect_route(
    origin: str,
    public_origin: str | None,
    callback_path: str,
    page_path: str,
    fixed: str | None,
    *,
    hub: str = "",
) -> RedirectRoute:
    """The redirect URI for a browser at ``origin`` (RFC 6749 3.1.2), exact and never guessed.

    ``fixed`` is the one that the provider's configuration names. Where the answer will arrive under
    another name of this server, the browser has to begin there too, or its cookies are missing on
    return. One at another port of this machine is listened at, if the browser is here too.
    ``hub`` is the origin of a Hub that brings it here from ``callback_path``; empty: it is our own.
    ConfigurationError: the fixed one never leads back here, by nobody's hand.
    """
    here = public_origin or origin
    back = hub or here
    if fixed is None:
        return _from(origin, here, page_path, back + callback_path)
    target = _origin_or_none(fixed)
    own = target is not None and (target in {origin, back} or _loopback_twins(target, origin))
    if target and own and urlsplit(fixed).path.endswith(_tail(callback_path)):
        return _from(origin, here if hub else target, page_path, fixed)
    if not own and can_listen(fixed):
        move_to, near = None if origin == here else here + page_path, is_loopback(here)
        return RedirectRoute(fixed, move_to, listen=near, by_hand=not near)
    raise moved(fixed, back + callback_path) or _leads_elsewhere(fixed, back + callback_path)


def moved(fixed: str, own: str) -> ConfigurationError | None:
    """What to do where ``fixed`` is ``own`` but for the port: Jupyter was there once.

    None: it differs by more, or names no port.
    """
    there, here = urlsplit(_origin_or_none(fixed) or ""), urlsplit(own)
    same_host = there.hostname == here.hostname or (is_loopback(fixed) and is_loopback(own))
    same_path = urlsplit(fixed).path.endswith(_tail(here.path))
    same = same_host and same_path and there.scheme == here.scheme
    if not same or there.port in {None, here.port}:
        return None
    return ConfigurationError(
        f"Jupyter has moved to another port: it is at {here.netloc} now, and the provider sends the"
        f" browser back to {there.netloc}.",
        hint=f"Start Jupyter with `--port={there.port} --ServerApp.port_retries=0`, or register"
        f" {own} at the provider and configure that.",
    )


def _from(origin: str, start: str, page_path: str, redirect_uri: str) -> RedirectRoute:
    return RedirectRoute(redirect_uri, None if origin == start else start + page_path)


def _tail(callback_path: str) -> str:
    """A Hub forwards from a path of its own that ends as ours does."""
    return "/".join(["", *callback_path.rsplit("/", 3)[1:]])


def _origin_or_none(url: str) -> str | None:
    try:
        return origin_of(url)
    except ConfigurationError:
        return None


def _loopback_twins(one: str, other: str) -> bool:
    """Whether both name one port of this machine: ``localhost`` and ``127.0.0.1``."""
    a, b = urlsplit(one), urlsplit(other)
    return is_loopback(one) and is_loopback(other) and (a.scheme, a.port) == (b.scheme, b.port)


def _leads_elsewhere(fixed: str, own: str) -> ConfigurationError:
    return ConfigurationError(
        f"The provider's redirect URI {fixed} does not lead back to this server.",
        hint=f"Register {own} at the provider and configure that, or leave redirect_uri out.",
    )
