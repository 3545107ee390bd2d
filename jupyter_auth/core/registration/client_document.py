"""A client that is a document: its ID is the document's URL, and providers read it there.

OAuth Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document). It holds no
secret: anyone can name the URL, but only the redirect URIs in it get a code.
"""

from __future__ import annotations

from typing import Any

from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.protocol.token_endpoint import CODE, DEVICE, REFRESH
from jupyter_auth.core.registration.clients import HERE
from jupyter_auth.core.registration.dynamic import is_native

NAME = "client.json"
PUBLISHED = f"{HERE}/{NAME}"  # by the Hub's service: each redirect URI's is below it
PROJECT = "https://pypi.org/project/jupyter-auth-session/"


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
