"""The site that has this kernel open, and its page to which a provider sends people back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import create_proxy, to_js

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

EXTENSIONS = "/extensions/"  # of a JupyterLite site
CALLBACK = "jupyter-auth-session/static/callback.html"
CHANNEL = "jupyter-auth"  # as in callback.html


def callback_page() -> str:
    """The address of ``callback.html`` on this JupyterLite site: the redirect URI to register.

    Raises:
        ConfigurationError: this is another kind of page.
    """
    site, found, _ = str(js.location.href).partition(EXTENSIONS)
    if not found:
        raise ConfigurationError(
            "This page is no JupyterLite site, so its address for sign-ins is not known.",
            hint="Put a copy of callback.html beside it, and give its address as `redirect_uri` of"
            " the provider.",
        )
    return f"{site}{EXTENSIONS}{CALLBACK}"


class Channel:
    """Hears what the site's callback page says, which no other origin can (HTML 9.5).

    ``heard`` gets the query that the provider sent and the page's address, and returns what to tell
    the person; None: it is not for this kernel.
    """

    def __init__(self, heard: Callable[[str, str], str | None]) -> None:
        self._heard = heard
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel = js.BroadcastChannel.new(CHANNEL)
        self._channel.onmessage = create_proxy(self._message)

    def _message(self, event: Any) -> None:
        query, page = (getattr(event.data, name, None) for name in ("query", "page"))
        if isinstance(query, str) and isinstance(page, str):
            # Of a task: it alone can wait for the provider.
            task = asyncio.ensure_future(self._answer(query, page))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, query: str, page: str) -> None:
        if (says := self._heard(query, page)) is not None:
            said = {"query": query, "says": says}
            self._channel.postMessage(to_js(said, dict_converter=js.Object.fromEntries))
