"""The verbs of `jupyter auth` and `%auth`, from their parsers."""

from __future__ import annotations

import argparse
import textwrap
from functools import partial
from typing import TYPE_CHECKING

from jupyter_auth import terminal
from jupyter_auth.demo import run as demo
from jupyter_auth.kernel.commands import magic_words
from jupyter_auth.server.hub import cli as hub

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 88


def pages() -> dict[str, str]:
    verbs = {**_of(terminal._parser()), "demo": demo._parser()}
    of_hub = {f"hub {verb}": parser for verb, parser in _of(hub._parser()).items()}
    del verbs["hub"]
    return {
        "_generated/commands.md": _verbs({**verbs, **of_hub}),
        "_generated/magic.md": _verbs(magic_words.line_parser()[1]),
    }


def _of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    [verbs] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    for said in verbs._choices_actions:
        verbs.choices[said.dest].description = verbs.choices[said.dest].description or said.help
    return verbs.choices


def _verbs(parsers: Mapping[str, argparse.ArgumentParser]) -> str:
    return "\n".join(_verb(name, parser) for name, parser in parsers.items())


def _verb(name: str, parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = partial(argparse.HelpFormatter, width=WIDTH)
    usage = parser.format_usage().replace(" [-h]", "")
    says = (parser.description or "").strip()
    lines = [f"## `{name}`", "", f"{says[:1].upper()}{says[1:].rstrip('.')}.", ""]
    lines += [
        "```text",
        textwrap.dedent(f"       {usage.removeprefix('usage: ')}").rstrip(),
        "```",
        "",
    ]
    if examples := getattr(parser, "examples", ()):
        lines += ["```text", *(f"{parser.prog} {each}".rstrip() for each in examples), "```", ""]
    for action in parser._actions:
        if action.help and action.dest != "help":
            lines += [f"{_name(action)}\n: {action.help}", ""]
    return "\n".join(lines)


def _name(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"`{value}`"
    return f"`{action.option_strings[0]}{f' {value}' if action.nargs != 0 else ''}`"
