"""The Hub service, for a kernel whose own server has no broker socket.

It is authenticated with that server's Hub API token. As with the socket, proxies and netrc of the
environment are not used, and no redirect is followed.
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
    """``where`` is the service's origin; without TLS it is within the Hub's network."""

    side: ClassVar[str] = "Hub's sign-in service"
    advice: ClassVar = {"hint": "Try again in a moment, or ask the Hub's administrator."}

    def connect(self) -> socket.socket:
        """As in ``Address``; over TLS the certificate has to be the host's."""
        parts = urlsplit(self.where)
        host = parts.hostname or ""
        port = parts.port or PORTS[parts.scheme]
        connection = socket.create_connection((host, port), CONNECT_TIMEOUT)
        return connection if parts.scheme == "http" else _secured(connection, host)


def _secured(connection: socket.socket, host: str) -> socket.socket:
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        connection.close()
        from jupyter_auth.core.protocol.http import require_certificates

        require_certificates(("SSL_CERT_FILE",))  # ssl ignores a file that is missing
        raise BrokerUnavailable(
            f"The certificate of the Hub's sign-in service is not trusted: {error.verify_message}.",
            hint="Set SSL_CERT_FILE to the file of its CA, or ask the Hub's administrator.",
        ) from None
    except BaseException:
        connection.close()
        raise


def service_address(environ: Mapping[str, str]) -> ServiceAddress:
    """The service's address, from the variables that the Hub sets for a single-user server.

    Raises:
        BrokerUnavailable: they are not set here.
    """
    parts, token = urlsplit(environ.get(VARIABLE, "")), environ.get(TOKEN_VARIABLE, "")
    if parts.scheme not in PORTS or not parts.hostname or not token.isascii() or not token:
        raise BrokerUnavailable(
            "The Hub's sign-in service is configured, but cannot be reached from here.",
            hint="Enable the jupyter_auth extension in the single-user server's environment, or"
            f" run this where {TOKEN_VARIABLE} is set.",
        )
    return ServiceAddress(
        where=f"{parts.scheme}://{parts.netloc}",
        key=Secret(token),
        host=parts.netloc,
        prefix=f"{environ.get(BASE_VARIABLE, '').rstrip('/')}/services/jupyter-auth/",
    )


class ServiceClient(BrokerClient):
    """``Accounts`` of the Hub service, without a server between."""

    def __init__(self, address: ServiceAddress) -> None:
        self._transport = BrokerTransport(lambda: address)
        self._where = address.where
