"""Sign-ins that another package keeps in files of its own, taken over once."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginRequired
from jupyter_auth.core.login.login_store import LoginPurpose
from jupyter_auth.core.models import AccountKey, Imported
from jupyter_auth.core.protocol import oauth
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
    provider: str, party: Party, completion: Completion, tokens: AccountTokens, home: Path
) -> list[Imported]:
    """Each sign-in found under ``home``, or why it could not be had. The files are left alone.

    A refresh token is spent at once: the provider then says whose it is, and whether it still
    works. The only one found becomes the default account, where there is none; others keep the
    names they had.
    ConfigurationError: this provider's data name no such files.
    """
    cache = party.provider.import_from
    if cache is None:
        raise ConfigurationError(
            f"Nothing is known of another package that signs in to {party.provider.title}.",
            hint=f"Sign in with `jupyter auth login {party.provider.name}`.",
        )
    found = list(_files(cache, home))
    taken = {info.key for info in tokens.accounts()}
    default = AccountKey(provider)
    outcomes = []
    for name, path in found:
        alone = len(found) == 1 and default not in taken
        key = default if alone else AccountKey(provider, name)
        try:
            if key in taken:
                raise LoginRequired("Somebody is signed in here already.")
            account = _account(party, completion, key, _read(path, cache), cache)
            tokens.keep(account)
            who = account.username or account.subject
            outcomes.append(Imported(path=str(path), session_key=key.session_key, username=who))
        except AuthError as error:
            outcomes.append(
                Imported(path=str(path), session_key=key.session_key, problem=error.message)
            )
    return outcomes


def _files(cache: OtherCache, home: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths; the name is what stands where the pattern has its star."""
    seen = set()
    for pattern in cache.paths:
        place = os.path.expandvars(pattern)
        if "$" in place:  # a variable that is not set
            continue
        if place.startswith("~/"):
            place = str(home / place[2:])
        before, _, after = (re.escape(part) for part in place.partition("*"))
        for path in sorted(glob.glob(place)):  # noqa: PTH207 (the pattern is absolute)
            match = re.fullmatch(f"{before}(.*){after}", path)
            name = (match and match[1]) or DEFAULT_KEY
            name = DEFAULT_KEY if name in cache.unnamed else name
            if Path(path).is_file() and path not in seen:
                seen.add(path)
                yield name, Path(path)


def _read(path: Path, cache: OtherCache) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ConfigurationError("It cannot be read.")
    if any(said.get(name) != value for name, value in cache.matches.items()):
        raise ConfigurationError("It was issued to a different client.")
    return said


def _account(
    party: Party, completion: Completion, key: AccountKey, said: dict[str, Any], cache: OtherCache
) -> Account:
    held = said.get("refresh_token")
    if not isinstance(held, str) or not held:
        raise LoginRequired("It has no refresh token.")
    endpoint = said.get(cache.token_endpoint) if cache.token_endpoint else None
    if endpoint is not None:
        party = party.at(str(endpoint))  # believed only on the provider's own hosts
    answer = oauth.refresh(party, Secret(held))
    return completion.account(LoginPurpose(key=key), party, answer, token_endpoint=endpoint)
