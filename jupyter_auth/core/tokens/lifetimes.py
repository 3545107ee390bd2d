"""When a token is renewed, and when that has to wait."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import UserMismatch
from jupyter_auth.core.models import ApiKeyAccount, Refusal, Token
from jupyter_auth.core.record import replace
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.models import Account
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.tokens.need import Need

MARGIN = 60.0  # seconds before expiry that a token is refreshed, but at most a tenth of its life
REFUSED_RETRY = 3600.0  # seconds at most until a refused refresh is tried again
RETRY = 60.0  # the same for one that got no answer
AT_ONCE = 3  # of those in a row may be tried again at once
PAUSE = 30.0  # seconds between failed refreshes while the old token still works
FORCED_PAUSE = 10.0  # seconds, at most a tenth of its life, that one made on demand is kept


def refresh_at(account: Account, leeway: float | None) -> float | None:
    """When a new token should be fetched; None if it does not expire."""
    if account.expires_at is None:
        return None
    lifetime = account.expires_at - account.issued_at
    margin = min(MARGIN, lifetime / 10) if leeway is None else min(leeway, lifetime / 2)
    return account.expires_at - margin


def as_token(account: Account, provider: Provider, resource: str = "") -> Token:
    """The access token or API key, with its headers. ``resource``: which API's view it is."""
    if isinstance(account, ApiKeyAccount):
        from jupyter_auth.core.tokens import api_key

        return api_key.as_token(account, provider)
    value = provider.header.template.format(token=account.access_token.reveal())
    return Token(
        access_token=account.access_token,
        headers={provider.header.name: Secret(value)},
        scopes=account.scopes,
        expires_at=account.expires_at,
        refresh_at=refresh_at(account, provider.leeway),
        person=account.person,
        reach=provider.reach,
        fields=account.token_fields,
        resource=resource,
    )


def meets(account: Account, provider: Provider, need: Need, now: float, *, renewable: bool) -> bool:
    """Whether that account's token meets the need. ``renewable``: another one can be had."""
    if need.rejected == account.access_token.digest:
        return False
    at = refresh_at(account, provider.leeway)
    if at is None or account.expires_at is None:
        return True
    if not renewable:
        return now < account.expires_at
    # More than half a lifetime cannot be asked for: each call would be a refresh.
    asked = min(need.min_valid, (account.expires_at - account.issued_at) / 2)
    return now < min(at, account.expires_at - asked)


def works(account: Account, need: Need, now: float) -> bool:
    """Whether that account's token can be used at all."""
    return need.rejected != account.access_token.digest and account.valid(now)


def growing_pause(times: int, longest: float) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(2.0 ** min(times, 30), longest) if times > 0 else 0.0


def may_renew(account: Account, now: float) -> bool:
    """Whether a token that does not work any more may be renewed, after a refusal.

    One that came while it worked decides nothing: some providers refuse early refreshes.
    """
    refused = account.refused
    if refused is None or (account.expires_at is not None and refused.at < account.expires_at):
        return True
    return not refused.final and now >= refused.at + growing_pause(refused.times, REFUSED_RETRY)


def after_refusal(account: Account, need: Need, error: AuthError, now: float) -> Account:
    """The account once its renewal was refused with that error: RefreshRejected, or UserMismatch.

    A token that its API rejects is as good as expired, and so is another person's.
    """
    final = getattr(error, "final", True)
    times = account.refused.times + 1 if account.refused else 1
    refused = Refusal(says=error.message, at=now, final=final, times=times)
    ends = account.expires_at
    if isinstance(error, UserMismatch) or not works(account, need, now):
        ends = now if ends is None else min(ends, now)
    return replace(account, refused=refused, expires_at=ends)


def must_wait(
    account: Account, need: Need, now: float, *, paused: float | None, forced: float | None
) -> bool:
    """Whether it is too early to renew a token that does not meet the need.

    ``paused``: until when no renewal is tried, as one failed. ``forced``: when this token replaced
    a rejected one. A token whose renewal was refused is used until it expires.
    """
    if works(account, need, now):
        return account.refused is not None or (paused is not None and now < paused)
    if forced is None or need.rejected != account.access_token.digest:
        return False
    # An API that refuses every token is not to cost a refresh for each call.
    ends = math.inf if account.expires_at is None else account.expires_at
    return now - forced < min(FORCED_PAUSE, (ends - account.issued_at) / 10)
