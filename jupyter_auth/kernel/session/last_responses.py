"""The last responses to this process's sessions, for as long as the user keeps them."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_auth.core.common.handles import plain
from jupyter_auth.kernel.http.requests_auth import sent_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Response

MOST = 50


class Remembered(NamedTuple):
    """A response and its session, unless they are gone, and the provider of the account."""

    provider: str
    response: Callable[[], Response | None]
    session: Callable[[], Any]


_last: deque[Remembered] = deque(maxlen=MOST)


def remember(response: Response, session: Any) -> None:
    """Let ``last`` find it, without keeping it alive."""
    sent = sent_for(response)
    account = getattr((sent or session).auth, "account", None)
    name = plain(account[0]) if account else ""
    _last.append(Remembered(name, weakref.ref(response), weakref.ref(session)))


def last(provider: str | None = None) -> Remembered | None:
    """The last one, or that of this provider; None if there was none."""
    return next((each for each in reversed(_last) if provider in {None, each.provider}), None)
