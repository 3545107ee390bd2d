"""``jupyter auth token``. Scripts call it often, so it imports little."""

from __future__ import annotations

import sys

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.kernel.broker.connect import connect, name_of, token_of


def print_token(
    name: str, session_key: str = DEFAULT_KEY, resource: str = "", file: str | None = None
) -> int:
    """Print the account's access token, with a warning on a terminal; or write it to ``file``.

    ``resource``: that of another API of the provider's.
    """
    accounts = connect()
    token = token_of(accounts, name_of(accounts, name), session_key, resource)
    if file:
        from pathlib import Path

        from jupyter_auth.core.tokens.token_file import write_token

        write_token(Path(file).expanduser().absolute(), token.bearer)
        return 0
    if sys.stdout.isatty():
        sys.stderr.write(
            "jupyter auth: Anyone who sees this token can use it until it expires. "
            f'Better: some-command "$(jupyter auth token {name})"\n'
        )
    sys.stdout.write(f"{token.bearer.reveal()}\n")
    return 0
