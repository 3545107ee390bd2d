"""What the person at this process is told and asked. stdout may be a pipe: nothing goes there."""

from __future__ import annotations

import sys
from html import escape
from typing import Any

from jupyter_auth.kernel.prompt.front_end import in_notebook


def tell(sentence: object) -> None:
    """Show a person a sentence: in the cell's output, or on stderr."""
    if in_notebook():
        from IPython.display import display

        display(sentence_data(str(sentence)), raw=True)  # type: ignore[no-untyped-call]
    else:
        sys.stderr.write(f"{sentence}\n")


def sentence_data(sentence: str) -> dict[str, Any]:
    """A sentence as a MIME bundle."""
    return {"text/html": f'<div role="status">{escape(sentence)}</div>', "text/plain": sentence}


def ask(question: str) -> str:
    """The line that a person types. Raises EOFError at the end of the input."""
    if in_notebook():
        return input(question)
    sys.stderr.write(question)
    sys.stderr.flush()
    if not (line := sys.stdin.readline()):
        raise EOFError
    return line.rstrip("\n")
