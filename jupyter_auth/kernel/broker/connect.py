"""Finds the accounts: at this Jupyter server's broker, or with an engine in this process."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_address, plain
from jupyter_auth.core.errors import ConfigurationError, NextStep, ProviderNotFound
from jupyter_auth.kernel.broker.broker_or_engine import BrokerOrEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountKey, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.kernel.broker.broker_client import BrokerClient
    from jupyter_auth.kernel.broker.hub_transport import ServiceAddress

CONNECTION_VARIABLE = "JUPYTER_AUTH_CONNECTION"
SERVICE_VARIABLE = "JUPYTER_AUTH_URL"

_made: dict[tuple[str | ServiceAddress, str], BrokerOrEngine] = {}


def connect(environ: Mapping[str, str] | None = None) -> Accounts:
    """This Jupyter server's broker, else the Hub service, else an engine in this process.

    The same object for the same environment variables.

    Raises:
        BrokerUnavailable: a broker is configured, and cannot or must not be used.
    """
    environ = os.environ if environ is None else environ
    file, service = environ.get(CONNECTION_VARIABLE, ""), environ.get(SERVICE_VARIABLE, "")
    address: str | ServiceAddress = file
    if service and not file:
        from jupyter_auth.kernel.broker.hub_transport import service_address

        address = service_address(environ)
    if (address, service) not in _made:
        made = BrokerOrEngine(_client(address) if address else None, may_leave=not service)
        _made.setdefault((address, service), made)  # another thread may have been faster
    return _made[address, service]


def _client(address: str | ServiceAddress) -> BrokerClient:
    if isinstance(address, str):
        from jupyter_auth.kernel.broker.broker_client import BrokerClient

        return BrokerClient(Path(address))
    from jupyter_auth.kernel.broker.hub_transport import ServiceClient

    return ServiceClient(address)


def account_key(
    accounts: Accounts, provider: str, session_key: str, username: str | None
) -> AccountKey:
    """The key of the account to use: accounts of different users lie side by side.

    With ``username`` and the default ``session_key`` it is that user's account under any key, the
    default one first; else a free key for a new account, made from the user name.
    """
    from jupyter_auth.core.common.session_key import DEFAULT_KEY
    from jupyter_auth.core.models import AccountKey

    if username is None or session_key != DEFAULT_KEY:
        return AccountKey(provider, session_key)
    taken = {each.key: each for each in accounts.accounts() if each.provider == provider}
    theirs = [key for key, account in taken.items() if account.belongs_to(username)]
    if theirs:
        default = AccountKey(provider)
        return default if default in theirs else theirs[0]
    names = itertools.chain([username], (f"{username}-{n}" for n in itertools.count(2)))
    return next(key for key in (AccountKey(provider, each) for each in names) if key not in taken)


def provider_of(accounts: Accounts, name: str | None) -> ProviderInfo:
    """The provider of that name, or of the API at that address; None: the default one.

    An API whose address is not known yet is asked where people sign in to it.

    Raises:
        ProviderNotFound, ConfigurationError: there is none.
        ProviderUnavailable, ProviderError: as ``Accounts.find``.
    """
    name = name or default_provider(accounts)
    try:
        return accounts.provider(name)
    except ProviderNotFound:
        if not is_address(name):
            raise
    return accounts.find(name)


def name_of(accounts: Accounts, name: str | None) -> str:
    """The name of ``provider_of``, without a call where that is given."""
    if name and not is_address(name):
        return name
    return provider_of(accounts, name).name if name else default_provider(accounts)


def token_of(accounts: Accounts, name: str, session_key: str, resource: str = "") -> Token:
    """The account's token, for that API of the provider's. Raises as ``Accounts.token``."""
    if not resource:
        return accounts.token(name, session_key)
    from jupyter_auth.core.provider.resources import requested
    from jupyter_auth.core.tokens.need import Need

    wanted = requested(accounts.provider(name), resource)
    token = accounts.token(name, session_key, Need(resource=wanted))
    check_resource(token, wanted)
    return token


def check_resource(token: Token, resource: str) -> None:
    """Raise ConfigurationError if the token is for another API.

    A broker of an older version knows one of each provider only.
    """
    if token.resource != resource:
        raise ConfigurationError(
            f"There is no token for {resource}: the token service has an older version."
            " Nothing was sent.",
            hint="Upgrade jupyter-auth-session in the Jupyter server's environment.",
            next_step=NextStep("restart_server"),
        )


_chosen: list[str] = []  # the default provider of this process, if one was chosen


def use(accounts: Accounts, name: str) -> ProviderInfo:
    """Make it the default provider of this process."""
    info = provider_of(accounts, name)
    _chosen[:] = [plain(info.name)]
    return info


def chosen_provider(accounts: Accounts) -> str | None:
    """The provider chosen with ``use``, else ``Accounts.default``."""
    return _chosen[0] if _chosen else accounts.default()


def default_provider(accounts: Accounts) -> str:
    """The ``chosen_provider``.

    Raises:
        ConfigurationError: there is none, or there are several; the hint shows how to name one.
    """
    if name := chosen_provider(accounts):
        return name
    from jupyter_auth.core.provider.info import default_names

    if names := default_names(accounts.providers()):
        raise ConfigurationError(
            f"Several providers are configured: {', '.join(names)}.",
            next_step=NextStep("name_provider", names[0]),
        )
    raise ConfigurationError(
        "No provider is configured, and none is named.",
        next_step=NextStep("name_or_add_provider", "github"),
    )
