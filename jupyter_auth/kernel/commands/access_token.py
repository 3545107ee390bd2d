"""``jupyter auth token``: an access token for a pipe. Scripts call it often: little is loaded."""

from __future__ import annotations

import sys

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.kernel.broker.connect import connect


def print_token(name: str, session_key: str = DEFAULT_KEY) -> int:
    """Print the account's access token, with a warning to whoever would read it on a terminal."""
    token = connect().token(name, session_key)
    if sys.stdout.isatty():
        sys.stderr.write(
            "jupyter auth: whoever sees this token can use it until it expires; "
            f'better: some-command "$(jupyter auth token {name})"\n'
        )
    sys.stdout.write(f"{token.bearer.reveal()}\n")
    return 0
