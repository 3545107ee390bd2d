"""Help by symptom: a heading for each error message, and what is written by hand about some."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generate.messages import REST, WARNING, Message, described, messages
from jupyter_auth import AuthWarning
from jupyter_auth.core.errors import OUTCOMES, Outcome
from jupyter_auth.server.browser import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HAND_WRITTEN = Path(__file__).parents[1] / "help" / "causes.toml"
ROOMS = {  # the beginnings of files, and what their messages are about; the first that fits
    "server/hub/": "The JupyterHub service",
    "server/config": "Settings of the Jupyter server",
    "server/": "The Jupyter server",
    "core/provider/": "The definition of a provider",
    "core/registration/": "Signing in from an address",
    "core/common/": "Files and addresses",
    "core/": "A sign-in",
    "": "Notebooks, scripts and terminals",
}
WORTH_SAYING = {"error", "warning", "late"}  # tones of pages
MANY = 30  # messages of one class: they are grouped


def pages() -> dict[str, str]:
    """A page for each class of errors, one for what pages say, and the table of symptoms."""
    made = {f"help/messages/{name}.md": _page(name) for name in _classes()}
    return {
        **made,
        "help/messages/index.md": _index(),
        "help/messages/pages.md": _browser_pages(),
        "_generated/symptoms.md": symptoms(),
    }


@functools.cache
def _hand_written() -> dict[str, Any]:
    return tomllib.loads(HAND_WRITTEN.read_text(encoding="utf-8"))


def causes() -> list[dict[str, Any]]:
    """What is written by hand about each symptom."""
    return list(_hand_written()["causes"])


def pattern(beginning: str) -> re.Pattern[str]:
    """What finds a message that is named by a part of it."""
    parts = (re.escape(each.strip()) for each in beginning.strip(f"{REST} ").split(REST))
    return re.compile(".*".join(parts))


def named(beginning: str) -> list[Message]:
    """The messages with that in them."""
    return [each for each in messages() if pattern(beginning).search(each.says)]


def _classes() -> dict[str, str]:
    """Those of which there are messages, and what they mean."""
    said = {each.error for each in messages()}
    known = {**described(), WARNING: AuthWarning.__doc__ or ""}
    return {name: meaning for name, meaning in known.items() if name in said}


@functools.cache
def _anchors() -> dict[Message, str]:
    """The label of each; those that differ in signs alone are numbered."""
    found: dict[str, Message] = {}
    for each in messages():
        words = re.findall(r"[a-z0-9]+", f"{each.error} {each.says}".lower().replace("'", ""))
        label = base = "-".join(words)[:120].strip("-")
        while label in found:
            label = f"{base}-{sum(name.startswith(base) for name in found) + 1}"
        found[label] = each
    return {each: label for label, each in found.items()}


def anchor(message: Message) -> str:
    """Its label."""
    return _anchors()[message]


def link(message: Message) -> str:
    """A link to its heading, in Markdown."""
    return f"[{markdown(message.says)}](#{anchor(message)})"


def markdown(text: str) -> str:
    """``text`` as it is: only what stands between backticks has a meaning."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _escaped(text)
    return "`".join(each if at % 2 else _escaped(each) for at, each in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def _page(error: str) -> str:
    own = [each for each in messages() if each.error == error]
    parts = [f"# {error}", _classes()[error].replace("``", "`"), _advice(error)]
    if len(own) < MANY:
        return "\n\n".join([*parts, *_headings(own, "##")]) + "\n"
    for room in reversed(ROOMS.values()):  # what most people see comes first
        if some := [each for each in own if _room(each) == room]:
            parts += [f"## {room}", *_headings(some, "###")]
    return "\n\n".join(parts) + "\n"


def _room(message: Message) -> str:
    return next(room for start, room in ROOMS.items() if message.file.startswith(start))


def _headings(said: Iterable[Message], level: str) -> Iterator[str]:
    for each in said:
        yield f"({anchor(each)})=\n{level} {markdown(each.says)}"
        yield markdown(each.hint) or _by_hand(each) or _advice(each.error)
        if each.hint and (more := _by_hand(each)):
            yield more


def _advice(error: str) -> str:
    return str(_hand_written()["classes"][error])


def _by_hand(message: Message) -> str:
    for each in causes():
        if any(pattern(part).search(message.says) for part in each.get("says", ())):
            return str(each["do"])
    return ""


def cause(beginning: str) -> str:
    """A symptom that is named in the table, and what to do about it, as an item of a list."""
    for each in causes():
        if beginning in {each.get("seen"), *each.get("says", ())}:
            seen = _seen(each)
            return f"- {seen[:1].upper()}{seen[1:]}: {each['do'][:1].lower()}{each['do'][1:]}"
    raise KeyError(beginning)


def _index() -> str:
    rows = [f"| [{name}]({name}.md) | {_first(meaning)} |" for name, meaning in _classes().items()]
    table = "\n".join(["| error | when |", "|---|---|", *rows])
    listed = "\n".join(_classes())
    return f"""\
# All messages

Every message of `jupyter_auth` is a heading on one of these pages, with what to do about it. Search
for some words of yours with the field at the top. What differs each time stands there as {REST}.

{table}

[What pages say](pages.md) has the pages of a sign-in that went wrong. All errors are an
`AuthError`, and have a `message`, a `hint` and a stable `code`.

```{{toctree}}
:hidden:

{listed}
pages
```
"""


def _first(meaning: str) -> str:
    return meaning.replace("``", "`").partition(". ")[0].rstrip(".")


def _browser_pages() -> str:
    ends = [*OUTCOMES.values(), *render.PROBLEMS.values()]
    told = [each for each in ends if each.tone in WORTH_SAYING]
    parts = ["# What pages say", "The pages at which a sign-in ends, by their titles."]
    for title in dict.fromkeys(each.title for each in told):
        parts.append(f"## {markdown(title)}")
        parts += [_outcome(each) for each in told if each.title == title]
    return "\n\n".join(parts) + "\n"


def _outcome(outcome: Outcome) -> str:
    text = outcome.text.format(to=f" to {REST}")
    return f"{markdown(text)} {markdown(render.hint(outcome))}".strip()


def symptoms() -> str:
    """The table of what people see most, in Markdown."""
    rows = ["| you see | do |", "|---|---|"]
    rows += [f"| {_seen(each)} | {each['do']} |" for each in causes()]
    return "\n".join(rows) + "\n"


def _seen(cause: dict[str, Any]) -> str:
    found = [(part, named(part)) for part in cause.get("says", ())]
    quoted = [
        f'["{markdown(part)}"](#{anchor(of[0])})' if of else f'"{markdown(part)}"'
        for part, of in found
    ]
    return ", ".join([*filter(None, [cause.get("seen", "")]), *quoted])
