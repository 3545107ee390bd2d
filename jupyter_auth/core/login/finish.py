"""What every way in comes to: tokens become an account that rests, and its login is complete."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import (
    AuthError,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    UserMismatch,
)
from jupyter_auth.core.login.admission import Admission, anybody
from jupyter_auth.core.models import Account
from jupyter_auth.core.protocol import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.login.login_store import LoginPurpose
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import AccountInfo, Login
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.tokens.account_tokens import AccountTokens
    from jupyter_auth.core.tokens.revocation import Revoker


class Completion:
    """The last step of a login, whichever grant it took."""

    def __init__(
        self,
        logins: Logins,
        tokens: AccountTokens,
        discovery: Discovery,
        revoker: Revoker,
        clock: Callable[[], float],
        *,
        admit: Admission = anybody,
    ) -> None:
        self._logins = logins
        self._tokens = tokens
        self._discovery = discovery
        self._revoker = revoker
        self._clock = clock
        self._admit = admit

    def outcome(self, login_id: str, step: Callable[[], Login]) -> Login:
        """What ``step`` makes of the login; where it fails, that is the login's end."""
        try:
            return step()
        except LoginDenied as error:
            return self._logins.end(login_id, "denied", error)
        except LoginExpired as error:
            return self._logins.end(login_id, "expired", error)
        except AuthError as error:
            return self._logins.end(login_id, "failed", error)

    def keep(
        self,
        login: Login,
        request: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        *,
        confirm_by: str | None,
        nonce: str | None = None,
        username: str | None = None,
    ) -> Login:
        """Store the account and complete the login, if nobody was faster.

        With ``confirm_by`` it is held instead, until the browser that has the proof of that digest
        says yes. UserMismatch: it belongs to somebody else than was asked for. ProviderError: its
        ID token is not to be believed. Nothing is stored then.
        """
        account = self.account(request, party, answer, nonce=nonce, username=username)
        if confirm_by is not None:
            return self._logins.hold(login.id, account, confirm_by)
        return self.store(login.id, party, account)

    def keep_account(self, login_id: str, party: Party, account: Account) -> Login:
        """Store an account that says nothing of its person, and complete its login."""
        self._admit(account, party, lambda _: None)
        return self.store(login_id, party, account)

    def store(self, login_id: str, party: Party, account: Account) -> Login:
        """Store an account that was admitted, and complete its login, if nobody was faster."""
        if not self._logins.claim(login_id, account):
            self.give_back(lambda: party, account)
            return self._logins.get(login_id)
        try:
            self._tokens.keep(account)
        except LoginFailed as error:  # the store knows of others: one of them was faster
            return self._logins.end(login_id, "failed", error, claimed=True)
        return self._logins.end(login_id, "complete")

    def give_back(
        self, find_party: Callable[[], Party], account: Account, *, wait: bool = True
    ) -> None:
        """Revoke what was granted to nobody.

        Not where an account that is kept, or may be yet, is of the same grant: many providers end
        all of it, whichever of its tokens they get (RFC 7009 2.1).
        """
        kept: list[Account | AccountInfo] = [*self._tokens.accounts(), *self._logins.held()]
        if not any(account.may_share_grant(each) for each in kept):
            (self._revoker.revoke if wait else self._revoker.give_back)(find_party, account)

    def account(
        self,
        request: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        *,
        nonce: str | None = None,
        token_endpoint: str | None = None,
        username: str | None = None,
    ) -> Account:
        """Whose tokens these are, as an account that does not rest anywhere yet. See ``keep``.

        ``username``: who it is where the provider does not say.
        """
        now = self._clock()
        asked = request.scopes or party.default_scopes
        sent = nonce if "openid" in asked else None
        claims = identity.verified_claims(party, answer, self._discovery, now=now, nonce=sent)
        who = identity.of(party, answer, claims)
        typed = None if who.subject or who.username else username
        account = Account(
            provider=request.key.provider,
            session_key=request.key.session_key,
            fingerprint=party.provider.fingerprint,
            access_token=answer.access_token,
            refresh_token=answer.refresh_token,
            id_token=answer.id_token,
            token_endpoint=token_endpoint,
            # RFC 6749 5.1: a scope left out is the scope that was asked for.
            scopes=tuple(asked) if answer.scopes is None else answer.scopes,
            asked=tuple(asked),
            issued_at=now,
            expires_at=answer.ends(now),
            issuer=party.endpoints.issuer,
            subject=who.subject,
            username=who.username or typed,
            vouched=who.vouched or typed is not None,
            email=who.email,
            signed_in_at=now,
        )
        if request.username and request.username not in account.names:
            self.give_back(lambda: party, account)
            raise _mismatch(party.provider.title, request.username, account)
        try:
            self._admit(account, party, functools.partial(identity.claim, party, answer, who))
        except UserMismatch:
            self.give_back(lambda: party, account)
            raise
        return account


def _mismatch(title: str, wished: str, account: Account) -> UserMismatch:
    if wished != account.username:
        return UserMismatch(
            f"{account.username or 'Someone else'} signed in to {title}, not {wished}.",
            hint="Nothing was stored. Sign out at the provider, then sign in as the right one.",
        )
    return UserMismatch(
        f"{wished!r} is a name that people may choose themselves at {title}, so it does not say who"
        " signed in. Nothing was stored.",
        hint=f"Use username={account.subject!r}, the provider's own id of this person, or configure"
        " `username_claim` with a claim that people cannot change.",
    )
