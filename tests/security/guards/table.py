"""The table in ``SECURITY.md``, made from the lists. `make reference` writes it there."""

from __future__ import annotations

import re

from security.guards.listed import ROOT, guards, unguarded

SECURITY = ROOT / "SECURITY.md"
PLACE = re.compile(r"(<!-- guards:.*?-->\n).*?(\n<!-- /guards -->)", re.DOTALL)


def table() -> str:
    rows = [
        (each.promise, each.says, f"`{place(each.file, each.function)}`", f"`{each.test}`")
        for each in guards()
    ]
    rows += [(promise, why, "", "") for promise, why in unguarded().items()]
    lines = ["| promise | guard | where | its test |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in sorted(rows, key=lambda row: row[0])]
    return "\n".join(lines)


def place(file: str, function: str) -> str:
    return file.removeprefix("jupyter_auth/") + (f": {function}" if function else "")


def renewed(text: str) -> str:
    """``text`` with the table as it is now."""
    text, found = PLACE.subn(lambda match: match[1] + table() + match[2], text)
    assert found == 1
    return text


if __name__ == "__main__":
    SECURITY.write_text(renewed(SECURITY.read_text(encoding="utf-8")), encoding="utf-8")
