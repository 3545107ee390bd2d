"""Where a page may send a browser on to: a path of this server, never another place."""

from __future__ import annotations

import re
from urllib.parse import unquote

# What browsers drop from a URL or take for a slash, and what begins a host.
ODD = re.compile(r"[\x00-\x1f\x7f\\]|^//")
DOTS = {".", ".."}
LAYERS = 5  # of encoding at most: each one is decoded, and none of ours has more than two


def leads_to(root: str, path: str) -> bool:
    """Whether ``path`` is one below ``root``, a path with slashes at both ends.

    Browsers resolve dot segments, encoded ones too, and a proxy may decode more than they do.
    """
    plain = path
    for _ in range(LAYERS):
        plain = unquote(plain)
    if unquote(plain) != plain:
        return False
    named = re.split(r"[?#]", plain, maxsplit=1)[0]
    odd = ODD.search(path) or ODD.search(named) or DOTS & {*named.split("/")}
    return path.startswith(root) and path.isascii() and " " not in path and not odd
