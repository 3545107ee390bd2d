"""The broker while its socket answers, else an engine in this process on the same accounts."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.core.errors import BrokerUnavailable, NextStep, ProviderNotFound
from jupyter_auth.core.interfaces import Accounts
from jupyter_auth.core.pyodide import IN_PYODIDE
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.need import ANY, Need
from jupyter_auth.kernel.broker.missing_extension import missing_extension
from jupyter_auth.kernel.broker.neighbours import forward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.consent.store import Consent
    from jupyter_auth.core.local_engine import LocalAccounts
    from jupyter_auth.core.login.loopback.logins import LoopbackLogins
    from jupyter_auth.core.models import (
        AccountInfo,
        AccountKey,
        Changes,
        Imported,
        Login,
        LoginRequest,
        Logout,
        Token,
    )
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.kernel.broker.broker_client import BrokerClient
    from jupyter_auth.kernel.pyodide.page_accounts import PageAccounts

Answer = TypeVar("Answer")


class BrokerOrEngine(Accounts):
    """``Accounts`` of the broker while it answers, else of an engine in this process.

    The name of a provider defined in this process means that one, in this process only.
    """

    def __init__(self, client: BrokerClient | None, *, may_leave: bool) -> None:
        self._client = client
        self._may_leave = may_leave
        self._left = False  # whether the broker is gone
        self._elsewhere = ""  # then its machine, if that is another one
        self._advised = False
        self._engine: LocalAccounts | PageAccounts | None = None
        self._registered: dict[str, Provider] = {}  # defined here, by the name in calls
        self._named: dict[str, ProviderInfo] = {}  # by the name in code, where that differs
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return repr(self._client or self._engine or "an engine of this process")

    # Providers

    def providers(self, *, unregistered: bool = False) -> list[ProviderInfo]:
        from jupyter_auth.core.provider.info import in_order

        known = self._ask(lambda it: it.providers(unregistered=unregistered))
        return in_order(({each.name: each for each in known} | self._named).values())

    def provider(self, name: str) -> ProviderInfo:
        return self._ask_of(name, lambda it, key: it.provider(key))

    def configuration(self, name: str) -> Provider:
        return self._ask_of(name, lambda it, key: it.configuration(key))

    def register(self, provider: Provider) -> ProviderInfo:
        """As ``Accounts.register``; from now on its name means this one in this process."""
        info = self.register_unnamed(provider)
        self._named.pop(provider.name, None)
        if info.name != provider.name:
            self._named[provider.name] = info
        return info

    def register_unnamed(self, provider: Provider) -> ProviderInfo:
        info = self._ask(lambda it: it.register(provider))
        self._registered[info.name] = provider
        return info

    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        """As ``Accounts.add``; from now on the name means the one that was added."""
        info = self._ask(lambda it: it.add(name, fields, replace=replace))
        self._named.pop(name, None)
        return info

    def find(self, address: str) -> ProviderInfo:
        return self._ask(lambda it: it.find(address))

    def remove(self, name: str) -> Logout:
        """As ``Accounts.remove``."""
        gone = self._ask_of(name, lambda it, key: it.remove(key))
        self._named.pop(name, None)
        return gone

    def examine(self, name: str | None = None) -> list[Finding]:
        if name is None:
            return self._ask(lambda it: it.examine())
        return self._ask_of(name, lambda it, key: it.examine(key))

    def default(self) -> str | None:
        """As ``Accounts.default``; without one, the only provider defined in this process."""
        from jupyter_auth.core.provider.info import default_provider

        return self._ask(lambda it: it.default()) or default_provider(self.providers())

    # Logins

    def begin(self, request: LoginRequest) -> Login:
        return self._ask_of(
            request.provider, lambda it, key: it.begin(replace(request, provider=key))
        )

    def login(self, login_id: str) -> Login:
        return self._ask(lambda it: it.login(login_id))

    def logins(self) -> list[Login]:
        return self._ask(lambda it: it.logins())

    def cancel(self, login_id: str) -> Login:
        return self._ask(lambda it: it.cancel(login_id))

    def leave(self, login_id: str) -> Login:
        return self._ask(lambda it: it.leave(login_id))

    @property
    def local(self) -> LoopbackLogins | None:
        return None if self._client else self._own_engine().local

    def accounts(self) -> list[AccountInfo]:
        return self._ask(lambda it: it.accounts())

    def account(self, key: AccountKey) -> AccountInfo | None:
        return self._ask(lambda it: it.account(key))

    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        return self._ask_of(provider, lambda it, key: it.token(key, session_key, need))

    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        return self._ask_of(provider, lambda it, key: it.id_token(key, session_key))

    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        if (key := self._meant(provider)) in self._registered:  # it revokes only at known ones
            self._tell(key)
        return self._ask_of(provider, lambda it, key: it.logout(key, session_key, revoke=revoke))

    def allowed(self) -> list[Consent]:
        return self._ask(lambda it: it.allowed())

    def disallow(self, key: AccountKey, notebook: str) -> bool:
        return self._ask(lambda it: it.disallow(key, notebook))

    def import_accounts(self, provider: str) -> list[Imported]:
        return self._ask_of(provider, lambda it, key: it.import_accounts(key))

    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        return self._ask_of(
            provider, lambda it, key: it.client_token(key, session_key, need, scopes)
        )

    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        return self._ask_of(
            provider, lambda it, key: it.client_logout(key, session_key, revoke=revoke)
        )

    # Limits and changes

    def usage(self, seen: Limits) -> Limits:
        return self._ask(lambda it: it.usage(seen))

    def limits(self) -> list[Limits]:
        return self._ask(lambda it: it.limits())

    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        """As ``Accounts.changes``, of the broker alone: an engine counts differently."""
        return self._ask(lambda it: it.changes(since, wait), may_leave=False)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """As ``Engine.listen``, of the engine in this process."""
        return self._own_engine().listen(listener)

    def _ask(self, call: Callable[[Accounts], Answer], *, may_leave: bool = True) -> Answer:
        client = self._client
        if client:
            try:
                return call(client)
            except BrokerUnavailable as error:
                if not (may_leave and self._may_leave) or client.answers():
                    raise
                forget_locals(error)
            self._leave(client)
        try:
            return call(self._own_engine())
        except ProviderNotFound as error:
            if not self._left or error.next_step:  # an address: it is found here too
                raise
            if self._elsewhere:
                raise ProviderNotFound(
                    f"{error.message} It may be configured on {self._elsewhere}.",
                    hint=f"Add it on {socket.gethostname()} too, with `jupyter auth add`.",
                ) from None
            raise BrokerUnavailable(
                f"{error.message} It may be configured on the Jupyter server, which no longer"
                " responds.",
                next_step=NextStep("restart_server"),
            ) from None

    def _ask_of(self, name: str, call: Callable[[Accounts, str], Answer]) -> Answer:
        """``_ask`` for what a provider's name means here; registers it again where needed."""
        key = self._meant(name)
        try:
            return self._ask(lambda it: call(it, key))
        except ProviderNotFound:
            if key not in self._registered:
                raise
        told = self._tell(key)
        return self._ask(lambda it: call(it, told))

    def _meant(self, name: str) -> str:
        info = self._named.get(name)
        return info.name if info else name

    def _tell(self, key: str) -> str:
        return self._ask(lambda it: it.register(self._registered[key])).name

    def _leave(self, client: BrokerClient) -> None:
        with self._lock:
            if self._client is None:
                return
            self._client, self._left, self._elsewhere = None, True, client.elsewhere
        client.close()
        if self._elsewhere:
            _say(
                f"This program runs on {socket.gethostname()}, its Jupyter server on"
                f" {self._elsewhere}, which it cannot reach. It uses the accounts on disk by"
                " itself: sign in here, or in Jupyter if both share your home directory."
            )
            return
        _say("Lost the connection to the Jupyter server; continuing with the accounts on disk.")

    def _own_engine(self) -> LocalAccounts | PageAccounts:
        if self._pid != os.getpid():  # a fork: the parent's locks may be held for ever
            self._lock, self._engine, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._engine is None:
                from jupyter_auth.core.provider.registry import Providers
                from jupyter_auth.core.provider.user_providers import user_file

                file = None if IN_PYODIDE else user_file()
                providers = Providers(user_file=file, environ=os.environ, own_process=True)
                for name, provider in list(self._registered.items()):
                    if providers.register(provider).name != name == provider.name:
                        providers.configure(provider)  # it was the server's
                self._engine = _engine_of(providers)
                if IN_PYODIDE:
                    return self._engine
                if not self._advised and not self._left and (advice := missing_extension()):
                    _say(" ".join(advice))
                self._advised = True
            return self._engine


def _engine_of(providers: Providers) -> LocalAccounts | PageAccounts:
    if IN_PYODIDE:
        from jupyter_auth.kernel.pyodide.page_accounts import PageAccounts

        return PageAccounts(providers)
    from jupyter_auth.core.local_engine import LocalAccounts
    from jupyter_auth.core.tokens.store import FileStore

    store, consents = FileStore(), None
    if (store.directory / "consents").exists():  # of a server, which a sign-out here ends too
        from jupyter_auth.core.consent.store import FileConsents

        consents = FileConsents(store.directory)
    given: dict[str, Any] = {"home": Path.home(), "environ": os.environ, "consents": consents}
    return LocalAccounts(providers, store, forward=forward, **given)


def _say(text: str) -> None:
    sys.stderr.write(f"jupyter_auth: {text}\n")
