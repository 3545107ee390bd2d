"""Who keeps the accounts: the broker of this Jupyter server, or an engine of this process."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError, ProviderNotFound
from jupyter_auth.kernel.broker.missing_extension import missing_extension
from jupyter_auth.kernel.broker.watcher import watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountKey
    from jupyter_auth.core.provider.provider import Provider, ProviderInfo
    from jupyter_auth.kernel.broker.broker_client import BrokerClient
    from jupyter_auth.kernel.broker.hub_transport import ServiceAddress

__all__ = ["BrokerClient", "account_key", "connect", "default_provider", "use", "watch"]

CONNECTION_VARIABLE = "JUPYTER_AUTH_CONNECTION"
SERVICE_VARIABLE = "JUPYTER_AUTH_URL"

# Calls whose first argument is a provider's name.
NAMING = frozenset(
    {"provider", "configuration", "examine", "begin", "token", "id_token", "logout"}
    | {"client_token", "client_logout", "import_accounts"}
)


class _Here:
    """The broker while its door answers, else an engine of this process on the same store.

    Passes everything on to the one that is there now; which one may change with any call. The name
    of a provider that was made in this process means that one, and here alone.
    """

    def __init__(self, client: BrokerClient | None, *, may_leave: bool) -> None:
        self._client = client
        self._may_leave = may_leave
        self._left = False  # whether there was a broker that is gone
        self._advised = False
        self._engine: Any = None
        self._registered: dict[str, Provider] = {}  # what was made here, by what calls name it by
        self._named: dict[str, ProviderInfo] = {}  # what the names of some of them mean
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return repr(self._client or self._engine or "an engine of this process")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._of_provider(name) if name in NAMING else self._there(name)

    def _there(self, name: str) -> Any:
        client = self._client
        if client is None:
            return self._own(name)
        method = getattr(client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except BrokerUnavailable as error:
                # Who waits for changes has this broker's numbers, which mean nothing to an engine.
                if name == "changes" or not self._may_leave or client.answers():
                    raise
                forget_locals(error)
            self._leave(client)
            return self._own(name)(*args, **kwargs)

        return call

    def _own(self, name: str) -> Any:
        method = getattr(self._own_engine(), name)
        if not self._left:
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except ProviderNotFound as error:
                raise BrokerUnavailable(
                    f"{error.message} The Jupyter server may have known it, and is gone.",
                    hint="Start it anew, then restart this kernel.",
                ) from None

        return call

    def _of_provider(self, name: str) -> Any:
        """The method, for what a name means here; a broker that forgot that is told again."""
        method = self._there(name)

        def call(provider: str | None = None, *args: Any, **kwargs: Any) -> Any:
            key = self._meant(provider)
            if name == "logout" and key in self._registered:  # to be revoked it has to be known
                self._tell(key)
            try:
                return method(key, *args, **kwargs)
            except ProviderNotFound:
                if key not in self._registered:
                    raise
            return method(self._tell(key), *args, **kwargs)

        return call

    def _meant(self, name: Any) -> Any:
        info = self._named.get(name)
        return info.name if info else name

    def _tell(self, key: str) -> str:
        return str(self._there("register")(self._registered[key]).name)

    def register(self, provider: Provider) -> ProviderInfo:
        """As ``Accounts.register``; its name means this one here from now on."""
        info = self.register_unnamed(provider)
        self._named.pop(provider.name, None)
        if info.name != provider.name:
            self._named[provider.name] = info
        return info

    def register_unnamed(self, provider: Provider) -> ProviderInfo:
        """The same, but its name goes on to mean what it meant."""
        info: ProviderInfo = self._there("register")(provider)
        self._registered[info.name] = provider
        return info

    def add(self, name: str, fields: Mapping[str, Any]) -> ProviderInfo:
        """As ``Accounts.add``; the name means what was written down from now on."""
        info: ProviderInfo = self._there("add")(name, fields)
        self._named.pop(name, None)
        return info

    def providers(self) -> list[ProviderInfo]:
        """As ``Accounts.providers``, with what the names of those made here mean here."""
        known = {info.name: info for info in self._there("providers")()} | self._named
        return [known[name] for name in sorted(known)]

    def _leave(self, client: BrokerClient) -> None:
        with self._lock:
            if self._client is None:
                return
            self._client, self._left = None, True
        client.close()
        _say(
            "The Jupyter server's token broker is gone; this process goes on by itself with the "
            "same accounts."
        )

    def _own_engine(self) -> Any:
        if self._pid != os.getpid():  # locks of the parent may be held for ever here
            self._lock, self._engine, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._engine is None:
                from jupyter_auth.core.local_engine import LocalAccounts
                from jupyter_auth.core.provider.registry import Providers, user_file
                from jupyter_auth.core.tokens.store import FileStore

                providers = Providers(user_file=user_file(), environ=os.environ, own_process=True)
                for name, provider in list(self._registered.items()):
                    if providers.register(provider).name != name == provider.name:
                        providers.configure(provider)  # it was one of the server's own
                self._engine = LocalAccounts(
                    providers, FileStore(), home=Path.home(), environ=os.environ
                )
                self._advise()
            return self._engine

    def _advise(self) -> None:
        if not self._advised and not self._left and (advice := missing_extension()):
            _say(" ".join(advice))
        self._advised = True

    @property
    def alone(self) -> bool:
        """Whether it is an engine of this process."""
        return self._client is None


def _say(text: str) -> None:
    sys.stderr.write(f"jupyter_auth: {text}\n")


_made: dict[tuple[str | ServiceAddress, str], _Here] = {}


def connect(environ: Mapping[str, str] | None = None) -> Accounts:
    """Whoever keeps the accounts: the broker of this Jupyter server, else an engine of our own.

    The same object each time in one environment. Where a Hub's service is configured and this
    server has no door to it, the service is asked itself. BrokerUnavailable: there is a broker
    that must not or cannot be used.
    """
    environ = os.environ if environ is None else environ
    file, service = environ.get(CONNECTION_VARIABLE, ""), environ.get(SERVICE_VARIABLE, "")
    place = _service(environ) if service and not file else file
    if (place, service) not in _made:
        here = _Here(_client(place), may_leave=not service)
        # Another thread may have been faster: then its object is the one.
        _made.setdefault((place, service), here)
    return cast("Accounts", _made[place, service])


def alone(accounts: Accounts) -> bool:
    """Whether they are kept in this process: a login has no page of a server then."""
    return isinstance(accounts, _Here) and accounts.alone


def _service(environ: Mapping[str, str]) -> ServiceAddress:
    from jupyter_auth.kernel.broker.hub_transport import service_address

    return service_address(environ)


def _client(place: str | ServiceAddress) -> BrokerClient | None:
    if not place:
        return None
    if isinstance(place, str):
        from jupyter_auth.kernel.broker.broker_client import BrokerClient

        return BrokerClient(Path(place))
    from jupyter_auth.kernel.broker.hub_transport import ServiceClient

    return ServiceClient(place)


def __getattr__(name: str) -> Any:
    """``BrokerClient``, imported when it is first used: importing a session stays cheap."""
    if name != "BrokerClient":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from jupyter_auth.kernel.broker.broker_client import BrokerClient

    return BrokerClient


def account_key(
    accounts: Accounts, provider: str, session_key: str, username: str | None
) -> AccountKey:
    """Which account that is: people who are asked for by name live side by side.

    With a ``username`` and no ``session_key`` it is that person's account, whatever its key, the
    default one first; where there is none yet, its key will be the user name, or near it.
    """
    from jupyter_auth.core.common.session_key import DEFAULT_KEY
    from jupyter_auth.core.models import AccountKey

    if username is None or session_key != DEFAULT_KEY:
        return AccountKey(provider, session_key)
    there = {each.key: each for each in accounts.accounts() if each.provider == provider}
    theirs = [key for key, account in there.items() if account.belongs_to(username)]
    if theirs:
        default = AccountKey(provider)
        return default if default in theirs else theirs[0]
    others = itertools.chain([username], (f"{username}-{n}" for n in itertools.count(2)))
    return next(key for key in (AccountKey(provider, each) for each in others) if key not in there)


_chosen: list[str] = []  # the provider of this process, once somebody chose one


def use(accounts: Accounts, name: str) -> ProviderInfo:
    """Make it the provider of this process where none is named. ProviderNotFound."""
    info = accounts.provider(name)
    _chosen[:] = [plain(info.name)]
    return info


def default_provider(accounts: Accounts) -> str:
    """The name of the provider to use where none is named: the one chosen, or the only one.

    ConfigurationError: there is none, or there are several; it shows the line to write.
    """
    if _chosen:
        return _chosen[0]
    configured = getattr(accounts, "default", None)  # a broker may have been told one
    if configured and (name := configured()):
        return str(name)
    from jupyter_auth.core.provider.provider import configured_names

    known = accounts.providers()
    names = configured_names(known)
    names = names or [plain(info.name) for info in known if info.source == "code"]
    if len(names) == 1:
        return names[0]
    if names:
        raise ConfigurationError(
            f"Several providers are configured: {', '.join(names)}.",
            hint=f"Name one, as in `UserSession({names[0]!r})` or `%auth login {names[0]}`.",
        )
    raise ConfigurationError(
        "No provider is configured, and none is named.",
        hint='Name one, as in `UserSession("github")`, or add your own with `%auth add`.',
    )


def register_unnamed(accounts: Accounts, provider: Provider) -> ProviderInfo:
    """As ``Accounts.register``, but what its name means in this process stays as it is."""
    if isinstance(accounts, _Here):
        return accounts.register_unnamed(provider)
    return accounts.register(provider)
