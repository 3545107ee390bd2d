"""The session: a ``requests.Session`` that is authenticated by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.arguments import check_arguments, words
from jupyter_auth.kernel.broker.connect import connect, default_provider
from jupyter_auth.kernel.session.base import AuthenticatedSession
from jupyter_auth.kernel.session.user_account import UserAccount, UserAccountOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jupyter_auth.core.provider.provider import Provider, ProviderInfo
    from jupyter_auth.kernel.prompt.widget import AccountWidget


class RequestOptions(NamedTuple):
    """Where a session's requests go, and its token: arguments of ``UserSession``."""

    base_url: str | None
    api_origins: tuple[str, ...]

    @property
    def own_origin(self) -> tuple[str, ...]:
        """Who names a base URL means that the token goes there. ConfigurationError: not safe."""
        if not self.base_url:
            return ()
        return (origin_of(require_secure(self.base_url, "base_url")),)


class UserSession(AuthenticatedSession):
    """A ``requests.Session`` for one account at ``provider``, signed in when it is made.

    Where nobody is signed in a link is shown and the sign-in waited for, up to ``timeout``
    seconds; ``auth_force`` asks for one in any case. ``username``: the account of this user, which
    rests beside those of others. ``scopes``: those it must have been granted. ``api_origins``:
    where the token goes, instead of the provider's own. ``grant``: the way in, where it is not the
    provider's preferred one (``"device_code"`` ...). ``base_url``: what relative URLs are joined to
    (RFC 3986 5.2). ``interactive``: whether a person can be asked; None: found out. ``password``:
    in a script without a Jupyter server, a function that returns the password of ``username``; it
    is called where that person would have to sign in, and what it returns is kept nowhere.

    LoginRequired: nobody is there to ask, or did it in time. LoginDenied, LoginExpired,
    LoginCancelled, LoginFailed: how the sign-in ended. ConfigurationError, ProviderUnavailable,
    BrokerUnavailable. Requests raise these too, when the sign-in has ended meanwhile; UserMismatch,
    with nothing sent, when the account has become another person's: ``authenticate`` accepts that.
    """

    def __init__(
        self,
        provider: str | Provider | None = None,
        *,
        session_key: str = "default",
        auth_force: bool = False,
        username: str | None = None,
        scopes: Sequence[str] | str | None = None,
        api_origins: Iterable[str] | str | None = None,
        base_url: str | None = None,
        grant: str | None = None,
        interactive: bool | None = None,
        timeout: float | None = 300,
        password: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        check_arguments(
            provider=provider,
            session_key=session_key,
            auth_force=auth_force,
            username=username,
            scopes=scopes,
            api_origins=api_origins,
            base_url=base_url,
            grant=grant,
            interactive=interactive,
            timeout=timeout,
        )
        accounts = connect()
        literal = password is not None and not callable(password)
        password = None if literal else password  # a traceback with local variables shows none
        self._made_of: dict[str, Any] | None = None
        if provider is None or isinstance(provider, str):
            info = accounts.provider(provider or default_provider(accounts))
        else:
            info = accounts.register(provider)
            self._made_of = _fields(provider)
        if password or literal:
            from jupyter_auth.kernel.prompt.terminal_forms import check_password

            check_password(accounts, info, username, literal=literal)
        wish = UserAccountOptions(
            session_key=session_key,
            username=username,
            scopes=words(scopes),
            grant=grant,
            interactive=interactive,
            timeout=timeout,
            password=password,
        )
        self._set_up(info, wish, RequestOptions(base_url, words(api_origins)))
        try:
            self._sign_in.ensure(force=auth_force)
        except (AuthError, KeyboardInterrupt) as error:
            raise error.with_traceback(None)  # noqa: B904 (in a cell: a screen of our own code)

    def _set_up(self, info: ProviderInfo, wish: UserAccountOptions, places: RequestOptions) -> None:
        self._sign_in = UserAccount(connect(), info, wish)
        self._places = places
        origins = places.api_origins or (*info.api_origins, *places.own_origin)
        self._hold(self._sign_in, base_url=places.base_url, origins=origins)
        self._sign_in.moved = self._limits.move
        self._widget: AccountWidget | None = None

    def _ipython_display_(self) -> None:
        """The account with its controls, where a person can use them; else IPython shows the repr.

        One widget for all times that it is shown; a sign-in begins only at a click.
        """
        from jupyter_auth.kernel.prompt.prompt import in_notebook, is_interactive

        if not (in_notebook() and is_interactive()):
            raise NotImplementedError  # which IPython takes for "as any object"
        from IPython.display import display

        from jupyter_auth.kernel.prompt.widget import AccountWidget

        if self._widget is None or self._widget.comm is None:  # closed
            wish = self._sign_in.wish
            try:
                self._widget = AccountWidget(
                    self._sign_in.key.provider,  # and no other that its name may mean by now
                    self.session_key,
                    username=wish.username,
                    scopes=wish.scopes or None,
                    grant=wish.grant,
                    begin=False,
                )
            except AuthError:
                raise NotImplementedError from None  # the repr says why
        self._widget.session_key = self.session_key  # which may be another by now
        display(self._widget)  # type: ignore[no-untyped-call]

    def __reduce__(self) -> tuple[Any, ...]:
        mine = self._sign_in
        wish = mine.wish._replace(person=mine.tokens.person, password=None)
        asked = (mine.info, wish, self._places, self._made_of)
        return _restored, (type(self), *asked), self._kept()


def session_of(info: ProviderInfo, wish: UserAccountOptions) -> UserSession:
    """The session of an account that was signed in to elsewhere: nothing is asked or said."""
    return _restored(UserSession, info, wish, RequestOptions(None, ()), None)


def token(provider: str | None = None, session_key: str = "default") -> str:
    """A valid access token, for other clients; its repr is masked. Nobody is asked to sign in.

    LoginRequired, ProviderUnavailable, ConfigurationError, BrokerUnavailable.
    """
    check_arguments(provider=provider, session_key=session_key)
    accounts = connect()
    found = accounts.token(provider or default_provider(accounts), session_key)
    return MaskedStr(found.bearer.reveal())


def _restored(
    kind: type[UserSession],
    info: ProviderInfo,
    wish: UserAccountOptions,
    places: RequestOptions,
    made_of: dict[str, Any] | None,
) -> UserSession:
    if made_of:  # a provider made in code, perhaps in another process
        from jupyter_auth.core.provider.definitions import provider_from_mapping

        with suppress(AuthError):
            made = provider_from_mapping(made_of["name"], made_of)
            info = connect().register_unnamed(made)
    session = kind.__new__(kind)
    requests.Session.__init__(session)
    session._set_up(info, wish, places)  # noqa: SLF001
    session._made_of = made_of  # noqa: SLF001
    return session


def _fields(provider: Provider) -> dict[str, Any] | None:
    """What a pickle can make it of in another process; a client secret goes nowhere."""
    if provider.client_secret:
        return None
    from jupyter_auth.core.provider.definitions import provider_to_mapping

    return provider_to_mapping(provider)
