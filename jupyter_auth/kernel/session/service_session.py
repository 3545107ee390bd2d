"""``ClientSession``: a service account's ``requests.Session`` (RFC 6749 4.4)."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import requests

from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.provider.client_credentials import variable
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.arguments import check_arguments
from jupyter_auth.kernel.broker.connect import connect, default_provider
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.base import AuthenticatedSession
from jupyter_auth.kernel.session.service_account import ServiceAccount, ServiceAccountOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.provider.provider import Provider


class ClientSession(AuthenticatedSession):
    """A ``requests.Session`` for a service account at ``provider``.

    Its token is in memory only. With no ``client_secret``, the broker that holds one issues the
    token, and the secret never comes here; or ``JUPYTER_AUTH_<PROVIDER>_CLIENT_ID`` and
    ``..._CLIENT_SECRET`` of this process's environment are used. One that is given stays in this
    process. Each ``session_key`` has a token of its own. ``scopes``: instead of the provider's.

    ConfigurationError: nobody has a secret for it, or the provider refused the client.
    ProviderUnavailable, ProviderError, BrokerUnavailable. Requests raise these too.
    """

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
        client_secret = None  # a traceback with local variables shows none
        if not is_text:
            raise ConfigurationError("client_secret must be a string.")
        check_arguments(
            client_id=client_id, provider=provider, session_key=session_key, scopes=scopes
        )
        if provider is None:
            provider = default_provider(connect())
        words = tuple(scopes.split() if isinstance(scopes, str) else scopes or ())
        client = ServiceAccountOptions(provider, session_key, words, client_id)
        if secret:
            _warn_if_typed(secret, client.name)
        self._set_up(ServiceAccount(connect(), client, secret))
        try:
            self.authenticate()
        except (AuthError, KeyboardInterrupt) as error:
            raise error.with_traceback(None)  # noqa: B904 (in a cell: a screen of our own code)

    def _set_up(self, service: ServiceAccount) -> None:
        self._service = service
        self._hold(service)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._service.client), self._kept()


def _restored(kind: type[ClientSession], client: ServiceAccountOptions) -> ClientSession:
    """A copy has no secret: it needs the broker's, or that of its environment."""
    session = kind.__new__(kind)
    requests.Session.__init__(session)
    session._set_up(ServiceAccount(connect(), client, None))  # noqa: SLF001
    return session


_warned: list[str] = []  # once is enough


def _warn_if_typed(secret: Secret, provider: str) -> None:
    """Whoever is given the notebook is given what is typed into it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    typed = shell.user_ns.get("_ih", ()) if shell else ()
    if _warned or not any(secret.reveal() in cell for cell in typed):
        return
    _warned.append(provider)
    # At no other stack level: a warning shows the line it points to, and that holds the secret.
    warnings.warn(
        "A client secret is written in this notebook, and goes wherever the notebook goes. Better:"
        f" set {variable(provider, 'client_id')} and {variable(provider, 'client_secret')} where"
        f" the Jupyter server is started, then `ClientSession(provider={provider!r})`.",
        AuthWarning,
        stacklevel=1,
    )
