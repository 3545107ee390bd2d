"""What the person at this process is told and asked. stdout may be a pipe: nothing goes there."""

from __future__ import annotations

import sys
from html import escape

from jupyter_auth.kernel.prompt.front_end import in_notebook


def tell(sentence: object) -> None:
    """Show a person a sentence: in the cell's output, or on stderr. stdout may be a pipe."""
    if in_notebook():
        from IPython.display import display

        text = str(sentence)
        html = f'<div role="status">{escape(text)}</div>'
        display({"text/html": html, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
    else:
        sys.stderr.write(f"{sentence}\n")


def ask(question: str) -> str:
    """What a person types; the question is not on stdout either."""
    if in_notebook():
        return input(question)
    sys.stderr.write(question)
    sys.stderr.flush()
    return input()
