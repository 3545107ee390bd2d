"""``ClientSession``: a service account's ``requests.Session`` (RFC 6749 4.4)."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import requests

from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.provider.client_credentials import variable
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.arguments import check_arguments, words
from jupyter_auth.kernel.broker.connect import connect, name_of
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.base import AuthenticatedSession
from jupyter_auth.kernel.session.service_account import ServiceAccount, ServiceAccountOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.provider.provider import Provider


class ClientSession(AuthenticatedSession):
    """A ``requests.Session`` for a service account, by the client credentials grant.

    Without ``client_secret``, the environment variables ``JUPYTER_AUTH_<PROVIDER>_CLIENT_ID`` and
    ``..._CLIENT_SECRET`` are used, or the Jupyter server issues the token with its own secret,
    which never reaches this process. Tokens are kept in memory only.

    Args:
        client_id: of the service account. Default: the configured one.
        client_secret: it stays in this process. Better left out: a cell is saved with it.
        provider: its name or a ``Provider``. Default: the only one configured, or the one set
            with ``%auth use``.
        session_key: a label; each has its own token.
        scopes: the scopes to ask for, in place of the provider's.

    Raises:
        ConfigurationError: there is no client secret, or the provider rejected it.
        ProviderUnavailable, ProviderError, BrokerUnavailable: no token could be had. Requests
            raise all of these too.
    """

    _account: ServiceAccount

    def __init__(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        provider: str | Provider | None = None,
        session_key: str = "default",
        scopes: Sequence[str] | str | None = None,
    ) -> None:
        super().__init__()
        is_text = client_secret is None or isinstance(client_secret, str)
        secret = Secret(client_secret) if client_secret else None
        client_secret = None  # kept out of tracebacks that show local variables
        if not is_text:
            raise ConfigurationError("client_secret must be a string.")
        check_arguments(
            client_id=client_id, provider=provider, session_key=session_key, scopes=scopes
        )
        if provider is None or isinstance(provider, str):
            provider = name_of(connect(), provider)
        options = ServiceAccountOptions(provider, session_key, words(scopes), client_id)
        if secret:
            _warn_if_typed(secret, options.name)
        self._bind(ServiceAccount(connect(), options, secret))
        try:
            self.authenticate()
        except (AuthError, KeyboardInterrupt) as error:
            raise error.with_traceback(None)  # noqa: B904 (without a screen of our own code)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._account.options), self._kept()


def _restored(kind: type[ClientSession], options: ServiceAccountOptions) -> ClientSession:
    """A copy, which has no secret: it needs the broker's, or its environment's."""
    session = kind.__new__(kind)
    requests.Session.__init__(session)
    session._bind(ServiceAccount(connect(), options, None))  # noqa: SLF001
    return session


_warned: list[str] = []  # one warning is enough


def _warn_if_typed(secret: Secret, provider: str) -> None:
    """Warn of a secret in a notebook's cells: it is shared with the notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    typed = shell.user_ns.get("_ih", ()) if shell else ()
    if _warned or not any(secret.reveal() in cell for cell in typed):
        return
    _warned.append(provider)
    # No other stack level: a warning shows the line it points to, which holds the secret.
    warnings.warn(
        "This notebook contains a client secret, which is shared with the notebook. Instead,"
        f" set {variable(provider, 'client_id')} and {variable(provider, 'client_secret')} where"
        f" the Jupyter server is started, then `ClientSession(provider={provider!r})`.",
        AuthWarning,
        stacklevel=1,
    )
