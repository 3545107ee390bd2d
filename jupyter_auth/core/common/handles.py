"""Names of providers, and handles: what a provider made in code goes by in place of its name.

A handle is the name that its maker gave it and a digest of all that defines it, such as
``acme~0f5c…``. Whoever has the same definition has the same handle, and nobody else does; so a
provider made in one notebook changes what a name means in no other. People see the name alone.
"""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MARK = "~"  # no name has one: nobody can type a handle where a name is given
DIGITS = 32  # of SHA-256 in hex: enough that nobody finds a second definition for a handle
FROM_CODE = "defined in a notebook"  # what people are told of one
_KEY = re.compile(rf"{NAME.pattern}({MARK}[0-9a-f]{{{DIGITS}}})?")


def is_handle(name: str) -> bool:
    """Whether it stands for a provider that was made in code."""
    return MARK in name


def names_one(text: str) -> bool:
    """Whether it is the name of a provider, or a handle."""
    return _KEY.fullmatch(text) is not None


def plain(name: str) -> str:
    """The name that its maker gave it: for people, redirect URIs and environment variables."""
    return name.partition(MARK)[0]


def marked(name: str) -> str:
    """The plain name, and that it is a notebook's where it is."""
    return f"{plain(name)} ({FROM_CODE})" if is_handle(name) else name
