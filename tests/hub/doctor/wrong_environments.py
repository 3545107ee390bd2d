"""Wrong environments that administrators meet, and what the doctor says of each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet
from sqlalchemy import update

from hub.hubs import SCOPES, SECRET
from hub.service_client import PLACE, environ_of_service
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.key_rotation import check_keys
from jupyter_auth.server.hub.storage.tables import schema

if TYPE_CHECKING:
    from pathlib import Path

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider

OTHER_KEY = Fernet.generate_key().decode()
ACCESS = "access:services!service=jupyter-auth"


@dataclass
class World:
    """What a row may make its environment of."""

    hub: Hub
    oidc: OidcProvider
    rogue: RogueProvider
    secure: RogueProvider
    home: Path

    @property
    def port(self) -> str:
        """Where the service listens."""
        files = self.hub.home.glob("jupyterhub_config.d/*.py")
        found = re.search(r'url="http://127.0.0.1:(\d+)"', "".join(f.read_text() for f in files))
        assert found
        return found[1]

    @property
    def callback(self) -> str:
        return self.hub.url(f"{PLACE}callback/idp")

    @property
    def database(self) -> str:
        return f"sqlite:///{self.home / 'accounts.sqlite'}"

    def environ(self) -> dict[str, str]:
        """That in which nothing is wrong."""
        return environ_of_service(self.hub, self.oidc) | {
            "JUPYTERHUB_PUBLIC_URL": self.hub.url(PLACE),
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTER_AUTH_DATABASE_URL": self.database,
        }


@dataclass
class Row:
    """``says`` is on a line that begins with ``mark``."""

    name: str
    says: str
    change: Any = field(default=lambda _: {})
    mark: str = "✗"
    words: Any = field(default=lambda _: [])
    files: int | None = None
    long: bool = False  # it waits for what does not come


def idp(**fields: Any) -> Any:
    """The provider of the service, with other fields; a function is asked for its value."""

    def change(world: World) -> dict[str, str]:
        given = {"issuer": world.oidc.issuer, "client_id": "served", "client_secret": SECRET}
        given |= {k: v(world) if callable(v) else v for k, v in fields.items()}
        given = {name: value for name, value in given.items() if value is not None}
        return {"JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": given})}

    return change


def env(name: str, value: Any) -> Any:
    return lambda world: {name: value(world) if callable(value) else value}


def narrow(world: World) -> str:
    world.oidc.add_client("narrow", world.callback, client_secret=SECRET, scope="openid")
    return "narrow"


def twins(world: World) -> dict[str, str]:
    world.rogue.metadata = {"authorization_response_iss_parameter_supported": False}
    given = {"client_id": "x", "redirect_uri": world.callback}
    both = {"idp": given | {"issuer": world.oidc.issuer}}
    return {
        "JUPYTER_AUTH_PROVIDERS": json.dumps(both | {"b": given | {"issuer": world.rogue.issuer}})
    }


def an_hour_ago(world: World) -> str:
    def trouble(proceed: Any) -> Any:
        reply = proceed()
        reply.headers["Date"] = formatdate(0, usegmt=True)
        return reply

    world.rogue.script("discovery", trouble)
    return world.rogue.issuer


def newer(world: World) -> dict[str, str]:
    database = Database(world.database)
    database.change(update(schema).values(version=99))
    database.close()
    return {}


def sealed(world: World) -> dict[str, str]:
    database = Database(world.database)
    check_keys(database, Encryption(OTHER_KEY))
    database.close()
    return {}


def hub_file(text: str) -> Any:
    """The Hub's configuration file, made by hand; SERVICE is the service's address."""

    def words(world: World) -> list[str]:
        file = world.home / "jupyterhub_config.py"
        service = f"http://127.0.0.1:{world.port}"
        bind = f"c.JupyterHub.bind_url = {world.hub.url('')!r}\n"
        file.write_text(bind + text.replace("SERVICE", service))
        return ["--hub-config", str(file)]

    return words


HAND_MADE = f"""
c.JupyterHub.services = [{{"name": "jupyter-auth", "url": "SERVICE", "api_token": "t"}}]
c.Spawner.environment = {{
    "JUPYTER_AUTH_URL": "SERVICE",
    "JUPYTER_AUTH_REDIRECT_HOOK": "1",
    "JUPYTER_AUTH_SAME_PERSON": "{{}}",
}}
c.JupyterHub.load_roles = [
    {{"name": "user", "scopes": ["self", "{ACCESS}"]}},
    {{"name": "server", "scopes": ["users:activity!user", "{ACCESS}"]}},
    {{"name": "x", "services": ["jupyter-auth"], "scopes": ["list:users", "read:users"]}},
]
"""
PODS = """
from jupyterhub.spawner import Spawner
class Pods(Spawner):
    start = stop = poll = None
