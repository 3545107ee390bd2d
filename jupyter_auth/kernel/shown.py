"""Results that are displayed where an ``%auth`` line stands, and returned."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar


class Shown:
    """A verb's result, which the end of the same cell does not display a second time."""

    _shown_in: int | None = None

    def _ipython_display_(self) -> None:
        if self._shown_in is None or self._shown_in != _this_cell():
            raise NotImplementedError  # IPython shows it like any other object


class Sentence(Shown, str):  # noqa: SLOT000 (`Shown` has no slots either)
    """Text that IPython shows without quotes."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 (IPython's)
        printer.text(str(self))


@dataclass(frozen=True)
class TextTable(Shown):
    """Rows of text; ``str`` and notebooks show a table, or ``empty`` if there are none."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = ""

    def __str__(self) -> str:
        if not self.rows:
            return self.empty
        lines = [tuple(heading.upper() for heading in self.headings), *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape(self.empty)}</p>"
        left = 'style="text-align:left"'  # front ends align cells like numbers
        head = "".join(f'<th scope="col" {left}>{escape(text)}</th>' for text in self.headings)
        body = "".join(
            "<tr>" + "".join(f"<td {left}>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


S = TypeVar("S", bound=Shown)


def show(result: S, handle: Any = None) -> S:
    """Display ``result``, in the place of ``handle`` if given, and return it.

    A returned value alone is displayed only as the last expression of a cell.
    """
    from IPython.display import display

    if handle is None:
        display(result)  # type: ignore[no-untyped-call]
    else:
        handle.update(result)
    vars(result)["_shown_in"] = _this_cell()  # by vars: the dataclasses among them are frozen
    return result


def _this_cell() -> int | None:
    from IPython import get_ipython

    shell = get_ipython()
    return None if shell is None else int(shell.execution_count)
