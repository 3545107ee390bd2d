"""Parses and completes the words of ``%auth`` and ``%%auth``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.completion import values_of
from jupyter_auth.kernel.commands.verb_parser import Parser, add_verb, shared_parser

if TYPE_CHECKING:
    from types import SimpleNamespace


# A line up to the cursor, perhaps an assignment. With automagic the % may be missing.
_LINE = re.compile(r"\s*(?:[^%=]*=\s*)?(?P<magic>%{0,2})auth\s(?P<words>.*)", re.DOTALL)


def line_parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of ``%auth``, and those of its verbs."""
    parser, added = shared_parser("%auth")
    added.choices["login"].add_argument("--wait", action="store_true", help="block until signed in")
    add_verb(added, "use", "set the default provider", key=False).examples = ["github"]
    add_verb(added, "explain", "explain the last response", name="?", key=False).examples = [""]
    return parser, added.choices


def cell_parser() -> Parser:
    """The parser of the first line of ``%%auth``."""
    parser = Parser(prog="%%auth", add_help=False)
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument("--key", default=DEFAULT_KEY, metavar="K")
    return parser


def offers(line: str) -> tuple[str, list[str]]:
    """The last word of ``line``, a magic's up to the cursor, and its completions in order."""
    found = _LINE.match(line)
    if not found:
        return "", []
    *words, word = re.split(r"\s+", found["words"].lstrip())
    parsers = line_parser()[1]
    if found["magic"] == "%%":
        known = _arguments(cell_parser(), words)
    elif words:
        known = _arguments(parsers[words[0]], words[1:]) if words[0] in parsers else []
    else:
        known = list(parsers)
    return word, [each for each in known if each.startswith(word)]


def _arguments(parser: Parser, words: list[str]) -> list[str]:
    """What may follow ``words``: an option's value, or a name and other options."""
    options = parser.options()
    name, taking = None, None
    for word in words:
        if word in options:
            taking = options[word] if options[word].nargs != 0 else None
        elif taking is None:
            name = name or word
        elif taking.nargs is None:
            taking = None
    values = values_of(taking, name) if taking else []
    if taking and taking.nargs is None:
        return values
    names = verbs.provider_names() if parser.takes_name and not name and not taking else []
    more = [option for option in options if option not in words]
    return [*names, *(each for each in values if each not in words), *more]


def complete(_: Any, event: SimpleNamespace) -> list[str]:
    """IPython's hook ``complete_command``, for automagic and for IPython before 8.6."""
    word, found = offers(event.text_until_cursor)
    begun = len(word) - len(event.symbol)  # the symbol begins after a hyphen
    return [each[begun:] for each in found]


def match(context: Any) -> dict[str, Any]:
    """IPython's matcher (API 2): if it offers anything, no other does, not even jedi."""
    from IPython.core.completer import SimpleCompletion

    line = context.text_until_cursor
    word, found = offers(line) if "%" in line else ("", [])
    return {
        "completions": [SimpleCompletion(text=each, type="magic") for each in found],
        "matched_fragment": word,
        "suppress": True,
        "ordered": True,
    }


def complete_in(shell: Any) -> None:
    """Complete the words of ``%auth`` in ``shell``, however often it is called."""
    for magic in ("%auth", "%%auth"):
        shell.set_hook("complete_command", complete, str_key=magic)
    try:
        from IPython.core.completer import context_matcher
    except ImportError:  # IPython before 8.6
        return
    context_matcher(identifier="jupyter_auth.match", priority=100)(match)
    if match not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(match)
