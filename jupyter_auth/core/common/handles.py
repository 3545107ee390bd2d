"""Names of providers, and handles, which stand for providers that were made in code.

A handle is the provider's name and a digest of its definition, such as ``acme~0f5c…``. Equal
definitions have equal handles, so a provider made in one notebook changes what a name means in no
other. People see the name alone.
"""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MARK = "~"  # in no name, so that a name is never taken for a handle
DIGITS = 32  # of SHA-256 in hex: too many to find a second definition for a handle
FROM_CODE = "defined in a notebook"  # as people read it
_KEY = re.compile(rf"{NAME.pattern}({MARK}[0-9a-f]{{{DIGITS}}})?")


def is_handle(name: str) -> bool:
    """Whether ``name`` stands for a provider that was made in code."""
    return MARK in name


def is_address(name: str) -> bool:
    """Whether ``name`` is the address of an API, which stands for its provider."""
    return "://" in name


def names_one(text: str) -> bool:
    """Whether ``text`` has the form of a provider's name or of a handle."""
    return _KEY.fullmatch(text) is not None


def plain(name: str) -> str:
    """The name without a digest: for people, redirect URIs and environment variables."""
    return name.partition(MARK)[0]


def marked(name: str) -> str:
    """The plain name, marked if the provider was defined in a notebook."""
    return f"{plain(name)} ({FROM_CODE})" if is_handle(name) else name
