"""Every route of both APIs, from the tables that the servers are made of."""

from __future__ import annotations

import re

from jupyter_auth.server.browser import api, pages
from jupyter_auth.server.kernel_api import handlers

VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
OPEN_TO_ALL = {pages.ProblemPage}  # static, and nothing but that

Route = tuple[str, str, type]


def routes(table: list[tuple[str, type]]) -> list[Route]:
    """(verb, an address that matches, handler class) of all verbs that a class has itself."""
    found = []
    for pattern, handler in table:
        place = re.sub(r"\(.*?\)", "none", pattern)
        own = [verb for verb in VERBS if _defined_by_us(handler, verb)]
        assert own, handler
        found += [(verb.upper(), place, handler) for verb in own]
    return found


def _defined_by_us(handler: type, verb: str) -> bool:
    owner = next(kind for kind in handler.__mro__ if verb in vars(kind))
    return owner.__module__.startswith("jupyter_auth")


UI = routes([*pages.ROUTES, *api.ROUTES])
KERNEL = routes(list(handlers.ROUTES))
CHANGES = [route for route in UI if route[0] != "GET"]
GUARDED = [route for route in UI if route[2] not in OPEN_TO_ALL]
