"""The Hub's sign-in service, for a kernel whose own server has no door to it.

That server's Hub API token opens the service's kernel routes. Everything else is as with a door:
nothing of the environment's proxies or netrc touches it, and no redirect is followed.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.kernel.broker.transport import CONNECT_TIMEOUT, Address, BrokerTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "JUPYTER_AUTH_URL"
TOKEN_VARIABLE = "JUPYTERHUB_API_TOKEN"  # noqa: S105 (its name)
BASE_VARIABLE = "JUPYTERHUB_BASE_URL"
PORTS = {"http": 80, "https": 443}


class ServiceAddress(Address):
    """``where`` is the service's origin, over TLS or within the Hub's own network."""

    side: ClassVar[str] = "Hub's sign-in service"
    hint: ClassVar[str] = "Try again in a moment, or ask the Hub's administrator."

    def connect(self) -> socket.socket:
        """As in ``Address``; who answers over TLS has a certificate of that name."""
        parts = urlsplit(self.where)
        name = parts.hostname or ""
        place = (name, parts.port or PORTS[parts.scheme])
        connection = socket.create_connection(place, CONNECT_TIMEOUT)
        return connection if parts.scheme == "http" else _secured(connection, name)


def _secured(connection: socket.socket, name: str) -> socket.socket:
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise BrokerUnavailable(
            f"The Hub's sign-in service has no certificate to trust: {error.verify_message}.",
            hint="Let SSL_CERT_FILE name the file of whoever signed it, or ask the Hub's"
            " administrator.",
        ) from None
    except BaseException:
        connection.close()
        raise


def service_address(environ: Mapping[str, str]) -> ServiceAddress:
    """Where the service is, as the Hub says it to a user's server and all that it starts.

    BrokerUnavailable: it does not say it here.
    """
    parts, token = urlsplit(environ.get(VARIABLE, "")), environ.get(TOKEN_VARIABLE, "")
    if parts.scheme not in PORTS or not parts.hostname or not token.isascii() or not token:
        raise BrokerUnavailable(
            "The Hub's sign-in service is configured, but there is no way to it from here.",
            hint="Enable the jupyter_auth extension in the single-user server's environment, or"
            f" start this where {TOKEN_VARIABLE} is set.",
        )
    return ServiceAddress(
        where=f"{parts.scheme}://{parts.netloc}",
        key=Secret(token),
        host=parts.netloc,
        prefix=f"{environ.get(BASE_VARIABLE, '').rstrip('/')}/services/jupyter-auth/",
    )


class ServiceClient(BrokerClient):
    """``Accounts`` over the service itself."""

    def __init__(self, address: ServiceAddress) -> None:
        self._transport = BrokerTransport(lambda: address)
        self._where = address.where
