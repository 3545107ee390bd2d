"""The last step of every grant: tokens become a stored account, and its login is complete."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from jupyter_auth.core.errors import (
    START_AGAIN,
    AuthError,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    UserMismatch,
)
from jupyter_auth.core.models import Account
from jupyter_auth.core.protocol import identity, oauth
from jupyter_auth.core.protocol.parties import OFFLINE
from jupyter_auth.core.provider import resources
from jupyter_auth.core.tokens import resource_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.login.admission import Admission
    from jupyter_auth.core.login.login_store import LoginPurpose
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import AccountInfo, Login, ResourceToken
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.tokens.account_tokens import AccountTokens
    from jupyter_auth.core.tokens.revocation import Revoker

Answer = TypeVar("Answer")
_log = logging.getLogger("jupyter_auth")


class FindParty(Protocol):
    """A provider by its name; ``client_id``: of the client that registered itself there."""

    def __call__(self, name: str, client_id: str | None = None) -> Party:
        """See ``Parties.of``."""


class _ByAPI(NamedTuple):
    """A token response by the APIs that its tokens are for.

    ``answer`` is for ``resource``, "": the provider's own API. ``own`` are tokens for that, got
    after a sign-in for another one, ``others`` those that came with the answer.
    """

    answer: TokenResponse
    resource: str
    others: dict[str, ResourceToken]
    own: TokenResponse | None = None


class Completion:
    """Makes accounts of token responses. ``admit`` decides who may sign in; ``kept`` is called with
    each login once its account is stored.
    """

    def __init__(
        self,
        logins: Logins,
        tokens: AccountTokens,
        discovery: Discovery,
        revoker: Revoker,
        clock: Callable[[], float],
        *,
        admit: Admission,
        kept: Callable[[Login, Account], None] = lambda *_: None,
    ) -> None:
        self.logins = logins
        self._tokens = tokens
        self._discovery = discovery
        self._revoker = revoker
        self._clock = clock
        self._kept = kept
        self._admit = admit

    def attempt(self, login_id: str, step: Callable[[], Answer]) -> Answer:
        """What ``step`` returns. An unforeseen error ends the login: no cell waits for it.

        Raises:
            AuthError: as ``step``; the login stays open.
            LoginFailed: it has ended.
        """
        try:
            return step()
        except AuthError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, no cell is to wait for it)
            failed = unforeseen(error)
            self.logins.end(login_id, "failed", failed)
            raise failed from None

    def outcome(self, login_id: str, step: Callable[[], Login]) -> Login:
        """The login that ``step`` returns; an error of ``step`` ends the login."""
        try:
            return self.attempt(login_id, step)
        except LoginDenied as error:
            return self.logins.end(login_id, "denied", error)
        except LoginExpired as error:
            return self.logins.end(login_id, "expired", error)
        except AuthError as error:
            return self.logins.end(login_id, "failed", error)

    def keep(
        self,
        login: Login,
        purpose: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        *,
        confirm_by: str | None,
        nonce: str | None = None,
        username: str | None = None,
    ) -> Login:
        """Store the account and complete the login, unless another opening already did.

        With ``confirm_by`` the account is held until the browser with the proof of that digest
        confirms it; not after a silent sign-in, if this is certain to be the server's own user.

        Raises:
            UserMismatch, ProviderError: as ``account``; nothing is stored then.
        """
        account, certain = self._admitted(purpose, party, answer, nonce=nonce, username=username)
        if confirm_by is not None and not (purpose.onward and certain):
            return self.logins.hold(login.id, account, confirm_by)
        return self.store(login.id, party, account)

    def ending(self, login: Login) -> str:
        """See ``AccountInfo.ending``, of the account that a login made."""
        account = self._tokens.account(login.key)
        return account.ending if account else ""

    def keep_account(self, login_id: str, party: Party, account: Account) -> Login:
        """Store an account without claims about its person, and complete its login."""
        self._admit(account, party, lambda _: None)
        return self.store(login_id, party, account)

    def store(self, login_id: str, party: Party, account: Account) -> Login:
        """Store an admitted account and complete its login, unless another opening already did."""
        if not self.logins.claim(login_id, account):
            self.give_back(lambda: party, account)
            return self.logins.get(login_id)
        try:
            self._tokens.keep(account)
            self._kept(self.logins.get(login_id), account)
        except AuthError as error:  # on a shared store it became another user's
            return self.logins.end(login_id, "failed", error, claimed=True)
        except Exception as error:  # noqa: BLE001 (as above)
            return self.logins.end(login_id, "failed", unforeseen(error), claimed=True)
        return self.logins.end(login_id, "complete")

    def give_back(
        self, find_party: Callable[[], Party], account: Account, *, wait: bool = True
    ) -> None:
        """Revoke tokens that are not kept.

        Not where an account that is kept, or may be yet, is of the same grant: many providers end
        all of it, whichever of its tokens they get (RFC 7009 2.1).
        """
        kept: list[Account | AccountInfo] = [*self._tokens.accounts(), *self.logins.held()]
        if not any(account.may_share_grant(each) for each in kept):
            (self._revoker.revoke if wait else self._revoker.give_back)(find_party, account)

    def account(
        self,
        purpose: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        *,
        token_endpoint: str | None = None,
        username: str | None = None,
        handed_over: bool = False,
    ) -> Account:
        """The account, not stored yet. ``username``: used where the provider does not say.

        ``handed_over``: by another program, whose sign-in is not revoked if it is not admitted.

        Raises:
            UserMismatch: it belongs to another person than was asked for, or is not admitted.
            ProviderError: the ID token that was asked for is not valid.
        """
        more: dict[str, Any] = {"token_endpoint": token_endpoint, "username": username}
        return self._admitted(purpose, party, answer, **more, handed_over=handed_over)[0]

    def _admitted(
        self,
        purpose: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        *,
        nonce: str | None = None,
        token_endpoint: str | None = None,
        username: str | None = None,
        handed_over: bool = False,
    ) -> tuple[Account, bool]:
        """``account``, and the verdict of ``admit``."""
        now = self._clock()
        asked = asked_scopes(purpose, party)
        claims, answer = self._with_claims(purpose, party, answer, nonce, now)
        by_api = self._by_api(purpose, party, answer, claims, now)
        answer, own = by_api.answer, by_api.own
        told = party.without_userinfo if by_api.resource and not own else party
        who = identity.of(told, own or answer, claims, self._discovery)
        typed = None if who.subject or who.username else username
        account = Account(
            provider=purpose.key.provider,
            session_key=purpose.key.session_key,
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
            token_fields={**answer.redirect_fields, **answer.fields},
            client_id=party.registered.client_id if party.registered else None,
            issuer=claims.get("iss") or party.endpoints.issuer,
            subject=who.subject,
            username=who.username or typed,
            vouched=who.vouched or typed is not None,
            email=who.email,
            signed_in_at=now,
            resources=by_api.others,
        )
        try:
            if purpose.username and purpose.username not in account.names:
                raise _mismatch(party.provider.title, purpose.username, account)
            if purpose.onward and (before := self._tokens.account(purpose.key)):
                _check_same(party.provider.title, before, account)
            claim = functools.partial(identity.claim, told, own or answer, self._discovery, who)
            certain = self._admit(account, party, claim)
        except UserMismatch:
            if not handed_over:
                self.give_back(lambda: party, account)
            raise
        if by_api.resource:
            kept = _own_fields(own, party, now) if own else None
            account = resource_tokens.signed_in_for(account, by_api.resource, kept)
        return account, certain

    def _by_api(
        self,
        purpose: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        claims: dict[str, Any],
        now: float,
    ) -> _ByAPI:
        """Which API each token of the response is for; ``claims`` are the ID token's."""
        if party.provider.other_tokens:
            found, others = resource_tokens.told_apart(party.provider, answer, now)
            resource = "" if found else next(iter(others))
            own_only = found or dataclasses.replace(answer, refresh_token=None)  # for none but it
            answer = dataclasses.replace(own_only, id_token=answer.id_token)
        else:
            resource, others = "" if purpose.grant == "paste" else purpose.resource, {}
        if not resource or claims.get("sub"):
            return _ByAPI(answer, resource, others)
        own = self._own_tokens(party, answer)  # only the provider's own API says who it is
        if own:
            answer = dataclasses.replace(answer, refresh_token=own.refresh_token)
        return _ByAPI(answer, resource, others, own)

    def _with_claims(
        self,
        purpose: LoginPurpose,
        party: Party,
        answer: TokenResponse,
        nonce: str | None,
        now: float,
    ) -> tuple[dict[str, Any], TokenResponse]:
        """The ID token's verified claims, and the response, without an ID token that is not valid
        and was not asked for.
        """
        wanted = "openid" in asked_scopes(purpose, party)
        age = purpose.challenge.max_age if nonce else ""  # sent with it, by one grant
        try:
            claims = identity.verified_claims(
                party,
                answer,
                self._discovery,
                now=now,
                nonce=nonce if wanted else None,
                max_age=float(age) if age else None,
            )
        except AuthError:
            if wanted:
                raise
            return {}, dataclasses.replace(answer, id_token=None)
        return claims, answer

    def _own_tokens(self, party: Party, answer: TokenResponse) -> TokenResponse | None:
        """The tokens for the provider's own API, after a sign-in for another."""
        if answer.refresh_token is None:
            return None
        provider, asked = party.provider, party.default_scopes
        more = resources.refresh_parameters(provider, "", asked, provider.scope_separator or " ")
        with contextlib.suppress(AuthError):  # the sign-in is good all the same
            return oauth.refresh(party, answer.refresh_token, **more)
        return None


