"""Accounts whose tokens are made of another account's (``Provider.exchange``).

Their tokens are in memory alone, and are made again where others are refreshed. Such an account is
there for as long as its source is: the account of the other provider under the same session key.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginRequired, ProviderError
from jupyter_auth.core.models import Account, AccountInfo, AccountKey
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens import lifetimes
from jupyter_auth.core.tokens.account_tokens import AccountTokens
from jupyter_auth.core.tokens.need import ANY, Need
from jupyter_auth.core.tokens.next_steps import how_to_sign_in
from jupyter_auth.core.tokens.resource_tokens import NO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from jupyter_auth.core.models import LoginRequest, Token
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.secret import Secret

_OF_PERSON = ("issuer", "subject", "username", "vouched", "email", "signed_in_at")


class _Made(NamedTuple):
    account: Account
    of: tuple[object, ...]  # which sign-in to the source


class ExchangedTokens(AccountTokens):
    """The accounts of a store, and those that are made of their tokens.

    ``exchange`` asks the provider for a token; ``give_back`` revokes one that is not kept.
    """

    def __init__(
        self,
        *given: Any,
        providers: Providers,
        exchange: Callable[[Provider, Secret], TokenResponse],
        give_back: Callable[[Account], None],
    ) -> None:
        super().__init__(*given)
        self._providers = providers
        self._exchange = exchange
        self._give_back = give_back
        self._made: dict[AccountKey, _Made] = {}
        self._left: dict[AccountKey, float] = {}  # signed out of, for that sign-in to the source

    def sign_in(self, asked: LoginRequest) -> tuple[LoginRequest, str]:
        """The request for the account that a person signs in to, and what for: "" for itself."""
        if (provider := self._exchanging(asked.provider)) is None or provider.exchange is None:
            return asked, ""
        there = provider.exchange.source
        challenge = replace(asked.challenge, scopes=(), claims="")  # which only its own API knows
        asked = replace(asked, provider=there, scopes=(), resource="", challenge=challenge)
        return asked, f"This sign-in is for {provider.title}."

    def source_of(self, key: AccountKey) -> AccountKey:
        """The account whose sign-in that one lives by: the source, or itself."""
        provider = self._exchanging(key.provider)
        there = provider and provider.exchange and provider.exchange.source
        return replace(key, provider=there) if there else key

    def living_by(self, key: AccountKey) -> list[AccountKey]:
        """The account, and those that are made of it."""
        return [key, *self._made_of(key)]

    @override
    def load(self, provider: Provider, key: AccountKey) -> Account | None:
        if provider.exchange is None:
            return super().load(provider, key)
        source, made = self._source(provider, key), self._made.get(key)
        if source is None or made is None or made.of != _sign_in_of(source):
            return None
        return made.account if made.account.fingerprint == provider.fingerprint else None

    @override
    def accounts(self) -> list[AccountInfo]:
        found = {info.key: info for info in super().accounts()}
        for provider in self._all_exchanging():
            keys = [AccountKey(provider.name, each.session_key) for each in found]
            made = {key: info for key in keys if (info := self._info(provider, key, found))}
            found |= made
        return [found[key] for key in sorted(found)]

    @override
    def account(self, key: AccountKey) -> AccountInfo | None:
        if (provider := self._exchanging(key.provider)) is None or provider.exchange is None:
            return super().account(key)
        at = AccountKey(provider.exchange.source, key.session_key)
        source = super().account(at)
        return self._info(provider, key, {at: source} if source else {})

    def _info(
        self, provider: Provider, key: AccountKey, sources: dict[AccountKey, AccountInfo]
    ) -> AccountInfo | None:
        assert provider.exchange  # noqa: S101 (checked by the caller)
        source = sources.get(AccountKey(provider.exchange.source, key.session_key))
        if source is None or source.kind != "bearer" or self._has_left(key, source.signed_in_at):
            return None
        try:
            account = self.load(provider, key)
        except ConfigurationError:  # the source's provider is broken, or no longer for this person
            return None
        over = source.over(self._clock())
        info = replace(
            source,
            provider=key.provider,
            scopes=account.scopes if account else provider.scopes,
            asked=provider.scopes,
            expires_at=account.expires_at if account else source.expires_at if over else None,
            refreshes=not over,
            warning="",
        )
        return self._with_trouble(info)

    @override
    def drop(
        self, key: AccountKey, before: Callable[[Account], None] | None = None
    ) -> tuple[Account | None, str]:
        if (provider := self._exchanging(key.provider)) is not None:
            kept, why = super().drop(key, before)  # before its tokens were exchanged ones
            return self._leave(provider, key) or kept, why
        made = [*filter(None, (self._forget(each) for each in self._made_of(key)))]
        dropped = super().drop(key, before)
        for account in made if before else ():
            self._give_back(account)
        return dropped

    def _leave(self, provider: Provider, key: AccountKey) -> Account | None:
        """Sign out of an exchanged account alone, until the next sign-in to its source."""
        source = self._source(provider, key)
        if source is None:
            return None
        self._left[key] = source.signed_in_at
        account = self._forget(key) or _of_person(provider, key, source, access_token=NO_TOKEN)
        self._changed("removed", key)
        return account

    def _forget(self, key: AccountKey) -> Account | None:
        self._forget_failures(key)
        made = self._made.pop(key, None)
        return made.account if made else None

    @override
    def _changed(self, kind: Literal["account", "removed"], key: AccountKey) -> None:
        super()._changed(kind, key)
        for each in self._made_of(key):  # kernels let go of its token, too
            super()._changed(kind, each)

    @override
    def _will_do(self, account: Account, provider: Provider, need: Need) -> bool:
        if provider.exchange is None:
            return super()._will_do(account, provider, need)
        return lifetimes.meets(account, provider, need, self._clock(), renewable=True)

    @override
    def _renewed(self, provider: Provider, key: AccountKey, need: Need) -> Token:
        if provider.exchange is None:
            return super()._renewed(provider, key, need)
        if need.resource:
            raise ConfigurationError(
                f"{provider.title} exchanges tokens for one API, and not for {need.resource:.80}.",
                hint="Configure another provider with an `exchange` for that API.",
            )
        before, source = self.load(provider, key), self._source(provider, key)
        if before and (self._will_do(before, provider, need) or self._pausing(before, need)):
            return lifetimes.as_token(before, provider)
        if source is None:
            raise self._not_signed_in(provider, key)
        fresh = self._exchanged(provider, key, source)
        self._made[key] = _Made(fresh, _sign_in_of(source))
        if self.load(provider, key) is None:  # the source has been signed out of, or in to again
            self._forget(key)
            if self._source(provider, key) is None:  # else revoking might end the new grant
                self._give_back(fresh)
            return self._renewed(provider, key, need)
        self._note_renewal(key, need, before, fresh)
        super()._changed("account", key)
        return lifetimes.as_token(fresh, provider)

    def _exchanged(self, provider: Provider, key: AccountKey, source: Account) -> Account:
        from jupyter_auth.core.protocol.oauth import SubjectRefused

        subject = self._subject(provider, source.key)
        try:
            answer = self._exchange(provider, subject)
        except SubjectRefused:  # perhaps it was revoked: a refresh shows that
            if source.refresh_token is None:
                raise
            again = self._subject(provider, source.key, renewed=True)
            if again == subject:
                raise
            answer = self._exchange(provider, again)
        now = self._clock()
        return _of_person(
            provider,
            key,
            source,
            access_token=answer.access_token,
            scopes=provider.scopes if answer.scopes is None else answer.scopes,
            issued_at=now,
            expires_at=answer.ends(now),
            token_fields=answer.fields,
        )

    def _subject(self, provider: Provider, at: AccountKey, *, renewed: bool = False) -> Secret:
        """The source's token to exchange, refreshed if it is due."""
        assert provider.exchange  # noqa: S101 (checked by the caller)
        theirs = self._providers.get(at.provider)
        token = self.token(theirs, at, ANY)
        if renewed:
            token = self.token(theirs, at, Need(rejected=token.digest))
        if provider.exchange.subject_token == "access_token":  # noqa: S105 (no secret)
            return token.access_token
        account = self.load(theirs, at)
        if account is None or account.id_token is None:
            raise ProviderError(
                f"{theirs.title} sent no ID token to exchange.",
                hint='Request the scope `openid` there, or set `subject_token = "access_token"`.',
            )
        return account.id_token

    def _not_signed_in(self, provider: Provider, key: AccountKey) -> LoginRequired:
        assert provider.exchange  # noqa: S101 (checked by the caller)
        source = AccountKey(provider.exchange.source, key.session_key)
        left = super().account(source)
        if left and self._has_left(key, left.signed_in_at):
            said = f"You signed out of {key}."
            return LoginRequired(said, next_step=how_to_sign_in(key))
        return LoginRequired(
            f"You're not signed in to {source}, whose token {provider.title} exchanges.",
            next_step=how_to_sign_in(source),
        )

    def _source(self, provider: Provider, key: AccountKey) -> Account | None:
        """The account whose token is exchanged; None if there is none, or this one was left."""
        assert provider.exchange  # noqa: S101 (checked by the caller)
        theirs = self._providers.get(provider.exchange.source)
        source = super().load(theirs, AccountKey(theirs.name, key.session_key))
        if source is None or source.kind != "bearer" or self._has_left(key, source.signed_in_at):
            return None
        return source

    def _has_left(self, key: AccountKey, signed_in_at: float) -> bool:
        return self._left.get(key) == signed_in_at

    def _exchanging(self, name: str) -> Provider | None:
        """The provider of that name, if its tokens are exchanged ones."""
        with suppress(AuthError):  # a broken one, which its use says; or they cannot be read now
            provider = None if is_handle(name) else self._providers.get(name)
            return provider if provider and provider.exchange else None
        return None

    def _all_exchanging(self) -> Iterator[Provider]:
        names = set[str]()
        with suppress(AuthError):
            names = self._providers.having("exchange")
        for name in sorted(names):
            if provider := self._exchanging(name):
                yield provider

    def _made_of(self, source: AccountKey) -> list[AccountKey]:
        """The accounts that are made of that one."""
        return [
            AccountKey(each.name, source.session_key)
            for each in self._all_exchanging()
            if each.exchange and each.exchange.source == source.provider
        ]


def _sign_in_of(source: Account) -> tuple[object, ...]:
    return source.fingerprint, source.person, source.signed_in_at


def _of_person(provider: Provider, key: AccountKey, source: Account, **token: Any) -> Account:
    """An account of the source's person."""
    who = {name: getattr(source, name) for name in _OF_PERSON}
    given: dict[str, Any] = {"issued_at": source.signed_in_at, "asked": provider.scopes}
    given |= {"provider": key.provider, "session_key": key.session_key, **who, **token}
    return Account(fingerprint=provider.fingerprint, **given)
