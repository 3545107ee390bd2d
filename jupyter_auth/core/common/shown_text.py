"""Texts from outside as they are shown: names of people, notebooks and scopes, words of providers.

They end in terminals, pages and notebooks. A terminal obeys control characters, a direction
override turns a name round, and a lone surrogate is no text that could be written anywhere.
"""

from __future__ import annotations


def plain_text(value: str, most: int) -> str:
    """``value`` in one line of at most ``most`` characters, with nothing in it but what is seen.

    What ``str.isprintable`` excludes (control characters, line breaks, direction marks, zero-width
    characters, surrogates) and white space of any kind become one space where they stand.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:most].strip()
