"""What an API says in ``WWW-Authenticate`` of how to be called."""

from __future__ import annotations

import re

MOST = 4096  # characters of a header that are read
SCOPE = r"[!#-\[\]-~]{1,200}"  # one scope (RFC 6749 3.3), bounded
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (RFC 9110 5.6.2)
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PARTS = re.compile(
    rf"(?:^|,)[ \t]*({_TOKEN})(?=[ \t]+[^ \t=]|[ \t]*(?:,|$))"  # a scheme begins a challenge
    rf'|(?<![^\s,])({_TOKEN})[ \t]*=[ \t]*(?:{_QUOTED}|([^\s,"]+))'
    rf"|{_QUOTED}"  # a stray one, whose commas are none of ours
)


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """The challenges of a ``WWW-Authenticate`` header (RFC 9110 11.6.1), or of several in one.

    Returns:
        The scheme and the parameters of each, names in lower case. A ``token68`` is left out. Some
        APIs forget the scheme: it is "" then.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for scheme, name, quoted, plain, _ in _PARTS.findall(header[:MOST]):
        if scheme:
            found.append((scheme.lower(), {}))
        elif name:
            found = found or [("", {})]
            value = re.sub(r"\\(.)", r"\1", quoted) or plain.strip("'")
            found[-1][1].setdefault(name.lower(), value)
    return found
