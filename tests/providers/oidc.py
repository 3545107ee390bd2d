"""A real OpenID provider (npm ``oidc-provider``) for the tests, as a small Python object.

Everything goes over sockets: the process is ``oidc/server.mjs``, and what a test wants to know or
to change goes through its ``/_control/`` routes.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import requests

from patience import PATIENCE
from processes import Server
from providers.person import Person

HERE = Path(__file__).parent
START_TIMEOUT = 2 * PATIENCE  # half a second is usual

USERS = {
    "alice": {
        "sub": "u-1001",
        "password": "wonderland",
        "name": "Alice Adams",
        "email": "alice@example.org",
    },
    "bob": {
        "sub": "u-1002",
        "password": "the-builder",
        "name": "Bob Brown",
        "email": "bob@example.org",
    },
    "carol": {
        "sub": "u-1003",
        "password": "christmas",
        "name": "Carol Clark",
        "email": "carol@example.org",
    },
}

# A native client may use any port of a loopback address, so only paths have to be listed: those of
# the extension (at `/`, at a base_url, at pytest-jupyter's), of the listener and of JupyterLite.
REDIRECT_URIS = [
    f"http://{host}{path}"
    for host in ("127.0.0.1", "localhost", "[::1]")
    for path in (
        "/callback/idp",
        "/jupyter-auth/callback/idp",
        "/base/jupyter-auth/callback/idp",
        "/a%40b/jupyter-auth/callback/idp",
        "/extensions/jupyter-auth-session/static/callback.html",
    )
]
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PUBLIC_CLIENT: dict[str, Any] = {
    "client_id": "notebook",
    "client_name": "Jupyter notebooks",
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token", DEVICE_GRANT],
    "redirect_uris": REDIRECT_URIS,
}
CONFIDENTIAL_CLIENT: dict[str, Any] = PUBLIC_CLIENT | {
    "client_id": "hub",
    "client_name": "JupyterHub",
    "client_secret": "hub-secret-3b1c5f0a9d7e42c8",
    "token_endpoint_auth_method": "client_secret_basic",
}
SERVICE_CLIENT: dict[str, Any] = {
    "client_id": "nightly",
    "client_name": "Nightly job",
    "client_secret": "nightly-secret-77d0e6c1b2a94f35",
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
}


class OidcProvider(Server):
    """One provider process, from ``start()`` (or ``with``) to ``stop()``.

    ``issuer`` is ``http://localhost:<port>`` unless ``host`` says otherwise: another *site* than a
    Jupyter server on 127.0.0.1. The socket itself is bound to 127.0.0.1 only. ``ttl`` changes life
    times in seconds, by the library's names (``AccessToken``, ``RefreshToken``, ``IdToken`` ...).
    ``features`` changes the library's own, each by name: ``{"registration": {"enabled": False}}``;
    off unless asked for are ``registrationManagement`` and ``clientIdMetadataDocument``, whose
    documents are at https addresses, of this machine too; ``trusts`` is their CA bundle.
    """

    client_id: str = PUBLIC_CLIENT["client_id"]
    confidential_id: str = CONFIDENTIAL_CLIENT["client_id"]
    client_secret: str = CONFIDENTIAL_CLIENT["client_secret"]
    service_id: str = SERVICE_CLIENT["client_id"]
    service_secret: str = SERVICE_CLIENT["client_secret"]

    def __init__(
        self,
        *,
        host: str = "localhost",
        port: int = 0,
        ttl: dict[str, int] | None = None,
        features: dict[str, dict[str, Any]] | None = None,
        trusts: Path | None = None,
    ) -> None:
        self.issuer = ""
        self.output: list[str] = []  # what the process printed, for a failing test to show
        self._settings = {
            "host": host,
            "port": port,
            "ttl": ttl or {},
            "features": features or {},
            "users": USERS,
            "clients": [PUBLIC_CLIENT, CONFIDENTIAL_CLIENT, SERVICE_CLIENT],
        }
        self._environment = os.environ | ({"NODE_EXTRA_CA_CERTS": str(trusts)} if trusts else {})
        self._http = requests.Session()
        self._http.trust_env = False

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the process and wait until it listens. Raises RuntimeError if it does not."""
        if not (HERE / "node_modules" / "oidc-provider").is_dir():
            raise RuntimeError("tests/providers/node_modules is missing: run `make setup`")
        self._process = subprocess.Popen(
            [node(), str(HERE / "oidc" / "server.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._settings) + "\n")
        self._process.stdin.flush()
        ready: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process, ready), daemon=True).start()
        try:
            self.issuer = json.loads(ready.get(timeout=START_TIMEOUT))["issuer"]
        except (queue.Empty, ValueError):
            self.stop()
            raise RuntimeError("the provider did not start:\n" + "".join(self.output)) from None
        return self

    def stop(self) -> None:
        """End it, and the connections to it."""
        self._http.close()
        super().stop()

    def _dismiss(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()  # its sign to leave

    def _listen(self, process: subprocess.Popen[str], ready: queue.Queue[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:  # read to the end, or a full pipe would stop the process
                self.output.append(line)
                if line.startswith('{"port"'):
                    ready.put(line)
        ready.put("")  # it ended; says so at once where it never listened

    # -- a person --------------------------------------------------------------------------------

    def login(
        self,
        authorization_url: str,
        username: str = "alice",
        password: str | None = None,
        *,
        consent: bool = True,
    ) -> str:
        """Sign in over HTTP as a browser would, with fresh cookies.

        Returns the redirect URI with ``code`` (or ``error``) in its query, without fetching it.
        ``password`` defaults to the user's own; a wrong one raises ``person.LoginRefused``.
        """
        if password is None:
            password = USERS[username]["password"]
        return Person(username, password, consent=consent).visit(authorization_url, self.issuer)

    def approve_device(self, verification_uri_complete: str, username: str = "alice") -> None:
        """Do what a person does at the page of a device login (RFC 8628, 3.3)."""
        Person(username, USERS[username]["password"]).visit(verification_uri_complete, self.issuer)

    # -- the control desk ------------------------------------------------------------------------

    def control(self, name: str, **body: Any) -> Any:
        """Call ``/_control/<name>``: GET without arguments for events and secrets, else POST."""
        url = f"{self.issuer}/_control/{name}"
        if name in {"events", "secrets"}:
            response = self._http.get(url, timeout=PATIENCE)
        else:
            response = self._http.post(url, json=body, timeout=PATIENCE)
        if not response.ok:
            raise RuntimeError(f"control {name}: {response.status_code} {response.text}")
        return response.json()

    def reset(self) -> None:
        """Life times and delays as at the start, no events. Clients, tokens and secrets stay."""
        self.control("reset")

    def ttl(self, **seconds: int) -> None:
        """Set life times of what is issued from now on: ``oidc.ttl(AccessToken=2)``."""
        self.control("ttl", **seconds)

    def expire(self) -> None:
        """Every access token issued so far is refused from now on."""
        self.control("expire")

    def age(self, *, seconds: int) -> None:
        """Everybody signed in that many seconds earlier than they did, as the API sees it."""
        self.control("age", seconds=seconds)

    def delay(self, path: str = "token", *, milliseconds: int) -> None:
        """Answer requests for ``path`` (``token``, ``me``, ``jwks`` ...) that much later."""
        self.control("delay", **{path: milliseconds})

    def rotate_keys(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; with ``keep`` the old ones are still published."""
        self.control("rotate_keys", keep=keep)

    def add_client(self, client_id: str, *redirect_uris: str, **metadata: Any) -> None:
        """Register a client, or change one of the same id (metadata as in RFC 7591).

        Starts from the public native client; a ``client_secret`` makes it a confidential one.
        """
        base = CONFIDENTIAL_CLIENT if "client_secret" in metadata else PUBLIC_CLIENT
        uris = {"redirect_uris": list(redirect_uris)} if redirect_uris else {}
        self.control("clients", **(base | uris | {"client_id": client_id} | metadata))

    def forget_clients(self) -> None:
        """As after a restart: clients that registered themselves are no longer known."""
        self.control("forget_clients")

    def add_resource(self, indicator: str, **described: Any) -> None:
        """Give tokens for an API, too (RFC 8707), besides ``<issuer>/api`` (opaque) and ``/jwt``.

        They are JWTs (RFC 9068) whose ``aud`` is the indicator, for the scopes ``api:read`` and
        ``api:write``; ``described`` changes that by the library's names.
        """
        self.control("resources", **{indicator: described})

    # -- what happened ---------------------------------------------------------------------------

    def events(self, event: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """What happened since the last ``reset()``, oldest first.

        Each has ``event`` (``grant.success``, ``grant.error``, ``revocation.success``,
        ``authorization.success`` ...), ``time``, and where known ``client_id``, ``grant_type``,
        ``sub``, ``error``, ``detail``. Arguments keep only those events that agree with them.
        """
        wanted = fields if event is None else {"event": event, **fields}
        happened: list[dict[str, Any]] = self.control("events")
        return [e for e in happened if all(e.get(key) == value for key, value in wanted.items())]

    @property
    def refresh_count(self) -> int:
        """How many refreshes were granted since the last ``reset()``."""
        return len(self.events("grant.success", grant_type="refresh_token"))

    @property
    def reuse_count(self) -> int:
        """How often a refresh token that was used before came again: each ended an account."""
        return len(self.events("grant.error", detail="refresh token already used"))

    def introspect(self, token: str) -> dict[str, Any]:
        """Say whether a token is good now: ``{"active": bool, "kind", "sub", "scope", ...}``."""
        answer: dict[str, Any] = self.control("introspect", token=token)
        return answer

    def secrets(self) -> dict[str, list[str]]:
        """Every secret seen since the start, by kind: ``access_token``, ``refresh_token``,
        ``id_token``, ``code``, ``code_verifier``, ``state``, ``nonce``, ``client_secret`` ..."""
        found: dict[str, list[str]] = self.control("secrets")
        configured = [self.client_secret, self.service_secret]
        found["client_secret"] = sorted({*found.get("client_secret", []), *configured})
        return found


def node() -> str:
    """Where the machine's own Node.js is too old, `make setup` put one into the environment."""
    found = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if found is None:
        raise RuntimeError("Node.js is missing: run `make setup`")
    return found
