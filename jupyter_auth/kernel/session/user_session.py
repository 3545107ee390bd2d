"""``UserSession``: a user's ``requests.Session``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import requests

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.arguments import check_arguments, words
from jupyter_auth.kernel.broker.connect import (
    chosen_provider,
    connect,
    name_of,
    provider_of,
    token_of,
)
from jupyter_auth.kernel.http.origin_bound import api_at, base_url_of
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.session.base import AuthenticatedSession
from jupyter_auth.kernel.session.sign_in import UserAccountOptions
from jupyter_auth.kernel.session.user_account import UserAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.kernel.prompt.widget import AccountWidget
    from jupyter_auth.kernel.session.base import Bundles
    from jupyter_auth.kernel.session.by_origin import ByOrigin


class RequestOptions(NamedTuple):
    """The arguments of ``UserSession`` that say where requests and the token go."""

    base_url: str | None = None
    api_origins: tuple[str, ...] = ()
    by_origin: ByOrigin | None = None  # if no provider is named

    @property
    def own_origin(self) -> tuple[str, ...]:
        """The origin of ``base_url``, which the token may go to; ConfigurationError if unsafe."""
        if not self.base_url:
            return ()
        return (origin_of(require_secure(self.base_url, "base_url")),)


class UserSession(AuthenticatedSession):
    """A ``requests.Session`` that is signed in to one account, and stays signed in.

    If you are not signed in yet, it shows a link and waits until you are. Requests to the
    provider's API carry the access token, which is renewed when it expires.

    Args:
        provider: its name, such as ``"github"``, the address of an API that says where to sign in,
            such as ``"https://mcp.acme.example/mcp"``, or a ``Provider``. Default: the one set with
            ``%auth use``, else the only one configured. Without it, requests to other URLs (or to
            all, if there is no default) use the account for their origin, unless another argument
            describes one account.
        session_key: a label for the account, if you use several at one provider.
        auth_force: sign in again even if an account is signed in.
        username: use this user's account, whose label need not be known.
        scopes: scopes that the account must have been granted.
        api_origins: where the token may be sent, in place of the provider's own origins.
        base_url: what relative URLs are joined to (RFC 3986 5.2), in place of the provider's.
        grant: the sign-in method, such as ``"device_code"``. Default: the provider's preferred.
        interactive: whether you can be asked to sign in. Default: found out.
        timeout: seconds to wait for the sign-in; None: without end.
        resource: the identifier of another API of the provider's, such as
            ``"https://vault.azure.net"``: the session has its token, origins and base URL.
        password: in a script without a Jupyter server, a function that returns the password of
            ``username``. It is called when a sign-in is needed; the password is not stored.

    Raises:
        LoginRequired: a sign-in is needed, and cannot be asked for or was not done in time. It is a
            RefreshRejected if the provider refused to renew the last one.
        LoginDenied, LoginExpired, LoginCancelled, LoginFailed: how the sign-in ended.
        InsufficientScope: the provider did not grant all ``scopes``; or, on a request, the API
            demands more, and you cannot be asked.
        ConfigurationError: there is no such provider, or an argument is wrong.
        ProviderUnavailable, BrokerUnavailable: try again.
        UserMismatch: another person than ``username`` signed in; or, on a request, has signed in to
            the account since: nothing was sent, and ``authenticate()`` accepts them. Requests raise
            all the others too.
    """

    _account: UserAccount

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
        resource: str = "",
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
            resource=resource,
        )
        accounts = connect()
        literal = password is not None and not callable(password)
        password = None if literal else password  # kept out of tracebacks that show local variables
        self._made_of: dict[str, Any] | None = None
        flags = (auth_force or None, resource or None)
        of_one = (username, scopes, api_origins, base_url, grant, password, *flags)
        by_origin = None
        if provider is None and all(each is None for each in of_one):
            from jupyter_auth.kernel.session.by_origin import ByOrigin

            options = UserAccountOptions(session_key, interactive=interactive, timeout=timeout)
            by_origin = ByOrigin(options)
            provider = chosen_provider(accounts)
            if provider is None:
                self._set_up(None, options, RequestOptions(by_origin=by_origin))
                return
        if provider is None or isinstance(provider, str):
            info = provider_of(accounts, provider)
        else:
            info = accounts.register(provider)
            self._made_of = _fields(provider)
        if password or literal:
            from jupyter_auth.kernel.prompt.terminal_forms import check_password

            check_password(accounts, info, username, literal=literal)
        options = UserAccountOptions(
            session_key, username, words(scopes), grant, interactive, timeout, password=password
        )
        requests_to = RequestOptions(base_url, words(api_origins), by_origin)
        if (api := api_at(info, resource)).resource:
            options = options._replace(resource=api.resource)
            origins = requests_to.api_origins or api.origins
            base_url = base_url or base_url_of(accounts, info, api)
            requests_to = RequestOptions(base_url, origins)
        self._set_up(info, options, requests_to)
        try:
            self._account.ensure(force=auth_force)
            if info.to_fill_in:  # the person has just said where it is
                options = options._replace(person=self._account.tokens.person)
                self._set_up(accounts.provider(info.name), options, requests_to)
        except (AuthError, KeyboardInterrupt) as error:
            raise error.with_traceback(None)  # noqa: B904 (without a screen of our own code)

    def _set_up(
        self, info: ProviderInfo | None, options: UserAccountOptions, requests_to: RequestOptions
    ) -> None:
        """Use the account at that provider, if any, and those that are found by origin."""
        self._requests_to = requests_to
        by_origin = requests_to.by_origin
        self._widget: AccountWidget | None = None
        if info:
            self._account = UserAccount(connect(), info, options)
            own = () if options.resource else info.api_origins
            origins = requests_to.api_origins or (*own, *requests_to.own_origin)
            self._bind(self._account, base_url=requests_to.base_url, origins=origins)
            self._account.moved = self._limits.move
        elif by_origin:
            self._send_by(TokenAuth(by_origin, origins=()))
        cast("TokenAuth", self.auth).others = by_origin

    def __getattr__(self, name: str) -> Any:
        """Without a provider, these are the parts of the account that is meant."""
        by_origin = vars(self).get("_requests_to", RequestOptions()).by_origin
        if by_origin is None or name not in {"_account", "_base_url", "_base_url_from", "_limits"}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        meant = by_origin.meant()
        return {
            "_account": meant.account,
            "_base_url": meant.account.info.base_url,
            "_base_url_from": meant.account.info.base_url_from,
            "_limits": meant.limits,
        }[name]

    @override
    def _bundles(self) -> Bundles:
        own = super()._bundles() if "_account" in vars(self) else []
        by_origin = self._requests_to.by_origin
        others = by_origin.used if by_origin else []
        return own + [(x.account.info, x.auth.allows) for x in others if x.account.info.ca_bundle]

    def _ipython_display_(self) -> None:
        """Show the account's widget where it can be used; else IPython shows the repr.

        It is always the same widget, and begins a sign-in only at a click.
        """
        from jupyter_auth.kernel.prompt.front_end import in_notebook, is_interactive

        if "_account" not in vars(self) or not (in_notebook() and is_interactive()):
            raise NotImplementedError  # to IPython: show the repr
        from IPython.display import display

        if self._widget is None or self._widget.comm is None:  # closed
            try:
                self._widget = self._account.widget()
            except AuthError:
                raise NotImplementedError from None  # the repr says why
        self._widget.session_key = self.session_key  # it may have changed
        display(self._widget)  # type: ignore[no-untyped-call]

    def __reduce__(self) -> tuple[Any, ...]:
        info, options = None, UserAccountOptions()
        if account := vars(self).get("_account"):
            info = account.info
            options = account.options._replace(person=account.tokens.person, password=None)
        made_of = (info, options, self._requests_to, self._made_of)
        return _restored, (type(self), *made_of), self._kept()


def session_of(info: ProviderInfo, options: UserAccountOptions) -> UserSession:
    """The session of an account that is signed in already: nothing is asked or printed."""
    return _restored(UserSession, info, options, RequestOptions(), None)


def token(provider: str | None = None, session_key: str = "default", *, resource: str = "") -> str:
    """A valid access token for other HTTP clients, as a ``str`` with a masked repr.

    Args:
        provider: its name, or the address of the API. Default: the only one configured, or the one
            set with ``%auth use``.
        session_key: the account's label.
        resource: the identifier of another API of the provider's, for a token for that.

    Raises:
        LoginRequired: you are not signed in; this function never asks you to.
        ConfigurationError, ProviderUnavailable, BrokerUnavailable: as ``UserSession``.
    """
    check_arguments(provider=provider, session_key=session_key, resource=resource)
    accounts = connect()
    found = token_of(accounts, name_of(accounts, provider), session_key, resource)
    return MaskedStr(found.bearer.reveal())


def _restored(
    kind: type[UserSession],
    info: ProviderInfo | None,
    options: UserAccountOptions,
    requests_to: RequestOptions,
    made_of: dict[str, Any] | None,
) -> UserSession:
    if made_of:  # a provider defined in code, perhaps in another process
        from jupyter_auth.core.provider.definitions import provider_from_mapping

        with suppress(AuthError):
            made = provider_from_mapping(made_of["name"], made_of)
            info = connect().register_unnamed(made)
    session = kind.__new__(kind)
    requests.Session.__init__(session)
    session._set_up(info, options, requests_to)  # noqa: SLF001
    session._made_of = made_of  # noqa: SLF001
    return session


def _fields(provider: Provider) -> dict[str, Any] | None:
    """What a pickle can make it of in another process; None if it has a client secret."""
    if provider.client_secret:
        return None
    from jupyter_auth.core.provider.definitions import provider_to_mapping

    return provider_to_mapping(provider)
