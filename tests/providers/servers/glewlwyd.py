"""Debian's glewlwyd: a server in C, set up by its own API as in its documentation."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from patience import PATIENCE, until
from processes import free_port
from providers.person import MAX_STEPS, LoginRefused
from providers.servers.program import AuthorizationServer

SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
MODULES = Path("/usr/lib/glewlwyd")
SCOPES = ["openid", "profile", "email", "offline_access"]
CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="{origin}"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="ERROR"
log_file="{directory}/log"
cookie_secure=0
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
hash_algorithm="SHA512"
user_module_path="{modules}/user"
client_module_path="{modules}/client"
user_auth_scheme_module_path="{modules}/scheme"
plugin_module_path="{modules}/plugin"
use_secure_connection=false
secure_connection_key_file="none"
secure_connection_pem_file="none"
database={{ type="sqlite3" path="{directory}/database" }}
"""


class Glewlwyd(AuthorizationServer):
    """Its pages are a program in the browser, whose calls ``login`` makes.

    It answers a dead refresh token with 400 and nothing else, and compares redirect URIs exactly.
    """

    def start(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="glewlwyd-"))
        port = free_port()
        self.origin = f"http://localhost:{port}"
        self.issuer = f"{self.origin}/api/oidc"
        self.api = f"{self.issuer}/userinfo"
        self._change(SCHEMA.read_text())
        configuration = self._directory / "configuration"
        fields = {"port": port, "origin": self.origin, "directory": self._directory}
        configuration.write_text(CONFIGURATION.format(modules=MODULES, **fields))
        self._process = subprocess.Popen(["glewlwyd", f"--config-file={configuration}"])
        try:
            until(self._answers)
            self._register()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def login(self, url: str, *, consent: bool = True) -> str:
        assert consent, "there is no button to deny it with"
        grant = f"{self.origin}/api/auth/grant/{self.client_id}"
        with self._signed_in(self.username, self.password) as browser:
            for _ in range(MAX_STEPS):
                at = browser.get(url, allow_redirects=False, timeout=PATIENCE)
                url = urljoin(url, at.headers["Location"])
                page = urlsplit(url)
                if not url.startswith(self.origin):
                    return url
                if page.path == "/login.html":
                    _good(browser.put(grant, json={"scope": " ".join(SCOPES)}, timeout=PATIENCE))
                    url = dict(parse_qsl(page.query))["callback_url"] + "&g_continue"
        raise LoginRefused(f"no end after {MAX_STEPS} pages")

    def expire(self) -> None:
        self._change("UPDATE gpo_access_token SET gpoa_enabled = 0")

    def forget(self) -> None:
        self._change("UPDATE gpo_refresh_token SET gpor_enabled = 0")

    # -- set-up ----------------------------------------------------------------------------------

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.origin}/config", timeout=PATIENCE).ok
        return False

    def _register(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        plugin = {
            "module": "oidc",
            "name": "oidc",
            "display_name": "OpenID Connect",
            "parameters": {
                "iss": self.issuer,
                "jwt-type": "ecdsa",
                "jwt-key-size": "256",
                "key": private.decode(),
                "cert": public.decode(),
                "access-token-duration": 3600,
                "refresh-token-duration": 86400,
                "code-duration": 600,
                "refresh-token-rolling": True,
                "refresh-token-one-use": "always",
                "allow-non-oidc": True,
                "allowed-scope": SCOPES,
                "auth-type-code-enabled": True,
                "auth-type-refresh-enabled": True,
                "auth-type-client-enabled": True,
                "pkce-allowed": True,
                "introspection-revocation-allowed": True,
                "introspection-revocation-allow-target-client": True,
            },
        }
        client = {
            "client_id": self.client_id,
            "name": "Notebooks",
            "enabled": True,
            "confidential": True,
            "client_secret": self.client_secret,
            "redirect_uri": self.callbacks,
            "authorization_type": ["code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": ["client_secret_basic"],
            "scope": [],
        }
        person = {
            "username": self.username,
            "name": "Ada",
            "email": "ada@example.org",
            "enabled": True,
            "password": self.password,
            "scope": ["g_profile", *SCOPES],
        }
        with self._signed_in("admin", "password") as admin:
            for scope in SCOPES[1:]:
                added = {"name": scope, "display_name": scope, "password_required": False}
                _good(admin.post(f"{self.origin}/api/scope", json=added))
            _good(admin.post(f"{self.origin}/api/mod/plugin", json=plugin))
            _good(admin.post(f"{self.origin}/api/client", json=client))
            _good(admin.post(f"{self.origin}/api/user", json=person))

    def _signed_in(self, username: str, password: str) -> requests.Session:
        browser = requests.Session()
        browser.trust_env = False
        typed = {"username": username, "password": password}
        if not browser.post(f"{self.origin}/api/auth", json=typed, timeout=PATIENCE).ok:
            raise LoginRefused(username)
        return browser

    def _change(self, statements: str) -> None:
        opened = sqlite3.connect(self._directory / "database", timeout=PATIENCE)
        with contextlib.closing(opened) as database:
            database.executescript(statements)


def _good(response: requests.Response) -> None:
    assert response.ok, f"{response.url}: {response.status_code} {response.text}"
