"""Browsers that come back here, and are sent on to where their sign-in began.

One redirect URI is registered, and this server is there. A browser with the state of a script's
login is sent on to the script's own listener; one that began at this server's other name
(``127.0.0.1`` in place of ``localhost``) goes back there. Where it goes, everything is checked:
what sends it on learns no secret, and decides nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode

from jupyter_auth.core.common.urls import origin_of, page_of
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.logins import LIFETIME, MAX_PENDING
from jupyter_auth.core.login.loopback.uris import can_listen
from jupyter_auth.core.login.openings import binding_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.server.broker.page_urls import PageURLs


class Forward(NamedTuple):
    """Where the browser of one opening is sent on ``to``, from ``path``, until ``end``."""

    path: str
    to: str
    end: float  # as of ``time.monotonic``


class Forwards:
    """The forwards of one server. ``listening`` gives its address, if that is known."""

    def __init__(self, here: PageURLs, listening: Callable[[], str | None]) -> None:
        self._here = here
        self._listening = listening
        self._known: dict[str, Forward] = {}  # by the name of the opening's cookie

    def add(self, redirect_uri: str, binding: str | None, to: str) -> None:
        """Send the browser with the cookie ``binding`` on; None: only find out whether that works.

        Raises:
            ConfigurationError: a browser does not come here by that redirect URI, or would not be
                sent to this machine.
        """
        _, _, port, path = page_of(redirect_uri)
        callbacks = self._here.callback_path("x").removesuffix("x")
        own = (self._listening() or "").startswith("http:") and not self._here.on_hub
        if not (own and can_listen(redirect_uri) and path.startswith(callbacks)) or (
            port != page_of(self._listening() or "")[2]
        ):
            raise ConfigurationError(f"{redirect_uri} does not lead to this server.")
        if not can_listen(origin_of(to)):
            raise ConfigurationError(f"{to} is not an address of this machine.")
        if binding:
            self.keep(path, binding, to)

    def keep(self, path: str, binding: str, to: str) -> None:
        """Send the browser with the cookie ``binding`` on that comes back to ``path``."""
        now = time.monotonic()
        self._known = {name: each for name, each in self._known.items() if each.end > now}
        self._known[binding] = Forward(path, to, now + LIFETIME)
        while len(self._known) > MAX_PENDING:
            del self._known[next(iter(self._known))]

    def find(self, host: str, path: str, query: str) -> str | None:
        """Where to send a browser on that comes back to ``path``; None: it is there.

        An error without a state goes to the last script that left from there, which knows its
        browser.
        """
        params = parse_qsl(query, keep_blank_values=True)
        given, now = dict(params), time.monotonic()
        name = binding_name(state) if (state := given.get("state")) else ""
        if not state and "error" in given:
            name = next((n for n, each in reversed(self._known.items()) if each.path == path), "")
        found = self._known.get(name)
        if found is None or found.path != path or found.end <= now:
            return None
        if page_of(found.to)[1:] == page_of(f"http://{host}{path}")[1:]:
            return None
        if state:  # it comes once; an error of a later sign-in is not this script's
            del self._known[name]
        return f"{found.to}?{urlencode(params)}"