def _own_fields(own: TokenResponse, party: Party, now: float) -> dict[str, Any]:
    """An account's fields of the tokens for the provider's own API."""
    return {
        "access_token": own.access_token,
        "expires_at": own.ends(now),
        "asked": party.default_scopes,
        "scopes": own.scopes or party.default_scopes,
        "token_fields": own.fields,
    }


def asked_scopes(purpose: LoginPurpose, party: Party) -> tuple[str, ...]:
    """The scopes to request: those of the purpose, else the provider's for that resource."""
    standard = party.default_scopes
    return resources.scopes(party.provider, purpose.resource, standard, purpose.scopes)


def unforeseen(error: Exception) -> LoginFailed:
    """The end of a login whose completion raised ``error``: a bug of ours, or a broken machine.

    The log gets where it happened, and not its message, which could hold a token.
    """
    kind, places = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
    _log.error("A sign-in could not be completed: %s\n%s", kind, places)
    return LoginFailed(
        f"The sign-in could not be completed, by an unexpected error ({kind}).",
        hint="The log shows where it happened.",
        next_step=START_AGAIN,
    )


class GrantDriver:
    """Drives the logins of one grant. ``party``: a provider with its endpoints and client."""

    def __init__(self, completion: Completion, party: FindParty) -> None:
        self._completion = completion
        self.logins = completion.logins
        self._party = party

    def ending(self, login: Login) -> str:
        """See ``Completion.ending``."""
        return self._completion.ending(login)

    @staticmethod
    def without_offline_access(purpose: LoginPurpose, party: Party) -> tuple[str, ...]:
        """The scopes to try once more if they are refused; none if they were chosen.

        A provider may list that scope and yet not allow it to every client or person.
        """
        if purpose.scopes or party.provider.scopes or OFFLINE not in party.default_scopes:
            return ()
        return tuple(scope for scope in asked_scopes(purpose, party) if scope != OFFLINE)


def _check_same(title: str, before: AccountInfo, account: Account) -> None:
    """Raise UserMismatch if kernels would go on as another person, which no one has asked for."""
    if before.person != account.person:
        raise _mismatch(title, before.username or before.subject or "who signed in before", account)


def _mismatch(title: str, expected: str, account: Account) -> UserMismatch:
    if not account.username and not account.subject:
        return UserMismatch(
            f"{title} did not say who signed in, so it is not certain that this is {expected}."
            " Nothing was saved.",
            hint="Request openid among the scopes, or configure `username_url` and"
            " `username_claim` of the provider.",
        )
    if expected != account.username:
        return UserMismatch(
            f"{account.username or 'Someone else'} signed in to {title}, not {expected}.",
            hint=f"Nothing was saved. Sign out at the provider, then sign in as {expected}.",
        )
    return UserMismatch(
        f"People can choose the user name {expected!r} themselves at {title}, so it does not prove"
        " who signed in. Nothing was saved.",
        hint=f"Use username={account.subject!r}, the provider's id of this person, or configure"
        " `username_claim` with a claim that people cannot change.",
    )
