"""The entry point of ``jupyter auth``; ``terminal`` is loaded only for verbs that need it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError
from jupyter_auth.kernel.commands.access_token import print_token

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 1 for an AuthError, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        match words:
            case ["token", name] if name[:1] not in {
                "",
                "-",
            }:  # as scripts call it, without options
                return print_token(name)
        from jupyter_auth.terminal import run

        return run(words)
    except AuthError as error:
        from jupyter_auth.terminal import fail

        return fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
