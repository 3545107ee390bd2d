"""How a person gets a client ID: a preset's ``register``, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_auth.core.provider.field_types import Register
    from jupyter_auth.core.provider.provider import Provider

JUPYTER = 8888  # the port that Jupyter takes if it is free
KINDS = {  # of clients, in a form's words
    "public": "public, without a secret",
    "confidential": "confidential, with a secret",
    "either": "public, or confidential with a secret",
}


def redirect_uri(provider: Provider) -> str:
    """The one to register for a person's own machine: Jupyter's, at which scripts listen too."""
    host = provider.loopback or "localhost"
    own = f"http://{host}:{JUPYTER}/jupyter-auth/callback/{provider.name}"
    return provider.redirect_uri or own


def steps(given: Register, redirect_uri: str) -> list[str]:
    """What to do at the provider, in sentences. ``redirect_uri``: the URI, or words for it."""
    return [each.replace("{redirect_uri}", redirect_uri) for each in given.says]


def in_short(provider: Provider) -> str:
    """What to do about a missing client ID, up to how it is added."""
    given = provider.register
    where = f" at {given.url}" if given and given.url else ""
    return f"Register an application{where}, then set client_id in the configuration, or add it."
