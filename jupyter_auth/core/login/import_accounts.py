"""Imports the sign-ins that another package keeps in its files."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import (
    AuthError,
    ConfigurationError,
    LoginRequired,
    NextStep,
)
from jupyter_auth.core.login.adoption import adopted
from jupyter_auth.core.models import AccountKey, Imported
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.field_types import OtherCache
    from jupyter_auth.core.tokens.account_tokens import AccountTokens

MAX_FILE = 1 << 20  # bytes


def take_over(
    provider: str, party: Party, completion: Completion, tokens: AccountTokens, home: Path | None
) -> list[Imported]:
    """The outcome for each sign-in found under ``home``. The files are not changed.

    Each refresh token is used at once: so the provider says whose it is, and whether it works. A
    single one becomes the default account, if there is none; others keep their names.

    Raises:
        ConfigurationError: the provider has no ``import_from``, or there is no ``home`` here.
    """
    if home is None:
        raise ConfigurationError("Importing is not available on this server.")
    cache = party.provider.import_from
    if cache is None:
        raise ConfigurationError(
            f"No other package is known that signs in to {party.provider.title}.",
            next_step=NextStep("sign_in", party.provider.name),
        )
    found = list(_files(cache, home))
    taken = {info.key for info in tokens.accounts() if not info.trouble}
    default = AccountKey(provider)
    outcomes = []
    for name, path in found:
        alone = len(found) == 1 and default not in taken
        key = default if alone else AccountKey(provider, name)
        try:
            if key in taken:
                raise LoginRequired("An account is already signed in here.")
            account = _account(party, completion, key, _read(path, cache), cache)
            tokens.keep(account)
            who = account.username or account.subject
            outcomes.append(Imported(path=str(path), session_key=key.session_key, username=who))
        except AuthError as error:
            problem = error.message
            outcomes.append(Imported(path=str(path), session_key=key.session_key, problem=problem))
    return outcomes


def _files(cache: OtherCache, home: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths; the name is what the star in the pattern matched."""
    seen = set()
    for pattern in cache.paths:
        expanded = os.path.expandvars(pattern)
        if "$" in expanded:  # a variable that is not set
            continue
        if expanded.startswith("~/"):
            expanded = str(home / expanded[2:])
        before, _, after = (re.escape(part) for part in expanded.partition("*"))
        for path in sorted(glob.glob(expanded)):  # noqa: PTH207 (the pattern is absolute)
            match = re.fullmatch(f"{before}(.*){after}", path)
            name = (match and match[1]) or DEFAULT_KEY
            name = DEFAULT_KEY if name in cache.unnamed else name
            if Path(path).is_file() and path not in seen:
                seen.add(path)
                yield name, Path(path)


def _read(path: Path, cache: OtherCache) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ConfigurationError("The file cannot be read.")
    if any(content.get(name) != value for name, value in cache.matches.items()):
        raise ConfigurationError("It was issued to a different client.")
    return content


def _account(
    party: Party, completion: Completion, key: AccountKey, file: dict[str, Any], cache: OtherCache
) -> Account:
    refresh_token = file.get("refresh_token")
    if not isinstance(refresh_token, str) or not refresh_token:
        raise LoginRequired("The file has no refresh token.")
    endpoint = file.get(cache.token_endpoint) if cache.token_endpoint else None
    return adopted(party, completion, key, Secret(refresh_token), endpoint)
