"""What a provider may demand that this package does not have: said, not left to be guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common.shown_text import plain_text

if TYPE_CHECKING:
    from jupyter_auth.core.provider.field_types import Endpoints

# By the metadata's name of the demand; a sign-in by a browser cannot work then.
REQUIRED = {
    "require_pushed_authorization_requests": "pushed authorization requests (PAR, RFC 9126)",
    "require_signed_request_object": "signed authorization requests (JAR, RFC 9101)",
}
# By how the error of a provider speaks of it.
SAID = {
    r"pushed|\bPAR\b": REQUIRED["require_pushed_authorization_requests"],
    r"request object": REQUIRED["require_signed_request_object"],
    r"dpop": "proof of possession of a key (DPoP, RFC 9449)",
    r"private_key_jwt|client.assertion": "client authentication by a signed JWT (RFC 7523)",
    r"mtls|tls_client_auth|client certificate": "client authentication by TLS (RFC 8705)",
}
METHODS = {"client_secret_basic", "client_secret_post", "none"}  # RFC 7591 2
DO_WITHOUT = "Have the client registered without that there, if the provider allows it."


def required(endpoints: Endpoints) -> list[str]:
    """What every authorization request must have."""
    return [what for name, what in REQUIRED.items() if getattr(endpoints, name)]


def other_methods(endpoints: Endpoints) -> list[str]:
    """The ways of client authentication that the metadata lists, if it lists none of ours."""
    offered = endpoints.token_endpoint_auth_methods_supported
    listed = plain_text(" or ".join(offered), 200)
    return [f"client authentication by {listed}"] if offered and not METHODS & {*offered} else []


def hint(endpoints: Endpoints, said: str) -> str:
    """What to do about a refusal in these words, if it seems to be for such a demand; else ""."""
    meant = [what for words, what in SAID.items() if re.search(words, said, re.IGNORECASE)]
    if found := meant or [*required(endpoints), *other_methods(endpoints)]:
        return f"It seems to want {' and '.join(found)}, which is not supported here. {DO_WITHOUT}"
    return ""
