"""Who keeps the accounts: the broker of this Jupyter server, or an engine of this process."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.broker.broker_or_engine import BrokerOrEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountKey
    from jupyter_auth.core.provider.provider import ProviderInfo
    from jupyter_auth.kernel.broker.broker_client import BrokerClient
    from jupyter_auth.kernel.broker.hub_transport import ServiceAddress

CONNECTION_VARIABLE = "JUPYTER_AUTH_CONNECTION"
SERVICE_VARIABLE = "JUPYTER_AUTH_URL"

_made: dict[tuple[str | ServiceAddress, str], BrokerOrEngine] = {}


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
        here = BrokerOrEngine(_client(place), may_leave=not service)
        # Another thread may have been faster: then its object is the one.
        _made.setdefault((place, service), here)
    return _made[place, service]


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
    """The provider to use where none is named: the one chosen, else ``Accounts.default``.

    ConfigurationError: there is none, or there are several; it shows the line to write.
    """
    if name := _chosen[0] if _chosen else accounts.default():
        return name
    from jupyter_auth.core.provider.provider import default_names

    if names := default_names(accounts.providers()):
        raise ConfigurationError(
            f"Several providers are configured: {', '.join(names)}.",
            hint=f"Name one, as in `UserSession({names[0]!r})` or `%auth login {names[0]}`.",
        )
    raise ConfigurationError(
        "No provider is configured, and none is named.",
        hint='Name one, as in `UserSession("github")`, or add your own with `%auth add`.',
    )
