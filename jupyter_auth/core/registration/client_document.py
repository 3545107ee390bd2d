"""A client that is a document: its ID is the document's URL, and providers read it there.

OAuth Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document). It holds no
secret: anyone can name the URL, but only the redirect URIs in it get a code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.protocol.token_endpoint import CODE, DEVICE, REFRESH
from jupyter_auth.core.registration.clients import HERE
from jupyter_auth.core.registration.dynamic import is_native

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "client.json"
LOOPBACK = ("127.0.0.1", "localhost")
PUBLISHED = f"{HERE}/{NAME}"  # by the Hub's service: each redirect URI's is below it
PROJECT = "https://pypi.org/project/jupyter-auth-session/"


def of_this_machine(url: str, names: Sequence[str]) -> dict[str, Any]:
    """The one for Jupyter and scripts on people's own machines, at the providers of these names.

    Without ports: on loopback a provider has to take any (RFC 8252 7.3).
    """
    places = [f"http://{host}{path}" for host in LOOPBACK for path in ("", "/jupyter-auth")]
    return document(url, [f"{each}/callback/{name}" for name in names for each in places])


def document(url: str, redirect_uris: list[str]) -> dict[str, Any]:
    """The document to publish at ``url``: a public client (RFC 7591 2)."""
    native = all(map(is_native, redirect_uris))
    return {
        "client_id": url,
        "client_name": "Jupyter" if native else f"Jupyter on {host_of(url)}",
        "client_uri": PROJECT,
        "redirect_uris": redirect_uris,
        "grant_types": [CODE, REFRESH, *([DEVICE] if native else [])],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native" if native else "web",
    }
