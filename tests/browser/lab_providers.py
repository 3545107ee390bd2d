"""What the JupyterLab under test is configured with: one provider that works, and some that do not.

All are the same process; they differ in how this Jupyter is registered there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from browser.lab import Lab
from providers.presets.fourinsight import FourInsight
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider

TITLE = "Example University"
DESKTOP_URI = "http://localhost:8765/oauth/back"  # no browser of ``chromium`` gets there
MOVED_URI = "http://notebooks.example:8766/jupyter-auth/callback/moved"
LOST_URI = "https://hub.example/jupyter-auth/callback/lost"
SECRET = "campus-secret-5f1d0c7be29a4836"  # planted: nobody may find it anywhere


class Campus(Lab):
    """The lab, the provider whose people paste, and one that a test may spoil."""

    fourinsight: FourInsight
    rogue: RogueProvider


@contextmanager
def campus(home: Path, oidc: OidcProvider, **auth: Any) -> Iterator[Campus]:
    """A JupyterLab with providers of each kind.

    ``idp`` is a public client, ``campus`` a confidential one. ``wrong`` has a secret that is not
    the provider's, and ``lost`` a redirect URI that leads to somebody else. ``desktop`` is known to
    it as a program of the person's own machine, by ``DESKTOP_URI``, and ``moved`` knows Jupyter at
    a port that it had once. ``device`` is signed in to with a code, ``school`` with a password
    (which this provider refuses), ``keys`` with an API key, ``4insight`` by what is pasted;
    ``gadget`` with a code too, at ``rogue``, where ``either`` has a registration for one of two
    grants. ``found`` is of an API that was found by its address. ``typo`` is written down wrongly.
    """
    for name in ("campus", "wrong"):
        callback = f"http://127.0.0.1/jupyter-auth/callback/{name}"
        oidc.add_client(name, callback, client_name="Jupyter notebooks", client_secret=SECRET)
    oidc.add_client("desktop", DESKTOP_URI, client_name="Jupyter notebooks")
    registered = {
        "idp": {"client_id": oidc.client_id},
        "campus": {"client_id": "campus"},
        "wrong": {"client_id": "wrong"},
        "device": {"client_id": oidc.client_id, "grants": ["device_code"]},
        "school": {"client_id": oidc.client_id, "grants": ["password"]},
        "keys": {"grants": ["api_key"], "api_key": KEYS},
        "desktop": {"client_id": "desktop", "redirect_uri": DESKTOP_URI},
        "moved": {"client_id": oidc.client_id, "redirect_uri": MOVED_URI},
        "lost": {"client_id": oidc.client_id, "redirect_uri": LOST_URI},
        "found": {
            "client_id": oidc.client_id,
            "title": "Acme tools (mcp.acme.example)",
            "found_at": f"{oidc.issuer}/tools/v1/mcp",
            "scopes": ["openid", *(f"https://acme.example/{n}/files.read" for n in range(29))],
        },
    }
    providers = {
        name: {"title": TITLE, "issuer": oidc.issuer, "base_url": f"{oidc.issuer}/api/", **client}
        for name, client in registered.items()
    }
    with FourInsight() as fourinsight, RogueProvider() as rogue:
        rogue.devices.interval = 0.1
        providers["4insight"] = fourinsight.table()
        providers["gadget"] = {
            "title": TITLE,
            "issuer": rogue.issuer,
            "client_id": rogue.client_id,
            "grants": ["device_code"],
        }
        providers["either"] = providers["gadget"] | {"grants": ["authorization_code", "password"]}
        providers["typo"] = {"isuer": oidc.issuer, "client_id": "typo"}
        settings = {"providers": providers, **auth}
        with Campus(home, settings, CONFIGURATION, {"CAMPUS_SECRET": SECRET}) as lab:
            lab.fourinsight, lab.rogue = fourinsight, rogue
            yield lab


KEYS = {
    "parts": {"id": "Key ID", "key": "Key"},
    "environment": {"id": "CAMPUS_KEY_ID", "key": "CAMPUS_KEY"},
    "headers": {"*": {"x-api-key-id": "{id}", "x-api-key": "{key}"}},
}

# As an administrator writes it who wants no secret in the server's log at DEBUG: traitlets prints
# whole configurations there.
CONFIGURATION = """
import os, secrets
from jupyter_auth.core.secret import Secret
providers = c.JupyterAuth.providers
providers["campus"]["client_secret"] = Secret(os.environ.pop("CAMPUS_SECRET"))
providers["wrong"]["client_secret"] = Secret(secrets.token_hex())  # not what the provider knows
"""
