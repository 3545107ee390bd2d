"""Runs Canaille with one person and one client, in the environment that has it."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from datetime import UTC, datetime

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc.jose import make_default_rsa_jwk
from werkzeug.serving import make_server

SCOPES = ["openid", "profile", "email", "offline_access"]

logging.getLogger("werkzeug").setLevel(logging.ERROR)
given = json.loads(sys.stdin.readline())
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
app = create_app(
    {
        "SECRET_KEY": "for the tests alone",
        "SERVER_NAME": f"localhost:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [make_default_rsa_jwk().as_dict(private=True)]},
    }
)
with app.app_context(), Backend.instance.session():
    ada = models.User(
        user_name=given["username"],
        family_name="Lovelace",
        formatted_name="Ada Lovelace",
        emails=["ada@example.test"],
        password=given["password"],
    )
    Backend.instance.save(ada)
    client = models.Client(
        client_id=given["client_id"],
        client_id_issued_at=datetime.now(UTC),
        client_name="Notebooks",
        redirect_uris=given["callbacks"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=SCOPES,
        token_endpoint_auth_method="none",
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)

server = make_server("127.0.0.1", port, app, fd=listener.detach())
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdout.write(json.dumps({"port": port}) + "\n")
sys.stdout.flush()
sys.stdin.read()  # its end is the sign to leave
