"""Findings as aligned text, or as a table in a notebook."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from jupyter_auth.kernel.shown import Shown

if TYPE_CHECKING:
    from jupyter_auth.core.common.finding import Finding

_JOINT = "\N{NO-BREAK SPACE}"  # within a command
MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG"}
COLOURS = {"ok": "32", "note": "33", "wrong": "31;1"}  # ANSI
# JupyterLab's follow its theme; the fallbacks are readable on white and on black.
INKS = {
    "ok": "var(--jp-success-color1,#3c8d40)",
    "note": "var(--jp-warn-color1,#b26a00)",
    "wrong": "var(--jp-error-color1,#e04848)",
}
WIDTH = 100  # characters


@dataclass(frozen=True)
class Section:
    """Findings about one thing."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report(Shown):
    """What ``doctor`` and ``explain`` return; ``str`` and notebooks show it."""

    sections: tuple[Section, ...]

    @property
    def healthy(self) -> bool:
        """Whether no problem was found."""
        return not self._problems

    @property
    def _problems(self) -> int:
        return sum(each.state == "wrong" for part in self.sections for each in part.findings)

    @property
    def summary(self) -> str:
        """The report in one sentence."""
        match self._problems:
            case 0:
                return "No problems found."
            case 1:
                return "1 problem found. Fix below."
            case many:
                return f"{many} problems found. Fixes below."

    def text(self, *, colour: bool = False) -> str:
        """Aligned text, with the state of each finding as a word."""
        width = max(len(each.about) for part in self.sections for each in part.findings)
        lines = []
        for part in self.sections:
            lines += [part.title, *(_lines(each, width, colour) for each in part.findings), ""]
        return "\n".join([*lines, self.summary])

    __str__ = __repr__ = text

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th colspan="3" scope="colgroup" style="{_CELL}padding-top:1em">'
            f"{escape(part.title)}</th></tr>" + "".join(map(_row, part.findings))
            for part in self.sections
        )
        return f'<p><b>{escape(self.summary)}</b></p><table style="border:0">{rows}</table>'


_CELL = "text-align:left;vertical-align:top;background:none;white-space:normal;"


def _lines(finding: Finding, width: int, colour: bool) -> str:  # noqa: FBT001 (private)
    mark = f"{MARKS[finding.state]:<5}"
    mark = f"\033[{COLOURS[finding.state]}m{mark}\033[0m" if colour else mark
    indent = " " * (width + 11)
    words = [finding.says, *([f"Fix: {finding.advice}"] if finding.advice else [])]
    wrapped = [
        textwrap.fill(
            re.sub("`[^`]+`", lambda found: found[0].replace(" ", _JOINT), each),
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,  # paths, URLs and commands are there to be copied
            break_on_hyphens=False,
        ).replace(_JOINT, " ")
        for each in words
    ]
    return f"  {mark}  {finding.about:<{width}}  " + "\n".join(wrapped).lstrip()


def _row(finding: Finding) -> str:
    ink = f"color:{INKS[finding.state]};font-weight:bold;"
    fix = f"<div><b>Fix:</b> {escape(finding.advice)}</div>" if finding.advice else ""
    return (
        f'<tr><td style="{_CELL}{ink}">{MARKS[finding.state]}</td>'
        f'<td style="{_CELL}white-space:nowrap">{escape(finding.about)}</td>'
        f'<td style="{_CELL}overflow-wrap:anywhere">{escape(finding.says)}{fix}</td></tr>'
    )
