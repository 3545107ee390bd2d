# PYTHON_ARGCOMPLETE_OK
"""The entry point of ``jupyter auth``; ``terminal`` is loaded only for verbs that need it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import SCRIPT, AuthError, Step, speak
from jupyter_auth.kernel.commands.access_token import print_token

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
TERMINAL: dict[Step, str] = {
    **SCRIPT,
    "sign_in": "Sign in with `jupyter {login}`.",
    "sign_in_waiting": "Sign in with `jupyter {login}`.",
    "start_again": "Run this command again.",
    "name_provider": "Name one, as in `jupyter auth login {provider}`.",
    "name_or_add_provider": "Name one, as in `jupyter auth login {provider}`, or add your own with"
    " `jupyter auth add`.",
    "add_provider": "Run `jupyter auth add {provider} --client-id ID`.",
    "add_secret": "If it has one, run `jupyter auth add {provider} --client-secret`.",
    "reload": "Run this command again.",
    "restart_server": "Restart the Jupyter server.",
    "doctor": "`jupyter auth doctor` shows more.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status: 1 for an AuthError, 2 for wrong usage."""
    speak(lambda: TERMINAL)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        match words:
            case ["token", name] if name[:1] not in {"", "-"}:  # as scripts call it
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
