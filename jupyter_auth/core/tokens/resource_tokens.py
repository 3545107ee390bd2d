"""An account's tokens for several APIs, each seen as an account of its own.

A ``view`` is the account with the access token, scopes and times of one resource, so that life
times, refusals and refreshes are those of any account; ``merged`` puts the result back. The refresh
token is the account's, unless the provider gives one for each API (``other_tokens``).

What a notebook may ask for: the resources that the provider's data lists, and those that a person
has signed in for. Its token goes to that resource's origins alone (``resources.origins``).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import InsufficientScope
from jupyter_auth.core.models import Account, ResourceToken
from jupyter_auth.core.record import fields, replace
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.next_steps import how_to_sign_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.models import AccountKey
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.provider.provider import Provider

MOST = 20  # resources of an account
NO_TOKEN = Secret("none")  # in place of an access token that there is not; it has expired
_SHARED = [each.name for each in fields(ResourceToken) if each.name != "refresh_token"]


def view(account: Account, provider: Provider, resource: str) -> Account:
    """The account as it is for that resource; for "" it is the account itself.

    Raises:
        InsufficientScope: the sign-in is not for it.
    """
    if not resource:
        return account
    held = account.resources.get(resource)
    if account.kind == "api_key" or not (held or resource in provider.resources):
        raise not_granted(account.key, resource)
    if held:
        token: dict[str, Any] = {name: getattr(held, name) for name in _SHARED}
        return replace(account, **token, refresh_token=held.refresh_token or account.refresh_token)
    none: dict[str, Any] = {"scopes": (), "issued_at": 0.0, "expires_at": 0.0, "token_fields": {}}
    shared = None if provider.other_tokens else account.refresh_token
    return replace(account, access_token=NO_TOKEN, refresh_token=shared, **none)


def merged(account: Account, resource: str, seen: Account) -> Account:
    """The account once its ``view`` for that resource is ``seen``."""
    if not resource:
        return seen
    own = own_refresh_token(account, resource)
    if not own:
        account = replace(account, refresh_token=seen.refresh_token)
    account = replace(account, refused=seen.refused)
    if seen.access_token == NO_TOKEN:
        return account
    token = _token(seen, seen.refresh_token if own else None)
    return replace(account, resources=_bounded({**account.resources, resource: token}))


def own_refresh_token(account: Account, resource: str) -> bool:
    """Whether the token for that resource has a refresh token of its own."""
    held = account.resources.get(resource)
    return held is not None and held.refresh_token is not None


def signed_in_for(account: Account, resource: str, own: Mapping[str, Any] | None) -> Account:
    """A fresh account whose access token is for that resource, with its ``own`` in place of it."""
    none = {"access_token": NO_TOKEN, "expires_at": account.issued_at, "scopes": (), "asked": ()}
    held = {resource: _token(account, None), **account.resources}
    given: dict[str, Any] = {**(own or none), "resources": held}
    return replace(account, **{"token_fields": {}, **given})


def told_apart(
    provider: Provider, answer: TokenResponse, now: float
) -> tuple[TokenResponse | None, dict[str, ResourceToken]]:
    """Of a response with tokens for several APIs, that for the provider's own, and the others."""
    names = {each.token_name: resource for resource, each in provider.resources.items()}
    given = [answer, *answer.others]
    found = {names[each.name]: _as_held(each, now) for each in given if each.name in names}
    others = [each for each in given if each.name not in names]
    # Of several that are not listed only the first of all is surely not another API's.
    own = others[0] if answer in others or len(others) == 1 else None
    return own, found


def _as_held(answer: TokenResponse, now: float) -> ResourceToken:
    return ResourceToken(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        scopes=answer.scopes or (),
        issued_at=now,
        expires_at=answer.ends(now),
        token_fields=answer.fields,
    )


def joined(account: Account, before: Account | None) -> Account:
    """A fresh account with what its person had, if the new sign-in is for another resource."""
    same = before and (before.fingerprint, before.person) == (account.fingerprint, account.person)
    if before is None or not same or not account.resources:
        return account
    more: dict[str, Any] = {
        "resources": _bounded({**before.resources, **account.resources}),
        "refresh_token": account.refresh_token or before.refresh_token,
    }
    if account.access_token != NO_TOKEN:
        return replace(account, **more)
    return replace(
        before,
        id_token=account.id_token or before.id_token,
        token_endpoint=account.token_endpoint,
        client_id=account.client_id,
        signed_in_at=account.signed_in_at,
        refused=None,
        **more,
    )


def not_granted(key: AccountKey, resource: str, said: str = "") -> InsufficientScope:
    """The error where there is no token for a resource, in the provider's words if it has any."""
    why = f": {said}" if said else ""
    return InsufficientScope(
        f"The sign-in to {key} has no token for {resource}{why}.",
        next_step=how_to_sign_in(key, shlex.join(["--resource", resource])),
        resource=resource,
    )


def _token(seen: Account, refresh_token: Secret | None) -> ResourceToken:
    token: dict[str, Any] = {name: getattr(seen, name) for name in _SHARED}
    return ResourceToken(**token, refresh_token=refresh_token)


def _bounded(resources: Mapping[str, ResourceToken]) -> Mapping[str, ResourceToken]:
    """The newest of them."""
    newest = sorted(resources, key=lambda name: resources[name].issued_at)[-MOST:]
    return {name: each for name, each in resources.items() if name in newest}
