"""Untrusted text as it is shown: names of people, notebooks and scopes, messages of providers.

It ends in terminals, pages and notebooks. A terminal obeys control characters, a direction
override reverses a name, and a lone surrogate cannot be encoded.
"""

from __future__ import annotations


def plain_text(value: str, most: int) -> str:
    """``value`` as one line of at most ``most`` visible characters.

    Each run of white space and of what ``str.isprintable`` excludes (control characters, line
    breaks, direction marks, zero-width characters, surrogates) becomes one space.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:most].strip()