c.JupyterHub.spawner_class = Pods
"""

ROWS = [
    Row("wrong secret", "it knows the client ID (invalid_client)", idp(client_secret="another")),
    Row(
        "wrong id",
        "rejects this client ID or client secret (invalid_client)",
        idp(client_id="nobody"),
    ),
    Row("no secret", "requires a client secret; it knows the client ID", idp(client_secret=None)),
    Row(
        "redirect URI not registered",
        "answered 400 to a sign-in of this client with the redirect URI https://hub.example/",
        env("JUPYTERHUB_PUBLIC_URL", "https://hub.example/"),
    ),
    Row(
        "scopes not registered",
        "but refuses the sign-in (invalid_scope)",
        idp(client_id=narrow, scopes=SCOPES),
    ),
    Row("unknown host", "idp.invalid cannot be reached", idp(issuer="https://idp.invalid")),
    Row(
        "https where there is no TLS",
        "The TLS handshake with",
        idp(issuer=lambda w: w.oidc.issuer.replace("http:", "https:")),
    ),
    Row("certificate", "is not trusted here", idp(issuer=lambda w: w.secure.issuer)),
    Row("ca_bundle", "The ca_bundle /no/such.pem cannot be read", idp(ca_bundle="/no/such.pem")),
    Row(
        "another issuer",
        "names another issuer",
        idp(issuer=lambda w: w.oidc.issuer.replace("localhost", "127.0.0.1")),
    ),
    Row("no issuer", "publishes no OpenID", idp(issuer=lambda w: w.oidc.issuer + "/realms/x")),
    Row(
        "http issuer",
        "The issuer http://idp.example is not https",
        idp(issuer="http://idp.example"),
    ),
    Row("clock", "minutes ahead of the provider's", idp(issuer=an_hour_ago)),
    Row("one address for two providers", "and another provider share the redirect URI", twins),
    Row(
        "redirect URI of the Hub's own login",
        "does not lead to the service",
        idp(redirect_uri="https://hub.example/hub/oauth_callback"),
    ),
    Row("providers", "not a JSON object", env("JUPYTER_AUTH_PROVIDERS", "idp")),
    Row(
        "relative SQLite path",
        "accounts.sqlite depends on the directory",
        env("JUPYTER_AUTH_DATABASE_URL", "sqlite:///accounts.sqlite"),
    ),
    Row(
        "no directory",
        "database cannot be used",
        env("JUPYTER_AUTH_DATABASE_URL", "sqlite:////no/such/accounts.sqlite"),
    ),
    Row(
        "database away",
        "database cannot be used",
        env("JUPYTER_AUTH_DATABASE_URL", "postgresql://u:planted-pw@127.0.0.1:1/x"),
        long=True,
    ),
    Row("newer database", "has schema 99", newer),
    Row("no keys", "contains no valid Fernet key", env("JUPYTER_AUTH_CRYPT_KEYS", "")),
    Row(
        "no Fernet key", "contains no valid Fernet key", env("JUPYTER_AUTH_CRYPT_KEYS", "password")
    ),
    Row("a key is lacking", "lacks a key", sealed),
    Row(
        "wrong API token", "rejected the service's API token", env("JUPYTERHUB_API_TOKEN", "wrong")
    ),
    Row(
        "wrong API URL",
        "The Hub does not answer",
        env("JUPYTERHUB_API_URL", "http://127.0.0.1:1/hub/api"),
    ),
    Row(
        "role without scopes",
        "lacks the scope list:users",
        env("JUPYTERHUB_API_TOKEN", lambda w: w.hub.bare_token),
    ),
    Row(
        "another name",
        "The service is named 'sign-in' on the Hub",
        env("JUPYTERHUB_SERVICE_PREFIX", "/campus/services/sign-in/"),
    ),
    Row(
        "url that nobody resolves",
        "The host jupyter-auth.invalid is not known here",
        env("JUPYTERHUB_SERVICE_URL", "http://jupyter-auth.invalid:10201"),
    ),
    Row(
        "https url without TLS",
        "does not speak https with a trusted certificate",
        env("JUPYTERHUB_SERVICE_URL", lambda w: f"https://127.0.0.1:{w.port}"),
    ),
    Row(
        "http public_url",
        "is not https",
        env("JUPYTERHUB_PUBLIC_URL", "http://hub.example/"),
    ),
    Row("few open files", "At most 256", mark="·", files=256),
    Row(
        "variables do not reach the spawner",
        "They are not given JUPYTER_AUTH_URL",
        words=hub_file(HAND_MADE.replace('"JUPYTER_AUTH_URL": "SERVICE"', '"A": "B"')),
    ),
    Row(
        "the spawner's own class counts more",
        "JUPYTER_AUTH_URL: neither c.Pods.environment",
        words=hub_file(HAND_MADE + PODS + "c.Pods.environment = {'A': 'B'}"),
    ),
    Row(
        "loopback url and pods",
        "always means the machine or container",
        words=hub_file(HAND_MADE + PODS),
        mark="·",
    ),
    Row(
        "browsers without access",
        "The role 'user' lacks",
        words=hub_file(HAND_MADE.replace(f'"self", "{ACCESS}"', '"self"')),
    ),
    Row(
        "kernels without access",
        "The role 'server' lacks",
        words=hub_file(HAND_MADE.replace(f'activity!user", "{ACCESS}"', 'activity!user"')),
    ),
    Row(
        "a service without its role",
        "the scope list:users",
        words=hub_file(HAND_MADE.replace('"list:users", ', "")),
    ),
    Row(
        "no service",
        "The Hub has no service named",
        words=hub_file(HAND_MADE.replace('"name": "jupyter-auth"', '"name": "sign-in"')),
        mark="·",
    ),
    Row("a file that fails", "cannot be loaded: NameError", words=hub_file("no_such_name")),
    Row(
        "a token without the scope",
        "This token lacks the scope admin:users",
        env("JUPYTERHUB_API_TOKEN", lambda w: w.hub.bare_token),
        words=lambda w: ["--url", w.hub.url("")],
    ),
    Row(
        "a Hub at another path",
        "there is no such service",
        words=lambda w: ["--url", w.hub.url("hub/x/")],
    ),
    Row("no Hub", "cannot be reached", words=lambda _: ["--url", "http://127.0.0.1:1"]),
]
