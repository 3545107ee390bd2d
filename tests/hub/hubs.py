"""A JupyterHub for each of the two ways in."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from hub.hub_process import Hub, answers
from patience import until
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from providers.oidc import OidcProvider

KEYS = Fernet.generate_key().decode()
SECRET = "served-secret-0c1f7a2b9d3e4f58"
SCOPES = ["openid", "profile", "offline_access"]
# As The Littlest JupyterHub has it: a file of its own for us, which knows nothing of the others.
LITTLEST = """
c.SimpleLocalProcessSpawner.environment = {"OF_THE_SPAWNER": "1"}
load_subconfig("jupyterhub_config.d/jupyter_auth.py")
"""


@contextmanager
def plain_hub(oidc: OidcProvider, home: Path, python: str = sys.executable) -> Iterator[Hub]:
    """Nothing of ours is installed on this Hub but the hook for named servers."""
    public = {"issuer": oidc.issuer, "client_id": "campus", "title": "Example ID", "scopes": SCOPES}
    public["username_claim"] = "preferred_username"
    secret = public | {
        "client_id": oidc.confidential_id,
        "client_secret": oidc.client_secret,
        "grants": ["device_code"],
    }
    auth = {"providers": {"idp": public, "secret": secret, "same": public}}
    rule = {"same": "preferred_username"}
    more = f"import jupyter_auth; jupyter_auth.hub_config(c, same_person={rule})"
    with Hub(home, auth, more, prefix="/campus/", python=python) as hub:
        callback = hub.url("hub/user-redirect/jupyter-auth/callback/")
        oidc.add_client("campus", f"{callback}idp", f"{callback}same")
        yield hub


@contextmanager
def served_hub(
    oidc: OidcProvider,
    home: Path,
    python: str = sys.executable,
    discover: Sequence[str] = ("*",),
    *,
    club: bool = True,
) -> Iterator[Hub]:
    """A Hub with the service: a confidential client, and its secret in the service alone.

    ``club``: the same provider once more, for a group of users.
    """
    idp = {
        "issuer": oidc.issuer,
        "client_id": "served",
        "client_secret": SECRET,
        "title": "Example ID",
        "username_claim": "preferred_username",
        "scopes": SCOPES,
    }
    providers = {"idp": idp}
    if club:
        providers["club"] = {**idp, "policy": {"groups": ["physics"]}}
    sub = f"""
import jupyter_auth
jupyter_auth.hub_config(
    c,
    providers={providers!r},
    url="http://127.0.0.1:{free_port()}",
    database_url="sqlite:///{home / "accounts.sqlite"}",
    crypt_keys={KEYS!r},
    discover={discover!r},
    shared_identities=["idp"],  # so that each test may sign in as whom it likes
)
"""
    (home / "jupyterhub_config.d").mkdir(parents=True)
    (home / "jupyterhub_config.d/jupyter_auth.py").write_text(sub)
    with Hub(home, more=LITTLEST, prefix="/campus/", served=True, python=python) as hub:
        uri = hub.url("services/jupyter-auth/callback/idp")
        oidc.add_client("served", uri, uri.replace("idp", "club"), client_secret=SECRET)
        until(lambda: answers(hub.url("services/jupyter-auth/ready")))
        yield hub
