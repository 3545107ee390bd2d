"""What a verb of ``%auth`` says: shown where its line stands, and returned."""

from __future__ import annotations

from typing import Any, TypeVar


class Shown:
    """A result of a verb. The end of the cell that has shown it does not show it a second time."""

    _shown_in: int | None = None

    def _ipython_display_(self) -> None:
        if self._shown_in is None or self._shown_in != _this_cell():
            raise NotImplementedError  # IPython shows it like any other object


class Sentence(Shown, str):  # noqa: SLOT000 (`Shown` has no slots either)
    """Text that a cell shows without quotes."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 (IPython's)
        printer.text(str(self))


S = TypeVar("S", bound=Shown)


def show(result: S, handle: Any = None) -> S:
    """Display ``result``, in place of what ``handle`` shows if there is one; and return it.

    A returned value alone would be seen only where it is the last expression of its cell.
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
